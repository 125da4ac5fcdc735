"""A parameter server and two workers on 127.0.0.1, as processes."""
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import checkpoints
from Deep3DFaceReconstruction.training import run_folder
from tests import ROOT
from tests.training import small_network


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Cluster:
    """Starts, kills and restarts train.py processes; leaves none behind."""

    def __init__(self, pictures, result, *more):
        ports = ['127.0.0.1:%d' % port for port in free_ports(3)]
        self._words = words(pictures, result, *more) + [
            '--ps_hosts', ports[0], '--worker_hosts', ','.join(ports[1:])]
        self._result = result
        self.processes = {}

    def start(self, job, index=0):
        log = open(str(self._result / ('%s%d.log' % (job, index))), 'a')
        self.processes[job, index] = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, 'train.py')] + self._words
            + ['--job_name', job, '--task_index', str(index)], stdout=log, stderr=log)

    def kill(self, job, index=0):
        self.processes[job, index].send_signal(signal.SIGKILL)
        self.processes[job, index].wait()

    def log(self, job, index=0):
        return (self._result / ('%s%d.log' % (job, index))).read_text()

    def wait(self, seconds=400):
        """Exit codes of all processes."""
        deadline = time.time() + seconds
        return {key: process.wait(max(deadline - time.time(), 1)) for key, process in self.processes.items()}

    def __enter__(self):
        for job, index in (('ps', 0), ('worker', 0), ('worker', 1)):
            self.start(job, index)
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def words(pictures, result, *more):
    return small_network.WORDS + [
        '--data_path', pictures, '--val_data_path', pictures, '--result', str(result), '--id_net', 'none',
        '--batch_size', '1', '--validate_every', '1000', '--summary_every', '1000', '--threads', '1'] + list(more)


def same(a, b, tolerance):
    """Every variable of two runs' newest checkpoints differs by at most the tolerance times its largest value."""
    a, b = checkpoints.Checkpoint(str(a)), checkpoints.Checkpoint(str(b))
    assert a.shapes == b.shapes
    assert a['global_step'] == b['global_step']
    for name in a.shapes:
        np.testing.assert_allclose(b[name], a[name], rtol=tolerance, atol=tolerance * max(np.abs(a[name]).max(), 1.0),
                                   err_msg=name)


@pytest.mark.slow
def test_two_workers_equal_one_process_with_the_joint_batch(pictures, tmp_path):
    """Batch norm normalises each worker's images by themselves, and so does one process that accumulates."""
    common = ['--steps', '5', '--center_heads']
    subprocess.check_call([sys.executable, os.path.join(ROOT, 'train.py')]
                          + words(pictures, tmp_path, *common, '--model_name', 'one', '--accumulate', '2'))
    with Cluster(pictures, tmp_path, '--model_name', 'two', *common) as cluster:
        assert set(cluster.wait().values()) == {0}, cluster.log('worker')
    same(tmp_path / 'one', tmp_path / 'two', 1e-4)


def wait_for_step(folder, step, cluster):
    deadline = time.time() + 300
    while not folder.newest() or folder.newest()[0] < step:
        assert time.time() < deadline, cluster.log('worker')
        time.sleep(0.1)


def assert_finished(folder, step):
    assert folder.newest()[0] == step
    final = checkpoints.Checkpoint(folder.path)
    assert final['global_step'] == step and final['skipped_steps'] == 0
    assert all(np.isfinite(final[name]).all() for name in final.shapes)


OFTEN = ['--model_name', 'run', '--save_every', '2', '--keep', '100']


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_chief_are_restarted_and_the_run_finishes(pictures, tmp_path):
    folder = run_folder.RunFolder(str(tmp_path / 'run'))
    with Cluster(pictures, tmp_path, '--steps', '14', *OFTEN) as cluster:
        wait_for_step(folder, 2, cluster)
        cluster.kill('worker', 1)
        at = folder.newest()[0]
        time.sleep(2)
        assert folder.newest()[0] <= at + 2  # nothing goes on without the worker
        cluster.start('worker', 1)
        wait_for_step(folder, 6, cluster)
        cluster.kill('worker', 0)
        at = folder.newest()[0]
        cluster.start('worker', 0)
        assert set(cluster.wait().values()) == {0}, cluster.log('worker')
        assert 'resumed from' in cluster.log('worker') and 'iter_%d.ckpt' % at in cluster.log('worker')
    assert_finished(folder, 14)


@pytest.mark.slow
def test_a_killed_parameter_server_is_filled_again_from_the_newest_checkpoint(pictures, tmp_path):
    folder = run_folder.RunFolder(str(tmp_path / 'run'))
    with Cluster(pictures, tmp_path, '--steps', '10', *OFTEN) as cluster:
        wait_for_step(folder, 4, cluster)
        cluster.kill('ps')
        time.sleep(2)
        at = folder.newest()[0]
        cluster.start('ps')
        assert set(cluster.wait().values()) == {0}, cluster.log('worker') + cluster.log('worker', 1)
        assert 'lost a parameter server' in cluster.log('worker')
        assert 'iter_%d.ckpt' % at in cluster.log('worker')
    assert_finished(folder, 10)
