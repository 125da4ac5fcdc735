"""The TensorFlow 1.x interface: `from Deep3DFaceReconstruction.tf1 import tf`.

It is TensorFlow 1.15's own interface on 1.15 and `tensorflow.compat.v1` on current TensorFlow. Nothing global is
switched: build every graph inside an explicit `tf.Graph().as_default()`, where both behave alike. Two differences
remain: static sizes come from `x.shape.as_list()` (never from `x.shape[i]`), and `tf.layers`, `tf.contrib` and slim
do not exist on current TensorFlow.
"""
from mesh_renderer.tf1 import tf

__all__ = ['tf']
