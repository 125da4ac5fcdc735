"""Synchronous data-parallel training on TensorFlow's gRPC runtime: how the contributions of a step come together.

Variables live on the parameter servers. In each step every worker computes the contribution of its own batches and
puts it into its own queue on the servers; the chief (worker 0) takes exactly one contribution of this step from each
worker, sums, applies, and advances the global step, upon which the workers go on. A contribution bears the step and
the generation it was computed for, so that what a killed worker or a former chief left behind is known and dropped:
the result is that of one process with the joint batch, whoever was killed when. In a cluster of one there are no
queues, and the sums to apply are those of the process.

The generation, an int64 on the first parameter server, says what the chief is doing: CLOSED while it fills the
variables, then a number of its own while it trains, FINISHED at the end. Workers and servers only read it.
"""
import random
import time

from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.cluster import InterruptedWaitError
from Deep3DFaceReconstruction.training.gradient_step import make_sums

CLOSED, FINISHED = 0, -1
_POLL_SECONDS = 0.004
_QUEUE_LENGTH = 8
# How long a parameter server waits, once training is over, for workers that never say goodbye.
_GOODBYE_SECONDS = 30.0


class Generation:
    """The chief's state, readable everywhere, and the workers' goodbyes.

    Args:
      cluster: Cluster.
    """

    def __init__(self, cluster):
        with tf.device(cluster.shared_device):
            self._value = tf.get_variable('cluster/generation', [], tf.int64, tf.constant_initializer(CLOSED),
                                          trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES])
            self._is_set = tf.identity(tf.is_variable_initialized(self._value))
            self._read = tf.identity(self._value)
            self._new = tf.placeholder(tf.int64, [])
            self._assign = tf.assign(self._value, self._new)
            self._goodbyes = tf.FIFOQueue(10000, [tf.int32], [[]], shared_name='cluster/goodbyes')
            self._say_goodbye = self._goodbyes.enqueue(0)
            self._goodbye_count = self._goodbyes.size()

    def read(self, session):
        """CLOSED (also before the first chief), FINISHED or the chief's number."""
        return int(session.run(self._read)) if session.run(self._is_set) else CLOSED

    def write(self, session, value):
        """The chief's alone."""
        session.run(self._assign, {self._new: value})

    def open(self, session):
        """Starts a generation; returns its number."""
        number = random.SystemRandom().randrange(1, 2 ** 62)
        self.write(session, number)
        return number

    def say_goodbye(self, session):
        """A worker has seen FINISHED and leaves."""
        session.run(self._say_goodbye)

    def wait_until_all_left(self, session, others):
        """Waits for the goodbyes of so many processes, up to half a minute."""
        deadline = time.time() + _GOODBYE_SECONDS
        while session.run(self._goodbye_count) < others and time.time() < deadline:
            time.sleep(0.05)


class Exchange:
    """The queues and sums on the servers. Every worker builds it alike, inside the cluster's device setter.

    Args:
      cluster: Cluster.
      step: gradient_step.GradientStep of this process.
      metrics: how many float32 numbers each worker reports with a contribution.
    Attributes:
      sums: what the chief applies, in the order of `step.targets`.
    """

    def __init__(self, cluster, step, metrics):
        self._cluster = cluster
        self._generation = tf.placeholder(tf.int64, [])
        self._step = tf.placeholder(tf.int64, [])
        self._report = [tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [metrics]),
                        tf.placeholder(tf.string, [None])]
        groups = {}
        for index, variable in enumerate(step.targets):
            groups.setdefault(variable.device, []).append(index)
        self._groups = sorted(groups.items())
        self.sums = step.sums if cluster.is_alone else self._server_sums(step)
        self._begin = tf.group(*[tf.assign(total, own) for total, own in zip(self.sums, step.sums)
                                 if total is not own])
        if cluster.is_chief:
            self._chief_ends(step)
        else:
            self._push = self._worker_end(step)

    def _server_sums(self, step):
        """Sums beside the variables that they will change."""
        sums = [None] * len(step.targets)
        for number, (device, members) in enumerate(self._groups):
            with tf.device(device):
                for index, total in zip(members, make_sums([step.targets[i] for i in members], 'server%d' % number)):
                    sums[index] = total
        return sums

    def _queues(self, worker, targets):
        """This worker's queues: for each group of variables, and for its report."""
        tag = [tf.int64, tf.int64]
        queues = []
        for number, (device, members) in enumerate(self._groups):
            with tf.device(device):
                queues.append(tf.FIFOQueue(
                    _QUEUE_LENGTH, tag + [targets[i].dtype.base_dtype for i in members],
                    [[], []] + [targets[i].shape for i in members],
                    shared_name='cluster/contribution_%d_%d' % (worker, number)))
        with tf.device(self._cluster.shared_device):
            report = tf.FIFOQueue(_QUEUE_LENGTH, tag + [tf.bool, tf.float32, tf.string],
                                  shared_name='cluster/report_%d' % worker)
        return queues, report

    def _worker_end(self, step):
        queues, report = self._queues(self._cluster.index, step.targets)
        tag = [self._generation, self._step]
        pushes = [queue.enqueue(tag + [step.sums[i] for i in members])
                  for queue, (_, members) in zip(queues, self._groups)]
        return tf.group(*(pushes + [report.enqueue(tag + self._report)]))

    def _chief_ends(self, step):
        self._sizes, self._takes = {}, {}
        for worker in range(1, len(self._cluster.workers)):
            queues, report = self._queues(worker, step.targets)
            for number, (queue, (device, members)) in enumerate(zip(queues, self._groups)):
                with tf.device(device):
                    self._takes[worker, number] = self._take(queue, members)
                self._sizes[worker, number] = queue.size()
            fields = report.dequeue()
            self._takes[worker, 'report'] = [self._is_current(fields)] + fields[2:]
            self._sizes[worker, 'report'] = report.size()

    def _take(self, queue, members):
        """Adds one contribution to the sums unless it is a left-over: [whether it was current]."""
        fields = queue.dequeue()
        current = self._is_current(fields)
        # A left-over may hold anything, even NaN: it is replaced, not multiplied, by zero.
        parts = tf.cond(current, lambda: [tf.identity(x) for x in fields[2:]],
                        lambda: [tf.zeros_like(x) for x in fields[2:]])
        parts = parts if isinstance(parts, (list, tuple)) else [parts]
        added = [tf.assign_add(self.sums[i], part) for i, part in zip(members, parts)]
        with tf.control_dependencies(added):
            return [tf.identity(current)]

    def _is_current(self, fields):
        return tf.equal(fields[0], self._generation) & tf.equal(fields[1], self._step)

    def push(self, session, generation, step, report):
        """A worker hands in its sums and its report for a step.

        Args:
          report: (finite, losses, names).
        """
        session.run(self._push, dict(zip([self._generation, self._step] + self._report,
                                         (generation, step) + tuple(report))))

    def collect(self, session, generation, step, stopping, waiting):
        """The chief starts from its own sums and adds each other worker's, once.

        Args:
          session: the chief's.
          generation, step: what is being collected.
          stopping: function -> whether to give up.
          waiting: called with the list of workers that are still missing, after each round that brought nothing.
        Returns:
          [(finite, losses, names)] of the other workers.
        Raises:
          InterruptedWaitError: stopping() was true.
        """
        session.run(self._begin)
        feed = {self._generation: generation, self._step: step}
        reports, pending = [], set(self._takes)
        while pending:
            sizes = session.run({key: self._sizes[key] for key in pending})
            filled = [key for key in sorted(pending, key=str) if sizes[key]]
            for key in filled:
                result = session.run(self._takes[key], feed)
                if result[0]:
                    pending.remove(key)
                    if key[1] == 'report':
                        reports.append(tuple(result[1:]))
            if not filled:
                if stopping():
                    raise InterruptedWaitError()
                waiting(sorted({worker for worker, _ in pending}))
                time.sleep(_POLL_SECONDS)
        return reports


def wait_for(probe, stopping):
    """Polls until probe() returns something true, and returns that.

    Raises:
      InterruptedWaitError: stopping() was true first.
    """
    while True:
        found = probe()
        if found:
            return found
        if stopping():
            raise InterruptedWaitError()
        time.sleep(_POLL_SECONDS)
