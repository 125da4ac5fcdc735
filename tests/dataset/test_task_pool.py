"""One function over many items: here, in processes, on a cluster; in order, errors and deaths included."""
import os

import pytest

from Deep3DFaceReconstruction.dataset.task_pool import PoolError, WorkerDiedError, task_pool


class Square:
    """Keeps a count, as a model would be kept."""

    def __init__(self):
        self.calls = 0

    def __eq__(self, other):
        return isinstance(other, Square)

    __hash__ = None

    def __call__(self, item):
        self.calls += 1
        if item == 3:
            raise ValueError('three')
        return item * item, self.calls, os.getpid()


def check(results, count):
    assert len(results) == count
    assert isinstance(results[3], ValueError) and str(results[3]) == 'three'
    sound = [result for result in results if isinstance(result, tuple)]
    assert [square for square, _, _ in sound] == [i * i for i in range(count) if i != 3]
    return {pid for _, _, pid in sound}, max(calls for _, calls, _ in sound)


def test_in_this_process():
    with task_pool() as run:
        processes, calls = check(list(run(Square(), range(6))), 6)
    assert processes == {os.getpid()} and calls == 6


def test_in_this_process_items_are_taken_one_by_one():
    taken = []

    def items():
        for item in range(4):
            taken.append(item)
            yield item

    with task_pool() as run:
        results = run(Square(), items())
        next(results)
    assert taken == [0]


@pytest.mark.slow
def test_in_two_processes_that_keep_what_they_loaded():
    pytest.importorskip('distributed')
    taken = []
    with task_pool(jobs=2) as run:
        results = run(Square(), (taken.append(i) or i for i in range(60)))
        first = next(results)
        assert len(taken) < 40  # not all at once: memory stays constant
        processes, calls = check([first] + list(results), 60)
    assert 1 <= len(processes) <= 2 and os.getpid() not in processes
    assert calls >= 25


@pytest.mark.slow
def test_on_a_running_cluster(tmp_path):
    distributed = pytest.importorskip('distributed')
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False,
                                  dashboard_address=None, local_directory=str(tmp_path)) as cluster:
        with task_pool(scheduler=cluster.scheduler_address) as run:
            processes, calls = check(list(run(Square(), range(20))), 20)
    assert processes == {os.getpid()} and calls >= 8


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_item_alone():
    pytest.importorskip('distributed')
    with task_pool(jobs=1 + 1) as run:
        results = list(run(Fatal(), range(4)))
    assert [isinstance(result, WorkerDiedError) for result in results] == [False, True, False, False]


class Fatal:
    def __call__(self, item):
        if item == 1:
            os._exit(1)
        return item


def test_a_scheduler_that_is_not_there_is_named(monkeypatch):
    pytest.importorskip('distributed')
    monkeypatch.setattr('Deep3DFaceReconstruction.dataset.task_pool._TIMEOUT_SECONDS', 1)
    with pytest.raises(PoolError, match='tcp://127.0.0.1:9: expected a running Dask scheduler'):
        with task_pool(scheduler='tcp://127.0.0.1:9'):
            pass


@pytest.mark.slow
def test_a_cluster_that_lacks_the_program_is_one_line():
    pytest.importorskip('distributed')
    with task_pool(jobs=2) as run:
        with pytest.raises(PoolError, match='cannot go on .*PYTHONPATH'):
            list(run(Unloadable(), range(4)))


class Unloadable:
    """Its pickle cannot be read, as when a module is missing on the other side."""

    def __reduce__(self):
        return _missing_module, ()

    def __call__(self, item):
        return item


def _missing_module():
    raise ModuleNotFoundError("No module named 'Deep3DFaceReconstruction'")
