"""Synchronous data-parallel training on TensorFlow's gRPC runtime: who is who, and how contributions are exchanged.

Variables live on the parameter servers. In each step every worker computes the contribution of its own batches and
puts it into its own queue on the servers; the chief (worker 0) takes exactly one contribution of this step from each
worker, sums, applies, and advances the global step, upon which the workers go on. A contribution bears the step and
the generation it was computed for, so that what a killed worker or a former chief left behind is known and dropped:
the result is that of one process with the joint batch, whoever was killed when.

The generation, an int64 on the first parameter server, says what the chief is doing: CLOSED while it fills the
variables, then a number of its own while it trains, FINISHED at the end. Workers and servers only read it.
"""
import json
import random
import time
from collections import namedtuple

from Deep3DFaceReconstruction.errors import UserError, one_line
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.gradient_step import make_sums

CLOSED, FINISHED = 0, -1
_POLL_SECONDS = 0.004
_QUEUE_LENGTH = 8
# How long a parameter server waits, once training is over, for workers that never say goodbye.
_GOODBYE_SECONDS = 30.0

# ps, workers: tuples of 'host:port'; job: 'ps' or 'worker'; index: of this process.
Cluster = namedtuple('Cluster', 'ps workers job index')

# What session calls raise when another machine is gone.
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.FailedPreconditionError,
        tf.errors.CancelledError, tf.errors.NotFoundError)


class ClusterError(UserError):
    """A cluster that cannot be; the message is for the user."""


class InterruptedWaitError(Exception):
    """A wait was given up because the caller's `stopping` turned true."""


def cluster_of(options, environ):
    """The Cluster that the flags or else TF_CONFIG describe, or None for one process alone.

    In TF_CONFIG a job `chief` or `master` counts as the first worker.

    Args:
      options: TrainOptions.
      environ: such as os.environ.
    Raises:
      ClusterError: it makes no sense.
    """
    if options.job_name:
        cluster = Cluster(options.ps_hosts, options.worker_hosts, options.job_name, options.task_index)
    elif environ.get('TF_CONFIG'):
        cluster = _from_tf_config(environ['TF_CONFIG'])
    else:
        return None
    if cluster is None:
        return None
    hosts = cluster.ps if cluster.job == 'ps' else cluster.workers
    if not cluster.ps or not cluster.workers:
        raise ClusterError('expected at least one parameter server and one worker, got %d and %d'
                           % (len(cluster.ps), len(cluster.workers)))
    if not 0 <= cluster.index < len(hosts):
        raise ClusterError('task_index: expected 0 to %d for a %s, got %d'
                           % (len(hosts) - 1, cluster.job, cluster.index))
    return cluster


def _from_tf_config(text):
    try:
        config = json.loads(text)
        jobs, task = config.get('cluster') or {}, config.get('task') or {}
        kind, index = task.get('type', 'worker'), int(task.get('index', 0))
        chief = list(jobs.get('chief') or jobs.get('master') or [])
        workers = tuple(chief + list(jobs.get('worker', [])))
        ps = tuple(jobs.get('ps', []))
    except (ValueError, AttributeError, TypeError) as error:
        raise ClusterError('TF_CONFIG: expected JSON with "cluster" and "task", got %.80r (%s)' % (text, error))
    if not ps and len(workers) <= 1:
        return None
    if kind in ('chief', 'master'):
        kind, index = 'worker', 0
    elif kind == 'worker':
        index += len(chief)
    elif kind != 'ps':
        raise ClusterError('TF_CONFIG: expected a task of type chief, worker or ps, got %r' % kind)
    return Cluster(ps, workers, kind, index)


def start_server(cluster, config):
    """This process's gRPC server, a tf.train.Server.

    Raises:
      ClusterError: its port cannot be had.
    """
    spec = {'ps': list(cluster.ps), 'worker': list(cluster.workers)}
    try:
        return tf.train.Server(tf.train.ClusterSpec(spec), cluster.job, cluster.index, config=config)
    except tf.errors.OpError as error:
        address = spec[cluster.job][cluster.index]
        raise ClusterError('%s: cannot serve there (%s)' % (address, one_line(error)))


def device_filters(cluster):
    """The machines that this process's sessions wait for: itself and the servers, so that no worker waits for
    another one's restart inside TensorFlow."""
    own = [] if cluster.job == 'ps' else ['/job:worker/task:%d' % cluster.index]
    return ['/job:ps'] + own


def device_setter(cluster):
    """Places variables on the servers in turn and everything else on this worker."""
    return tf.train.replica_device_setter(
        worker_device='/job:worker/task:%d' % cluster.index,
        cluster={'ps': list(cluster.ps), 'worker': list(cluster.workers)})


class Generation:
    """The chief's state, readable everywhere, and the workers' goodbyes."""

    def __init__(self):
        with tf.device('/job:ps/task:0/cpu:0'):
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
        """CLOSED (also before the chief ever came), FINISHED or the chief's number."""
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


def run_parameter_server(cluster, config, stopping):
    """Serves variables until training is over (or `stopping()` is true)."""
    server = start_server(cluster, config)
    with tf.Graph().as_default():
        generation = Generation()
        with tf.Session(server.target, config=tf.ConfigProto(device_filters=device_filters(cluster))) as session:
            while generation.read(session) != FINISHED:
                if stopping():
                    return
                time.sleep(0.2)
            if cluster.index == 0:
                # The others read the generation from here.
                generation.wait_until_all_left(session, len(cluster.workers) - 1 + len(cluster.ps) - 1)
            else:
                generation.say_goodbye(session)


class Exchange:
    """The queues and sums on the servers. Every worker builds it alike, inside `device_setter`.

    Args:
      cluster: Cluster.
      step: gradient_step.GradientStep of this process.
      metrics: how many float32 numbers each worker reports with a contribution.
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
        sums = [None] * len(step.targets)
        for number, (device, members) in enumerate(self._groups):
            with tf.device(device):
                for index, total in zip(members, make_sums([step.targets[i] for i in members], 'server%d' % number)):
                    sums[index] = total
        self.sums = sums
        self._begin = tf.group(*[tf.assign(total, own) for total, own in zip(sums, step.sums)])
        if cluster.index == 0:
            self._chief_ends(step)
        else:
            self._push = self._worker_end(step)

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
        with tf.device('/job:ps/task:0/cpu:0'):
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
                    fields = queue.dequeue()
                    ours = self._is_current(fields)
                    # A left-over may hold anything, even NaN: it is replaced, not multiplied, by zero.
                    parts = tf.cond(ours, lambda f=fields: [tf.identity(x) for x in f[2:]],
                                    lambda f=fields: [tf.zeros_like(x) for x in f[2:]])
                    parts = parts if isinstance(parts, (list, tuple)) else [parts]
                    added = [tf.assign_add(self.sums[i], part) for i, part in zip(members, parts)]
                    with tf.control_dependencies(added):
                        self._takes[worker, number] = [tf.identity(ours)]
                self._sizes[worker, number] = queue.size()
            fields = report.dequeue()
            self._takes[worker, 'report'] = [self._is_current(fields)] + fields[2:]
            self._sizes[worker, 'report'] = report.size()

    def _is_current(self, fields):
        return tf.equal(fields[0], self._generation) & tf.equal(fields[1], self._step)

    def push(self, session, generation, step, finite, metrics, names):
        """A worker hands in its sums and its report for a step."""
        session.run(self._push, dict(zip([self._generation, self._step] + self._report,
                                         [generation, step, finite, metrics, names])))

    def collect(self, session, generation, step, stopping, waiting):
        """The chief starts from its own sums and adds each other worker's, once.

        Args:
          session: the chief's.
          generation, step: what is being collected.
          stopping: function -> whether to give up.
          waiting: called with the list of workers that have not come yet, after each round that brought nothing.
        Returns:
          [(finite, metrics, names)] of the other workers.
        Raises:
          InterruptedWaitError: stopping() was true.
        """
        session.run(self._begin)
        feed = {self._generation: generation, self._step: step}
        reports, pending = [], set(self._takes)
        while pending:
            sizes = session.run({key: self._sizes[key] for key in pending})
            came = [key for key in sorted(pending, key=str) if sizes[key]]
            for key in came:
                result = session.run(self._takes[key], feed)
                if result[0]:
                    pending.remove(key)
                    if key[1] == 'report':
                        reports.append(tuple(result[1:]))
            if not came:
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
