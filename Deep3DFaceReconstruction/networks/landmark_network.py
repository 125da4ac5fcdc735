"""The published 68-landmark network as a frozen graph: `input_imgs:0` [1,224,224,3] -> `landmark:0` [68,2]."""
import numpy as np

from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.photo.landmarks import to_y_up
from Deep3DFaceReconstruction.tf1 import tf

OUTPUT_NAME = 'landmark'


class LandmarkNetwork:
    """68 landmarks of aligned crops by the frozen graph at `path`.

    Runs on one thread of the CPU: programs that use it work on several images at a time instead, in processes that
    could not share a GPU.

    Raises:
      AssetError: the file is not a graph, or is one without this input or output.
    """

    def __init__(self, path):
        self._path = path
        config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1,
                                device_count={'GPU': 0})
        self._function = frozen_graph.function_of(frozen_graph.load(path, OUTPUT_NAME), path, OUTPUT_NAME, config)

    def __call__(self, crop):
        """The landmarks of one crop.

        Args:
          crop: [1,224,224,3] uint8 BGR, as `align_img` returns it.
        Returns:
          [68,2] float64 crop pixels, y-up.
        Raises:
          AssetError: the network's output is not 68 landmarks.
        """
        rows_cols = self._function(images=crop)
        if np.size(rows_cols) != 2 * LANDMARK_COUNT:
            raise AssetError('%s: expected %s:0 of shape [68, 2], got %s'
                             % (self._path, OUTPUT_NAME, list(np.shape(rows_cols))))
        # The network gives (row, col).
        return to_y_up(np.reshape(rows_cols, (LANDMARK_COUNT, 2)).astype(np.float64)[:, ::-1])
