"""A TensorFlow graph as a plain function from arrays to arrays: built once, called many times."""
from Deep3DFaceReconstruction.tf1 import tf


class GraphFunction:
    """A graph and a session of its own behind a call with named arrays.

    For example, with `build` returning `({'x': x}, {'square': x * x, 'double': 2 * x})`:

        with GraphFunction(build) as function:
            function(x=array)                  # {'square': array, 'double': array}
            function.fetch('square', x=array)  # array

    Attributes:
      inputs: {argument name: the tensor that it feeds}.
      outputs: tensors, in any structure that `tf.Session.run` takes (a tensor, a dict, a tuple, nested).
    """

    def __init__(self, build, config=None):
        """Builds the graph and starts its session.

        Args:
          build: function without arguments that adds to the current graph and returns (inputs, outputs).
          config: a tf.ConfigProto, or None.
        """
        graph = tf.Graph()
        with graph.as_default():
            self.inputs, self.outputs = build()
        self._session = tf.Session(graph=graph, config=config)

    def __call__(self, **arrays):
        """The values of all outputs, in the structure of `outputs`.

        Args:
          arrays: an array for each of `inputs`.
        """
        return self._run(self.outputs, arrays)

    def fetch(self, name, **arrays):
        """The values of `outputs[name]` alone, from arrays for the inputs that it depends on."""
        return self._run(self.outputs[name], arrays)

    def _run(self, tensors, arrays):
        return self._session.run(tensors, {self.inputs[name]: array for name, array in arrays.items()})

    def close(self):
        """Frees the session."""
        self._session.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
