"""Work in a thread beside the main one, in order and never far ahead."""
from collections import deque
from concurrent.futures import ThreadPoolExecutor


def prefetched(function, items, ahead):
    """Starts `function` on the items in one background thread, at once, at most `ahead` before they are asked for.

    Returns:
      An iterator of futures, in the order of the items.
    """
    executor = ThreadPoolExecutor(max_workers=1)
    items = iter(items)
    waiting = deque()

    def top_up():
        while len(waiting) < ahead:
            try:
                item = next(items)
            except StopIteration:
                executor.shutdown(wait=False)
                return
            waiting.append(executor.submit(function, item))

    def results():
        try:
            while waiting:
                future = waiting.popleft()
                top_up()
                yield future
        finally:  # the consumer stopped early: what has not begun need not
            for future in waiting:
                future.cancel()
            executor.shutdown(wait=False)

    top_up()
    return results()


def batches(items, size):
    """Lists of up to `size` consecutive items."""
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
