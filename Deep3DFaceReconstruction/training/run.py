"""The entry: what this process does, by its options and its role in the cluster."""
import contextlib
import functools
import os
import signal
import sys

from Deep3DFaceReconstruction.dataset.augmentation import DEFAULT_AUGMENTATION, NO_AUGMENTATION
from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples
from Deep3DFaceReconstruction.dataset.people.folders import find_people
from Deep3DFaceReconstruction.dataset.people.reader import SetReader
from Deep3DFaceReconstruction.errors import AssetError, InputError, TrainingError, message_of
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.networks import c_net, checkpoints, frozen_graph, notes
from Deep3DFaceReconstruction.networks.position_maps import frozen
from Deep3DFaceReconstruction.set_reconstruction_model import DIGEST
from Deep3DFaceReconstruction.supervision.label_motion import LabelMotion
from Deep3DFaceReconstruction.supervision.options import POSITION_MAP
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.files import check_writable
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import chief, worker
from Deep3DFaceReconstruction.training.cluster import Runtime, cluster_of
from Deep3DFaceReconstruction.training.graph import Data
from Deep3DFaceReconstruction.training.run_folder import RunFolder

_LISTED_PROBLEMS = 5
DONE, INTERRUPTED = 0, 130


def run(options):
    """Trains, or does this process's part of it, or exports.

    Args:
      options: options.TrainOptions.
    Returns:
      the exit code: 0 when training is over, 130 when it was stopped by a signal, having saved.
    Raises:
      TrainingError: training had begun and cannot go on.
      ClusterError, AssetError, InputError, OSError: it cannot begin.
    """
    _limit_threads(options.threads)
    cluster = cluster_of(options, os.environ)
    with Signals() as signals:
        if cluster.is_server:
            done = worker.serve(Runtime(cluster, 0), signals.stopping)
        elif cluster.is_chief:
            done = _lead(options, cluster, signals.stopping)
        else:
            data = load_data(options, cluster)
            done = worker.work(options, Runtime(cluster, options.threads), data, signals.stopping)
    return DONE if done else INTERRUPTED


def _lead(options, cluster, stopping):
    """Trains as the chief, and exports; returns whether all is done."""
    folder = RunFolder(os.path.join(options.result, options.model_name), options.keep)
    newest = folder.newest()
    if options.export:
        _check_export(options.export)
        if newest and not options.resume:
            _export(folder, options)
            return True
    # A cluster resumes by itself: its scheduler restarts what dies.
    if newest and not options.resume and cluster.is_alone:
        raise InputError('%s: there is a run already (step %d); go on with --resume, freeze it with --export, '
                         'or choose another --model_name' % (folder.path, newest[0]))
    folder.prepare()
    data = load_data(options, cluster)
    if newest and options.sets:
        _check_r_net(checkpoints.Checkpoint(newest[1]), data.r_net)
    done = chief.train(options, Runtime(cluster, options.threads), data, folder, stopping)
    if done and options.export:
        try:
            _check_export(options.export)
            _export(folder, options)
        except (InputError, OSError) as error:
            raise TrainingError(message_of(error))
    return done


def _limit_threads(count):
    """Sets how many threads the process has. Sessions have the same number in their configuration, but in current
    TensorFlow the first user of a pool fixes its size for all, and here that would be the data's functions."""
    if count:
        with contextlib.suppress(RuntimeError):  # something has run already, so it is too late
            tf.config.threading.set_intra_op_parallelism_threads(count)
            tf.config.threading.set_inter_op_parallelism_threads(count)


def _check_export(path):
    """Raises InputError if the .pb cannot be written, or if there is a file that no export has written."""
    check_writable(os.path.dirname(os.path.abspath(path)))
    if os.path.lexists(path) and not frozen_graph.is_own(path):
        raise InputError('%s: expected no file or one that train.py exported, got another; it is left as it is: '
                         'move it away or give another --export PB' % path)


def _export(folder, options):
    """Freezes the run's best or newest checkpoint into a .pb."""
    prefix = folder.best_or_newest()
    if options.sets:
        checkpoint, r_net = checkpoints.Checkpoint(prefix), load_r_net(options)
        _check_r_net(checkpoint, r_net)
        graph_def = c_net.freeze(checkpoint, prefix, r_net)
    elif options.network == POSITION_MAP:
        graph_def = frozen.freeze(checkpoints.Checkpoint(prefix), prefix)
    else:
        graph_def = frozen_graph.load_any(prefix)
    frozen_graph.save(graph_def, options.export)
    print('exported %s to %s' % (prefix, options.export))


def _check_r_net(checkpoint, r_net):
    """Raises InputError if a checkpoint of C-Net was trained with another R-Net."""
    if DIGEST in checkpoint.shapes and checkpoint[DIGEST] != r_net.digest:
        raise InputError('%s: expected the R-Net that this C-Net was trained with, got another: %s'
                         % (checkpoint.prefix, r_net.path))


def load_r_net(options):
    """The c_net.FrozenRNet that --sets works with; None without --sets.

    Raises:
      AssetError: there is none, or it cannot be used.
    """
    if not options.sets:
        return None
    path = options.pretrain_weights or assets.FACE_RECON_PB
    if not options.pretrain_weights and not os.path.isfile(path):
        raise AssetError('train.py --sets: expected an R-Net in %s or --pretrain_weights FILE, found neither' % path)
    return c_net.FrozenRNet(path)


class Signals:
    """Turns SIGINT and SIGTERM into a question that the loop asks; a second one acts at once."""

    def __init__(self):
        self._name = None
        self._before = {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number, _):
        self._name = signal.Signals(number).name
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        sys.stderr.write('\n%s: stopping after this step\n' % self._name)

    def stopping(self):
        """The name of the signal that was received, or None."""
        return self._name


def load_data(options, cluster):
    """graph.Data of this process.

    Raises:
      DataError, AssetError: samples or the face model cannot be used.
    """
    augmentation = DEFAULT_AUGMENTATION if options.augment else NO_AUGMENTATION
    # Before millions of samples are listed.
    model, r_net = load_face_model(options.face_model), load_r_net(options)
    if r_net:
        notes.check_face_model(r_net.notes, r_net.path, model)
    find = find_people if options.sets else find_samples
    samples, problems = find(options.data_path)
    make_reader = functools.partial(SetReader, size=options.set_size) if options.sets else SampleReader
    make_reader = functools.partial(make_reader, motion=LabelMotion(model) if options.supervised else None)
    validation = None
    if cluster.is_chief:
        for problem in problems[:_LISTED_PROBLEMS]:
            sys.stderr.write('left out: %s\n' % problem)
        if len(problems) > _LISTED_PROBLEMS:
            sys.stderr.write('left out: %d more\n' % (len(problems) - _LISTED_PROBLEMS))
        validation = make_reader(find(options.val_data_path)[0], shuffle=False)
    training = make_reader(samples, seed=options.seed, augmentation=augmentation)
    if r_net and options.supervised and any(reader.has_photos() for reader in (training, validation) if reader):
        raise InputError('%s: expected coefficients (coeff/NAME.npy) of all images with --sets --supervised, some have '
                         'none' % ', '.join(options.data_path + options.val_data_path))
    return Data(training, validation, model, r_net)
