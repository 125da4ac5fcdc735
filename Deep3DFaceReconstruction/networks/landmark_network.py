"""The published 68-landmark network as a frozen graph: `input_imgs:0` [1,224,224,3] -> `landmark:0` [68,2]."""
import numpy as np

from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.photo.landmarks import to_y_up
from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.tf1 import tf

INPUT_NAME, OUTPUT_NAME = 'input_imgs:0', 'landmark:0'


class LandmarkNetwork:
    """68 landmarks of aligned crops by the frozen graph at `path`.

    Runs on one thread of the CPU: programs that use it work on several pictures at a time instead, in processes that
    could not share a GPU.

    Raises:
      AssetError: the file is no graph, or lacks the input or the output.
    """

    def __init__(self, path):
        self._path = path
        graph_def = _read_graph(path)
        with tf.Graph().as_default() as graph:
            try:
                self._images, self._landmarks = tf.import_graph_def(
                    graph_def, return_elements=[INPUT_NAME, OUTPUT_NAME], name='')
            except ValueError as error:
                raise AssetError('%s: expected a graph with %s and %s, got: %s'
                                 % (path, INPUT_NAME, OUTPUT_NAME, one_line(error)))
        self._session = tf.Session(graph=graph, config=tf.ConfigProto(
            intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, device_count={'GPU': 0}))

    def __call__(self, crop):
        """The landmarks of one crop.

        Args:
          crop: [1,224,224,3] uint8 BGR, as `align_img` returns it.
        Returns:
          [68,2] float64 crop pixels, y-up.
        Raises:
          AssetError: the network's output is no 68 landmarks.
        """
        rows_cols = self._session.run(self._landmarks, {self._images: crop})
        if np.size(rows_cols) != 2 * LANDMARK_COUNT:
            raise AssetError('%s: expected %s of shape [68, 2], got %s'
                             % (self._path, OUTPUT_NAME, list(np.shape(rows_cols))))
        # The network gives (row, col).
        return to_y_up(np.reshape(rows_cols, (LANDMARK_COUNT, 2)).astype(np.float64)[:, ::-1])


def _read_graph(path):
    try:
        with open(path, 'rb') as file:
            data = file.read()
    except OSError as error:
        raise AssetError('%s: expected a frozen graph, got: %s' % (path, one_line(error)))
    graph_def, fault = frozen_graph.parse(data)
    if fault:
        raise AssetError('%s: expected a frozen graph, %s' % (path, file_kinds.came(path, 'got: ' + fault)))
    return graph_def
