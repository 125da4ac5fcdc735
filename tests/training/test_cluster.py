"""Who is who in a cluster; tests/training/test_distributed.py runs one."""
import json

import pytest

from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import cluster
from Deep3DFaceReconstruction.training import options as training_options

OPTIONS = training_options.parse_train([])


def from_config(task=None, **jobs):
    return cluster.cluster_of(OPTIONS, {'TF_CONFIG': json.dumps({'cluster': jobs, 'task': task or {}})})


def test_flags_come_before_tf_config():
    options = training_options.parse_train(['--ps_hosts', 'p:1', '--worker_hosts', 'w:1,w:2', '--job_name', 'worker',
                                            '--task_index', '1'])
    assert cluster.cluster_of(options, {'TF_CONFIG': '?'}) == (('p:1',), ('w:1', 'w:2'), 'worker', 1)
    assert cluster.cluster_of(OPTIONS, {}) is cluster.ALONE


def test_a_chief_is_the_first_worker():
    jobs = {'chief': ['c:1'], 'worker': ['w:1', 'w:2'], 'ps': ['p:1']}
    expected = (('p:1',), ('c:1', 'w:1', 'w:2'))
    assert from_config({'type': 'chief', 'index': 0}, **jobs) == expected + ('worker', 0)
    assert from_config({'type': 'worker', 'index': 1}, **jobs) == expected + ('worker', 2)
    assert from_config({'type': 'ps', 'index': 0}, **jobs) == expected + ('ps', 0)


def test_one_worker_without_servers_is_alone():
    assert from_config({'type': 'worker', 'index': 0}, worker=['w:1']) is cluster.ALONE
    assert from_config() is cluster.ALONE


@pytest.mark.parametrize('task,jobs,message', [
    ({'type': 'evaluator', 'index': 0}, {'worker': ['w:1'], 'ps': ['p:1']}, "expected a task of type .* 'evaluator'"),
    ({'type': 'worker', 'index': 2}, {'worker': ['w:1', 'w:2'], 'ps': ['p:1']}, 'expected 0 to 1 for a worker, got 2'),
    ({'type': 'worker', 'index': 0}, {'worker': ['w:1', 'w:2']}, 'at least one parameter server .* got 0 and 2'),
])
def test_impossible_clusters_are_named(task, jobs, message):
    with pytest.raises(cluster.ClusterError, match=message):
        from_config(task, **jobs)


@pytest.mark.parametrize('text', ['{', '[]', '{"cluster": 3}', '{"task": {"index": "x"}}'])
def test_a_broken_tf_config_is_named(text):
    with pytest.raises(cluster.ClusterError, match='TF_CONFIG: expected JSON with "cluster" and "task"'):
        cluster.cluster_of(OPTIONS, {'TF_CONFIG': text})


def test_roles_and_devices():
    hosts = (('p:1', 'p:2'), ('w:1', 'w:2'))
    server, chief, worker = [cluster.Cluster(*hosts, *role) for role in (('ps', 1), ('worker', 0), ('worker', 1))]
    assert [(c.is_alone, c.is_server, c.is_chief) for c in (server, chief, worker, cluster.ALONE)] == [
        (False, True, False), (False, False, True), (False, False, False), (True, False, True)]
    assert [c.address for c in (server, chief, worker)] == ['p:2', 'w:1', 'w:2']
    assert [c.device_filters() for c in (server, worker, cluster.ALONE)] == [
        ['/job:ps'], ['/job:ps', '/job:worker/task:1'], []]
    assert cluster.ALONE.device_setter() is None
    with tf.Graph().as_default(), tf.device(worker.device_setter()):
        assert [tf.get_variable(name, [], tf.float32).device for name in 'abc'] == [
            '/job:ps/task:0', '/job:ps/task:1', '/job:ps/task:0']
        assert tf.constant(0).device == '/job:worker/task:1'
