"""Who is who in a cluster: roles, addresses, devices, and the TensorFlow runtime of each process.

Parameter servers hold the variables, workers compute; worker 0 is the chief. A process by itself is a cluster of one
worker and no parameter server: its variables lie in the process, and nobody needs to be waited for.
"""
import json
import sys
import time
from typing import NamedTuple, Tuple

from Deep3DFaceReconstruction.errors import UserError, one_line
from Deep3DFaceReconstruction.tf1 import tf

# What session calls raise when another machine is gone.
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.FailedPreconditionError,
        tf.errors.CancelledError, tf.errors.NotFoundError)


class ClusterError(UserError):
    """A cluster that cannot be; the message is for the user."""


class InterruptedWaitError(Exception):
    """A wait was given up because the caller's `stopping` turned true."""


class Cluster(NamedTuple):
    """The cluster as one of its processes sees it."""
    ps: Tuple[str, ...]       # 'host:port' of each parameter server
    workers: Tuple[str, ...]  # and of each worker
    job: str                  # 'ps' or 'worker', of this process
    index: int                # of this process within its job

    @property
    def is_alone(self):
        """Whether this process trains by itself."""
        return not self.ps

    @property
    def is_server(self):
        """Whether this process is a parameter server."""
        return self.job == 'ps'

    @property
    def is_chief(self):
        """Whether this process decides: worker 0."""
        return self.job == 'worker' and self.index == 0

    @property
    def jobs(self):
        """{job: list of 'host:port'} for TensorFlow."""
        return {'ps': list(self.ps), 'worker': list(self.workers)}

    @property
    def address(self):
        """'host:port' of this process."""
        return self.jobs[self.job][self.index]

    @property
    def worker_device(self):
        """What this worker computes on, for tf.device."""
        return '' if self.is_alone else '/job:worker/task:%d' % self.index

    @property
    def shared_device(self):
        """Where the chief's state and the workers' reports are, for tf.device."""
        return '/cpu:0' if self.is_alone else '/job:ps/task:0/cpu:0'

    def device_setter(self):
        """For tf.device: places variables on the servers in turn and everything else on this worker."""
        return tf.train.replica_device_setter(worker_device=self.worker_device, cluster=self.jobs)

    def device_filters(self):
        """The machines that this process's sessions wait for: itself and the servers, so that no worker waits for
        another one's restart inside TensorFlow."""
        if self.is_alone:
            return []
        return ['/job:ps'] + ([] if self.is_server else [self.worker_device])


ALONE = Cluster((), ('localhost',), 'worker', 0)


def cluster_of(options, environ):
    """The Cluster that the flags or else TF_CONFIG describe, or ALONE.

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
        cluster = ALONE
    if cluster == ALONE:
        return ALONE
    hosts = cluster.jobs[cluster.job]
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
        return ALONE
    if kind in ('chief', 'master'):
        kind, index = 'worker', 0
    elif kind == 'worker':
        index += len(chief)
    elif kind != 'ps':
        raise ClusterError('TF_CONFIG: expected a task of type chief, worker or ps, got %r' % kind)
    return Cluster(ps, workers, kind, index)


class Runtime:
    """Runs this process's sessions: by itself, or in a cluster through a gRPC server that the others reach.

    Args:
      cluster: Cluster.
      threads: of TensorFlow; 0: one for each core.
    Raises:
      ClusterError: this process's port cannot be had.
    """

    def __init__(self, cluster, threads):
        self.cluster = cluster
        # What a server is started with holds for the sessions that it runs.
        self._config = tf.ConfigProto(allow_soft_placement=True, intra_op_parallelism_threads=threads,
                                      inter_op_parallelism_threads=threads)
        if cluster.is_server:
            self._config.device_count['GPU'] = 0
        self._config.gpu_options.allow_growth = True
        self._server = None if cluster.is_alone else self._start_server()
        self._config.device_filters.extend(cluster.device_filters())

    def _start_server(self):
        cluster = self.cluster
        try:
            return tf.train.Server(tf.train.ClusterSpec(cluster.jobs), cluster.job, cluster.index,
                                   config=self._config)
        except tf.errors.OpError as error:
            raise ClusterError('%s: cannot serve there (%s)' % (cluster.address, one_line(error)))

    def session(self, graph):
        """A tf.Session of a graph."""
        return tf.Session(self._server.target if self._server else '', graph=graph, config=self._config)

    def run(self, build, use, stopping, on_loss):
        """Builds a graph and uses it in a session; from the start again where a parameter server was lost.

        Args:
          build: function -> what `use` needs; called inside a fresh default graph.
          use: function of (session, what was built).
          stopping: function -> whether to give up.
          on_loss: what happens next, for the user.
        Returns:
          what `use` returns.
        Raises:
          InterruptedWaitError: a server was lost and stopping() is true.
        """
        while True:
            with tf.Graph().as_default() as graph:
                built = build()
                try:
                    with self.session(graph) as session:
                        return use(session, built)
                except LOST as error:
                    if self.cluster.is_alone:
                        raise
                    sys.stderr.write('lost a parameter server (%s); %s\n' % (one_line(error), on_loss))
                    if stopping():
                        raise InterruptedWaitError()
                    time.sleep(1.0)
