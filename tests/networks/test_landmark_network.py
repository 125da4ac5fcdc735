"""The 68-landmark network: the published tensor names and the order of its numbers."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks.landmark_network import LandmarkNetwork
from Deep3DFaceReconstruction.tf1 import tf


def write_graph(path, rows_cols, output='landmark'):
    """A frozen graph with the published names that always answers the same (row, col)."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [1, 224, 224, 3], 'input_imgs')
        tf.add(tf.constant(rows_cols, tf.float32), 0.0 * tf.reduce_sum(images), name=output)
        with open(path, 'wb') as file:
            file.write(graph.as_graph_def().SerializeToString())
    return path


def test_rows_and_columns_become_x_and_y_up(tmp_path):
    rows_cols = np.stack([np.arange(68.0), 100 + np.arange(68.0)], axis=1)
    network = LandmarkNetwork(write_graph(str(tmp_path / 'a.pb'), rows_cols))
    landmarks = network(np.zeros((1, 224, 224, 3), np.uint8))
    assert landmarks.shape == (68, 2) and landmarks.dtype == np.float64
    np.testing.assert_array_equal(landmarks[:, 0], 100 + np.arange(68.0))
    np.testing.assert_array_equal(landmarks[:, 1], 223 - np.arange(68.0))


def test_a_flat_answer_is_taken_too(tmp_path):
    network = LandmarkNetwork(write_graph(str(tmp_path / 'a.pb'), np.arange(136.0)[None]))
    np.testing.assert_array_equal(network(np.zeros((1, 224, 224, 3), np.uint8))[1], [3, 221])


def test_files_that_are_no_such_network_are_named(tmp_path):
    for contents, got in ((b'\x80\x81\x82 no graph at all', 'got one that cannot be read'), (b'', 'got an empty file'),
                          (b'<html>', 'got a saved web page'), (b'PK\x03\x04', 'got a damaged zip archive'),
                          (b'version https://git-lfs.github.com/spec/v1\n', 'got a git-lfs pointer')):
        (tmp_path / 'no.pb').write_bytes(contents)
        with pytest.raises(AssetError, match=r'no\.pb: expected a frozen TensorFlow graph, ' + got):
            LandmarkNetwork(str(tmp_path / 'no.pb'))
    with pytest.raises(AssetError, match=r'none\.pb: expected a frozen graph \(.pb\), got: No such file'):
        LandmarkNetwork(str(tmp_path / 'none.pb'))
    other = write_graph(str(tmp_path / 'other.pb'), np.zeros((68, 2)), output='points')
    with pytest.raises(AssetError, match=r'other\.pb: expected a frozen graph with the output landmark:0'):
        LandmarkNetwork(other)
    few = write_graph(str(tmp_path / 'few.pb'), np.zeros((5, 2)))
    with pytest.raises(AssetError, match=r'few\.pb: expected landmark:0 of shape \[68, 2\], got \[5, 2\]'):
        LandmarkNetwork(few)(np.zeros((1, 224, 224, 3), np.uint8))
