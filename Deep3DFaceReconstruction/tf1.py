"""The one place that picks the TensorFlow 1.x interface.

`from Deep3DFaceReconstruction.tf1 import tf` is TensorFlow 1.15's own interface on 1.15 and
`tensorflow.compat.v1` on current TensorFlow. Nothing global is switched: build every graph inside an
explicit `tf.Graph().as_default()`, where both behave alike. Two differences remain to be minded:
static sizes come from `x.shape.as_list()` (never from `x.shape[i]`), and `tf.layers`, `tf.contrib` and
slim do not exist on current TensorFlow.
"""
import warnings

with warnings.catch_warnings():
    # TensorFlow 1.15 spells NumPy types in a way that NumPy 1.17 and later warns about, six times over.
    warnings.simplefilter('ignore', FutureWarning)
    import tensorflow

tf = tensorflow.compat.v1
