"""Work beside the main thread: in order, bounded, errors where they are asked for."""
import threading

import pytest

from Deep3DFaceReconstruction.demo.prefetch import batches, prefetched


def test_results_in_order_and_bounded_ahead():
    begun, allowed = [], threading.Semaphore(0)

    def work(item):
        begun.append(item)
        allowed.acquire()
        return item * 10

    futures = prefetched(work, range(20), ahead=3)
    for _ in range(20):
        allowed.release()
    assert [next(futures).result() for _ in range(2)] == [0, 10]
    assert max(begun) <= 5  # two taken and three ahead
    assert [future.result() for future in futures] == [10 * i for i in range(2, 20)]


def test_an_error_is_its_items_own():
    futures = list(prefetched(lambda x: 1 // x, [1, 0, 1], ahead=2))
    assert futures[0].result() == futures[2].result() == 1
    with pytest.raises(ZeroDivisionError):
        futures[1].result()


def test_batches():
    assert list(batches(iter('abcde'), 2)) == [['a', 'b'], ['c', 'd'], ['e']]
    assert list(batches([], 2)) == []
