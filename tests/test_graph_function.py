"""A graph called like a function."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.tf1 import tf


def powers():
    x, shift = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [])
    return {'x': x, 'shift': shift}, {'square': x * x, 'others': (x * x * x, x + shift)}


def test_all_results_come_in_the_structure_of_the_outputs():
    with tf.Graph().as_default() as around, GraphFunction(powers) as function:
        result = function(x=[1, 2], shift=10)
        assert set(result) == {'square', 'others'}
        np.testing.assert_array_equal(result['square'], [1, 4])
        np.testing.assert_array_equal(result['others'], [[1, 8], [11, 12]])
        assert function(x=np.ones(3), shift=0)['square'].shape == (3,)
        assert not around.get_operations()  # the graph is the function's own


def test_one_result_needs_only_its_own_inputs():
    with GraphFunction(powers) as function:
        np.testing.assert_array_equal(function.fetch('square', x=[3]), [9])
        with pytest.raises(tf.errors.InvalidArgumentError):
            function.fetch('others', x=[3])


def test_an_unknown_name_is_a_defect():
    with GraphFunction(powers) as function:
        with pytest.raises(KeyError, match='y'):
            function(y=1)
        with pytest.raises(KeyError, match='cube'):
            function.fetch('cube', x=[1])


def test_the_session_ends_with_the_block():
    with GraphFunction(powers) as function:
        pass
    with pytest.raises(RuntimeError, match='closed'):
        function(x=[1], shift=1)
