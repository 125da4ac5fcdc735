"""The reference figures of the networks: the rule that fills their variables, and the published outputs."""
import json
import os

import numpy as np

from Deep3DFaceReconstruction.tf1 import tf
from tests import GOLDEN


def filled(name, shape, seed=11):
    """The value of a variable under the reference's filling rule."""
    h = (sum(ord(c) * (i + 1) for i, c in enumerate(name)) + seed) % 100003
    q = np.random.RandomState(h)
    if name.endswith('moving_variance'):
        return q.uniform(0.6, 1.4, shape)
    if name.endswith('gamma'):
        return q.uniform(0.6, 1.2, shape)
    if name.endswith(('moving_mean', 'beta', 'biases')):
        return q.randn(*shape) * 0.05
    return q.randn(*shape) * np.sqrt(1.6 / np.prod(shape[:-1]))


def assign(session, values):
    """Gives the variables of the session's graph their values by name, in one run."""
    variables = tf.global_variables()
    session.run([v.initializer for v in variables],
                {v.initializer.inputs[1]: values[v.op.name].astype(np.float32) for v in variables})


def fill(session):
    """Fills every variable of the session's graph by that rule."""
    assign(session, {v.op.name: filled(v.op.name, v.shape.as_list()) for v in tf.global_variables()})


def new_session():
    return tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=2))


def golden(name):
    with open(os.path.join(GOLDEN, name + '_variables.json')) as f:
        variables = {n: s for n, s in json.load(f)}
    return variables, np.load(os.path.join(GOLDEN, name + '.npz'))


def assert_equals_reference(name, build):
    """Variables and outputs of `build`, a function of images, are those of tests/golden/NAME."""
    variables, figures = golden(name)
    with tf.Graph().as_default(), new_session() as session:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3])
        output = build(images)
        assert {v.op.name: v.shape.as_list() for v in tf.global_variables()} == variables
        fill(session)
        got = session.run(output, {images: figures['input_bgr']})
        row = session.run(output, {images: figures['input_bgr'][1:]})
    expected = figures['output']
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(row, got[1:], rtol=1e-4, atol=1e-5 * np.abs(expected).max())
