"""The training loop: one process, or the chief, a worker or a parameter server of a cluster."""
import contextlib
import itertools
import os
import signal
import sys
import time
from collections import namedtuple

import numpy as np

from Deep3DFaceReconstruction import pictures, reconstruction_model
from Deep3DFaceReconstruction.dataset.augmentation import DEFAULT_AUGMENTATION, NO_AUGMENTATION
from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples, make_dataset
from Deep3DFaceReconstruction.errors import UserError, one_line
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.networks import checkpoints, frozen_graph, perceptual_net, resnet_v1
from Deep3DFaceReconstruction.reconstruction_model import Losses
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import cluster
from Deep3DFaceReconstruction.training import options as training_options
from Deep3DFaceReconstruction.training.gradient_step import GradientStep
from Deep3DFaceReconstruction.training.log import Progress, SummaryWriter, scalars
from Deep3DFaceReconstruction.training.optimizer import adam_updates
from Deep3DFaceReconstruction.training.run_folder import RunFolder

# So many steps in a row without a finite gradient end the run.
MAX_BAD_STEPS = 10
_LISTED_PROBLEMS = 5
_MEASURING_BATCHES = 40
_WAIT_NOTICE_SECONDS = 30.0

# What one step brought: Losses of numbers (means over all its batches), whether it was sound, the images' paths.
StepResult = namedtuple('StepResult', 'losses finite names summary')


class TrainingError(UserError):
    """Training cannot start or go on; the message is for the user."""


def run(options):
    """Trains, or does this process's part of it, or exports.

    Args:
      options: training_options.TrainOptions.
    Returns:
      0 when training is over or was stopped by a signal, having saved.
    Raises:
      TrainingError, ClusterError, AssetError, InputError: with a message for the user.
    """
    _limit_threads(options.threads)
    place = cluster.cluster_of(options, os.environ)
    folder = RunFolder(os.path.join(options.result, options.model_name), options.keep)
    with _Signals() as signals:
        if place and place.job == 'ps':
            cluster.run_parameter_server(place, tf.ConfigProto(device_count={'GPU': 0}), signals.stopping)
            return 0
        chief = not place or place.index == 0
        if chief and options.export and folder.newest() and not options.resume:
            _export(folder, options.export)
            return 0
        if chief and folder.newest() and not options.resume and not place:
            raise TrainingError('%s: there is a run already (step %d); go on with --resume, freeze it with --export, '
                                'or choose another --model_name' % (folder.path, folder.newest()[0]))
        data = _Data(options, chief, load_face_model(options.face_model))
        server = cluster.start_server(place, _config(options)) if place else None
        if chief:
            finished = _Chief(options, place, server, data, folder).train(signals.stopping)
            if finished and options.export:
                _export(folder, options.export)
        else:
            _Worker(options, place, server, data).train(signals.stopping)
    return 0


def _limit_threads(count):
    """Sets how many threads the process has. Sessions have the same number in their configuration, but in current
    TensorFlow the first user of a pool settles its size for all, and here that would be the data's functions."""
    if count:
        with contextlib.suppress(RuntimeError):  # something has run already, so it is too late
            tf.config.threading.set_intra_op_parallelism_threads(count)
            tf.config.threading.set_inter_op_parallelism_threads(count)


def _export(folder, path):
    """Freezes the run's best or newest checkpoint into a .pb."""
    prefix = folder.best_or_newest()
    frozen_graph.save(frozen_graph.load_any(prefix), path)
    print('exported %s to %s' % (prefix, path))


class _Signals:
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
        """The name of the signal that came, or None."""
        return self._name


class _Data:
    """Training and validation samples, and the face model."""

    def __init__(self, options, chief, model):
        augmentation = DEFAULT_AUGMENTATION if options.augment else NO_AUGMENTATION
        self.train = SampleReader(_samples(options.data_path, chief), options.seed, True, augmentation)
        self.val = SampleReader(_samples(options.val_data_path, False), shuffle=False) if chief else None
        self.model = model


def _samples(sources, tell):
    samples, problems = find_samples(sources)
    if tell:
        for problem in problems[:_LISTED_PROBLEMS]:
            sys.stderr.write('left out: %s\n' % problem)
        if len(problems) > _LISTED_PROBLEMS:
            sys.stderr.write('left out: %d more\n' % (len(problems) - _LISTED_PROBLEMS))
    return samples


class _Graph:
    """The training graph of one process. Build it inside a fresh default graph."""

    def __init__(self, options, place, data):
        self._options = options
        workers = len(place.workers) if place else 1
        index = place.index if place else 0
        own_device = '/job:worker/task:%d' % index if place else None
        tf.set_random_seed(options.seed)
        with tf.device(cluster.device_setter(place) if place else None):
            id_net = perceptual_net.choose(options.id_net)
            model = reconstruction_model.ReconstructionModel(
                data.model, reconstruction_model.weights_of(options), id_net, perceptual_net.load(id_net),
                options.gamma, options.weight_decay, options.bn_decay, options.freeze_bn, options.center_heads)
            self.id_net = id_net

            self._start = tf.placeholder(tf.int64, [])
            dataset = make_dataset(data.train, options.batch_size, self._start, (workers, index),
                                   threads=options.loader_threads)
            self._iterator = tf.data.make_initializable_iterator(dataset)
            batch = self._iterator.get_next()
            outputs = model(batch, is_training=True)
            self.model_variables = [v for v in tf.global_variables() if v is not model.feature_mean]
            step = GradientStep(outputs.losses.total, outputs.statistics, options.accumulate * workers, own_device)
            self._micro = {'finite': step.contribution.finite, 'losses': tf.stack(outputs.losses),
                           'names': batch.names}
            self._micro_ops = (step.contribution.first, step.contribution.more)

            self.global_step = tf.train.get_or_create_global_step()
            self.skipped = tf.get_variable('skipped_steps', [], tf.int64, tf.zeros_initializer(), trainable=False)
            self.exchange = cluster.Exchange(place, step, len(Losses._fields)) if place else None
            self.generation = cluster.Generation() if place else None
            if index == 0:
                self._rate = tf.placeholder(tf.float32, [])
                sums = self.exchange.sums if place else step.sums
                self._apply, self._skip = step.apply(
                    sums, lambda pairs: adam_updates(pairs, self._rate, options.lr_heads, model.feature_mean),
                    self.global_step, self.skipped)
                self._summary = _picture_summary(batch, outputs)
                self._measure = model.measure_statistics(batch.images) if options.freeze_bn else None
                self._validation_graph(model, data.val)
        self.variables = tf.global_variables()
        self.initializer = tf.global_variables_initializer()

    def _validation_graph(self, model, reader):
        dataset = make_dataset(reader, self._options.val_batch_size, repeat=False,
                               threads=self._options.loader_threads)
        self._val_iterator = tf.data.make_initializable_iterator(dataset)
        batch = self._val_iterator.get_next()
        outputs = model(batch, is_training=False)
        self._val = [tf.stack(outputs.losses), tf.shape(batch.images)[0]]
        self._val_summary = _picture_summary(batch, outputs)

    def set_data_place(self, session, step):
        """The next batch read will be this step's first."""
        session.run(self._iterator.initializer, {self._start: step * self._options.accumulate})

    def measure_statistics(self, session):
        """Gives frozen batch norm the statistics of the network and the pictures as they are."""
        if self._measure is not None:
            self.set_data_place(session, 0)
            for _ in range(_MEASURING_BATCHES):
                session.run(self._measure)

    def contribute(self, session, with_summary=False):
        """Sums up this process's batches of one step.

        Returns:
          StepResult; summary is a serialized Summary or None.
        """
        losses, names, finite, summary = [], [], True, None
        for number in range(self._options.accumulate):
            first = number == 0
            fetches = [self._micro, self._micro_ops[0 if first else 1]]
            if first and with_summary:
                fetches.append(self._summary)
            result = session.run(fetches)
            finite = finite and bool(result[0]['finite'])
            losses.append(result[0]['losses'])
            names.extend(result[0]['names'])
            summary = result[2] if len(result) > 2 else summary
        return StepResult(np.mean(losses, 0), finite, names, summary)

    def finish_step(self, session, finite, learning_rate):
        """Applies the sums, or counts them as skipped; either way the next step begins."""
        session.run(self._apply if finite else self._skip, {self._rate: learning_rate})

    def validate(self, session, stopping):
        """(Losses of numbers: means over the whole validation set; a summary of its first batch), None if stopped."""
        session.run(self._val_iterator.initializer)
        total, count, summary = 0.0, 0, None
        for number in itertools.count():
            fetches = self._val + ([self._val_summary] if number == 0 else [])
            try:
                result = session.run(fetches)
            except tf.errors.OutOfRangeError:
                return Losses(*(total / count)), summary
            total, count = total + result[0].astype(np.float64) * result[1], count + result[1]
            summary = result[2] if number == 0 else summary
            if stopping():
                return None


def _picture_summary(batch, outputs):
    """The published histograms and the image: input beside overlay."""
    parts = outputs.reconstruction.coefficients
    return tf.summary.merge([
        tf.summary.histogram('id_coeff', parts.id_coeff), tf.summary.histogram('ex_coeff', parts.ex_coeff),
        tf.summary.histogram('tex_coeff', parts.tex_coeff),
        tf.summary.image('imgs', pictures.comparison(batch.images, outputs.reconstruction), 4)])


def _config(options):
    """For sessions and for servers: what a server is started with holds for the sessions that it runs."""
    config = tf.ConfigProto(allow_soft_placement=True, intra_op_parallelism_threads=options.threads,
                            inter_op_parallelism_threads=options.threads)
    config.gpu_options.allow_growth = True
    return config


def _session(options, place, server, graph):
    config = _config(options)
    if place:
        config.device_filters.extend(cluster.device_filters(place))
    return tf.Session(server.target if server else '', graph=graph, config=config)


class _Chief:
    """Trains, saves and validates; alone, or for the workers of a cluster."""

    def __init__(self, options, place, server, data, folder):
        self._options, self._place, self._server = options, place, server
        self._data, self._folder = data, folder
        self._workers = len(place.workers) if place else 1

    def train(self, stopping):
        """Returns whether the last step was reached; else `stopping()` was true, and the state is saved."""
        self._folder.sweep()
        resume = self._options.resume or bool(self._place)
        while True:
            with tf.Graph().as_default() as tf_graph:
                graph = _Graph(self._options, self._place, self._data)
                try:
                    with _session(self._options, self._place, self._server, tf_graph) as session:
                        return self._train(session, graph, resume, stopping)
                except cluster.LOST as error:
                    if not self._place or stopping():
                        raise
                    sys.stderr.write('lost a parameter server (%s); going on from the newest checkpoint\n'
                                     % one_line(error))
                    time.sleep(1.0)

    def _train(self, session, graph, resume, stopping):
        options, place = self._options, self._place
        if place:
            graph.generation.write(session, cluster.CLOSED)
        step = self._fill(session, graph, resume)
        generation = graph.generation.open(session) if place else None
        self._folder.write_options(training_options.to_json(options))
        writer = SummaryWriter(os.path.join(self._folder.path, 'summary'))
        writer.text('options', training_options.to_json(options))
        progress = Progress(options.steps, step,
                            options.batch_size * options.accumulate * self._workers)
        saved, bad = step if self._folder.newest() else None, []
        try:
            graph.set_data_place(session, step)
            if step == 0:
                self._validate(session, graph, step, writer, progress, stopping)
            while step < options.steps and not stopping():
                summing = step % options.summary_every == 0
                try:
                    result = self._step(session, graph, generation, step, summing, stopping, progress)
                except cluster.InterruptedWaitError:
                    break
                graph.finish_step(session, result.finite, training_options.learning_rate(options, step))
                if not result.finite:
                    bad.append(result.names)
                    self._complain(bad, step, progress)
                else:
                    bad = []
                if summing:
                    self._summarise(session, graph, writer, result, step)
                step += 1
                progress.advance(result.losses)
                if step % options.save_every == 0:
                    saved = self._save(session, graph, step)
                if step % options.validate_every == 0 or step == options.steps:
                    best = self._validate(session, graph, step, writer, progress, stopping)
                    if best is not None:
                        saved = saved if saved == step else self._save(session, graph, step)
                        self._folder.note_best(step, best)
            if saved != step:
                self._save(session, graph, step)
        finally:
            progress.close()
            writer.close()
            if place:
                self._close_generation(session, graph, finished=step >= options.steps or len(bad) >= MAX_BAD_STEPS)
        if stopping():
            sys.stderr.write('stopped at step %d of %d; go on with --resume\n' % (step, options.steps))
        return step >= options.steps

    def _close_generation(self, session, graph, finished):
        """Tells the others; a server that is gone need not be told."""
        try:
            graph.generation.write(session, cluster.FINISHED if finished else cluster.CLOSED)
        except cluster.LOST:
            pass

    def _fill(self, session, graph, resume):
        """Restores the newest checkpoint or initialises; returns the step to go on from."""
        newest = self._folder.newest() if resume else None
        if newest:
            checkpoints.restore(session, newest[1], graph.variables, 'this training run')
            sys.stderr.write('resumed from %s\n' % newest[1])
            return int(session.run(graph.global_step))
        session.run(graph.initializer)
        if self._options.pretrain_weights:
            checkpoints.restore(session, self._options.pretrain_weights, graph.model_variables, 'R_Net')
        elif os.path.exists(assets.RESNET_CKPT) or os.path.exists(assets.RESNET_CKPT + '.index'):
            trunk = [v for v in graph.model_variables if v.op.name.startswith(resnet_v1.SCOPE + '/')]
            checkpoints.restore(session, assets.RESNET_CKPT, trunk, 'ResNet-50')
        else:
            sys.stderr.write('warning: %s is not there: the network starts from random numbers (He et al. 2015), '
                             'which takes longer to train\n' % assets.RESNET_CKPT)
            for gamma in resnet_v1.residual_gammas(graph.model_variables):
                gamma.load(np.full(gamma.shape.as_list(), self._options.residual_gamma, np.float32), session)
            graph.measure_statistics(session)
        return 0

    def _step(self, session, graph, generation, step, summing, stopping, progress):
        """One step's sums over all workers: StepResult with Losses."""
        own = graph.contribute(session, summing)
        results = [(own.finite, own.losses, own.names)]
        if self._place:
            notice = _Notice(progress)
            results += graph.exchange.collect(session, generation, step, stopping, notice.waiting)
        return StepResult(Losses(*np.mean([r[1] for r in results], 0)), all(bool(r[0]) for r in results),
                          [name.decode('utf-8', 'replace') for r in results for name in r[2]], own.summary)

    def _complain(self, bad, step, progress):
        progress.line('step %d: loss or gradient is not finite: skipped (%d in a row)' % (step, len(bad)))
        if len(bad) >= MAX_BAD_STEPS:
            names = sorted({name for names in bad for name in names})
            raise TrainingError('%d steps in a row had a loss or gradient that is not finite; their images: %s'
                                % (len(bad), ' '.join(names)))

    def _summarise(self, session, graph, writer, result, step):
        values = scalars(result.losses)
        values['learning_rate'] = training_options.learning_rate(self._options, step)
        values['skipped_steps'] = float(session.run(graph.skipped))
        writer.numbers('train', values, step)
        writer.serialized('train', result.summary, step)

    def _save(self, session, graph, step):
        values = session.run({v.op.name: v for v in graph.variables})
        self._folder.save(step, values)
        return step

    def _validate(self, session, graph, step, writer, progress, stopping):
        """Validates and reports; the total loss, or None where that is not a new best."""
        result = graph.validate(session, stopping)
        if result is None:
            return None
        losses, summary = result
        writer.numbers('val', scalars(losses), step)
        writer.serialized('val', summary, step)
        best = self._folder.best()
        better = step > 0 and np.isfinite(losses.total) and (best is None or losses.total < best[1])
        progress.line('validation at step %d: total %.4g, photo %.4g, landmarks %.3g px, id %.4g%s' % (
            step, losses.total, losses.photo, losses.landmark_px, losses.perceptual, ' (best)' if better else ''))
        return float(losses.total) if better else None


class _Notice:
    """Says once in a while which workers the chief waits for."""

    def __init__(self, progress):
        self._progress = progress
        self._next = time.time() + _WAIT_NOTICE_SECONDS

    def waiting(self, workers):
        """Called in each round that brought nothing."""
        if time.time() >= self._next:
            self._progress.line('waiting for worker %s' % ', '.join(map(str, workers)))
            self._next += _WAIT_NOTICE_SECONDS


class _Worker:
    """Contributes to each step until the chief says that training is over."""

    def __init__(self, options, place, server, data):
        self._options, self._place, self._server, self._data = options, place, server, data

    def train(self, stopping):
        """Returns at the end of training or when `stopping()` is true."""
        while not stopping():
            with tf.Graph().as_default() as tf_graph:
                graph = _Graph(self._options, self._place, self._data)
                try:
                    with _session(self._options, self._place, self._server, tf_graph) as session:
                        self._train(session, graph, stopping)
                    return
                except cluster.InterruptedWaitError:
                    return
                except cluster.LOST as error:
                    sys.stderr.write('lost a parameter server (%s); waiting for it\n' % one_line(error))
                    time.sleep(1.0)

    def _train(self, session, graph, stopping):
        """Contributes once to each (generation, step) that the chief comes to."""
        last = None

        def next_place():
            generation = graph.generation.read(session)
            if generation == cluster.FINISHED:
                return (generation, 0)
            if generation == cluster.CLOSED:
                return None
            place = (generation, int(session.run(graph.global_step)))
            return place if place != last and place[1] < self._options.steps else None

        while True:
            generation, step = cluster.wait_for(next_place, stopping)
            if generation == cluster.FINISHED:
                graph.generation.say_goodbye(session)
                return
            if last != (generation, step - 1):
                graph.set_data_place(session, step)
            own = graph.contribute(session)
            graph.exchange.push(session, generation, step, own.finite, own.losses, own.names)
            last = (generation, step)
