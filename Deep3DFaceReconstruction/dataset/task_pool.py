"""The same function over many items: in this process, in a few of this machine, or on a Dask cluster."""
import collections
import contextlib
import itertools
import logging
import tempfile

from Deep3DFaceReconstruction.errors import UserError, one_line

# Items per task: Dask spends some milliseconds on each task.
_CHUNK = 4
# Tasks per worker thread that are handed out ahead: enough to keep it busy, few enough to keep memory constant.
_AHEAD_PER_THREAD = 3
# Tasks after which the workers are counted again.
_RECOUNT = 16
_TIMEOUT_SECONDS = 30


class PoolError(UserError):
    """A cluster cannot be used; the message is one line for the user."""


class Worker:
    """A function for `task_pool` that is nothing but its settings: a copy in another process loads models of its own.

    Args:
      settings: what can be pickled and compared.
    """

    def __init__(self, settings):
        self.settings = settings

    def __getstate__(self):
        return self.settings

    def __setstate__(self, settings):
        self.__init__(settings)

    def __eq__(self, other):
        return type(other) is type(self) and self.settings == other.settings

    __hash__ = None


class WorkerDiedError(Exception):
    """The worker that had an item died, again and again."""


@contextlib.contextmanager
def task_pool(jobs=1, scheduler=None):
    """Gives `run(function, items)`, a generator of results in the order of the items.

    A result is an exception (it is given, not raised) where the function raised one or its worker died. `function` is
    a picklable object; what it loads is kept for its next items: one copy of it lives in every worker process.

    Args:
      jobs: processes of a local Dask cluster; 1 works in this process, without Dask.
      scheduler: address of a running Dask scheduler ('tcp://host:8786') that is used instead.
    Raises:
      PoolError: the scheduler cannot be reached or has no workers, the cluster stopped or does not have this
        program, or Dask is not installed.
    """
    if jobs == 1 and scheduler is None:
        yield _run_here
        return
    # Dask costs half a second to import, and the work does not need it.
    try:
        import distributed
    except ImportError:
        raise PoolError("several processes need Dask; type: pip install 'dask[distributed]'")
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix='dask-'))
            scheduler = stack.enter_context(distributed.LocalCluster(
                n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None,
                local_directory=scratch, silence_logs=logging.CRITICAL))
        try:
            client = stack.enter_context(distributed.Client(scheduler, timeout=_TIMEOUT_SECONDS))
            client.wait_for_workers(1, timeout=_TIMEOUT_SECONDS)
        except (OSError, ValueError, TimeoutError) as error:
            raise PoolError('%s: expected a running Dask scheduler with workers, got: %s'
                            % (scheduler, one_line(error)))
        yield lambda function, items: _run_on_cluster(client, function, items)


def _run_here(function, items):
    for item in items:
        yield _caught(function, item)


def _run_on_cluster(client, function, items):
    items = iter(items)
    waiting = collections.deque()

    def submit(chunk):
        return chunk, client.submit(_on_worker, function, chunk, pure=False)

    try:
        for count in itertools.count():
            # Workers come and go while the work goes on.
            if count % _RECOUNT == 0:
                ahead = _AHEAD_PER_THREAD * max(sum(client.nthreads().values()), 1)
            while len(waiting) < ahead:
                chunk = list(itertools.islice(items, _CHUNK))
                if not chunk:
                    break
                waiting.append(submit(chunk))
            if not waiting:
                return
            yield from _results(submit, *waiting.popleft())
    finally:
        for _, future in waiting:
            future.cancel()


def _results(submit, chunk, future):
    """Results of a chunk's items; where its worker died, each is tried alone to find the one that does it."""
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        if len(chunk) == 1:
            return [WorkerDiedError(one_line(error))]
    # What the function itself raises comes back as a result: this is the cluster's own.
    except Exception as error:
        raise PoolError('the Dask cluster cannot go on (its scheduler and workers need this program on PYTHONPATH and '
                        'the same packages): %s: %s' % (type(error).__name__, one_line(error)))
    return [result for item in chunk for result in _results(submit, *submit([item]))]


def _on_worker(function, chunk):
    """Runs on a worker; the first copy of an equal function stays there, with all that it has loaded."""
    import distributed

    worker = distributed.get_worker()
    known = getattr(worker, 'kept_function', None)
    if known != function:
        worker.kept_function = known = function
    return [_caught(known, item) for item in chunk]


def _caught(function, item):
    try:
        return function(item)
    except Exception as error:
        return error
