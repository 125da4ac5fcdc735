"""The one place that picks the TensorFlow 1.x interface: 1.15's own, or compat.v1 of current TensorFlow."""
import warnings

with warnings.catch_warnings():
    # TensorFlow 1.15 spells NumPy types in a way that NumPy 1.17 and later warns about.
    warnings.simplefilter('ignore', FutureWarning)
    import tensorflow

tf = tensorflow.compat.v1
