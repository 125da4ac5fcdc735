"""The processes that follow the chief: workers, which compute their share of each step, and parameter servers."""
import time

from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.cluster import InterruptedWaitError
from Deep3DFaceReconstruction.training.exchange import CLOSED, FINISHED, Generation, wait_for
from Deep3DFaceReconstruction.training.graph import TrainingGraph, data_errors

_POLL_SECONDS = 0.2


def work(options, runtime, data, stopping):
    """Contributes to each step until the chief says that training is over.

    Args:
      options: TrainOptions.
      runtime: cluster.Runtime.
      data: graph.Data.
      stopping: function -> whether to stop.
    Returns:
      whether training is over; else stopping() was true.
    Raises:
      TrainingError: all samples are corrupt.
    """
    def use(session, graph):
        _contribute(options, graph, session, stopping)
        return True

    try:
        with data_errors(data):
            return runtime.run(lambda: TrainingGraph(options, runtime.cluster, data), use, stopping, 'waiting for it')
    except InterruptedWaitError:
        return False


def _contribute(options, graph, session, stopping):
    """Contributes once to each (generation, step) that the chief comes to."""
    last = None

    def next_task():
        generation = graph.generation.read(session)
        if generation == FINISHED:
            return (generation, 0)
        if generation == CLOSED:
            return None
        task = (generation, int(session.run(graph.global_step)))
        return task if task != last and task[1] < options.steps else None

    while True:
        generation, step = wait_for(next_task, stopping)
        if generation == FINISHED:
            graph.generation.say_goodbye(session)
            return
        if last != (generation, step - 1):
            graph.seek(session, step)
        own = graph.contribute(session)
        graph.exchange.push(session, generation, step, (own.finite, own.losses, own.names))
        last = (generation, step)


def serve(runtime, stopping):
    """Serves variables as a parameter server.

    Args:
      runtime: cluster.Runtime.
      stopping: function -> whether to stop.
    Returns:
      whether training is over; else stopping() was true.
    """
    cluster = runtime.cluster
    with tf.Graph().as_default() as graph:
        generation = Generation(cluster)
        with runtime.session(graph) as session:
            while generation.read(session) != FINISHED:
                if stopping():
                    return False
                time.sleep(_POLL_SECONDS)
            if cluster.index == 0:
                # The others read the generation from here.
                generation.wait_until_all_left(session, len(cluster.workers) - 1 + len(cluster.ps) - 1)
            else:
                generation.say_goodbye(session)
    return True
