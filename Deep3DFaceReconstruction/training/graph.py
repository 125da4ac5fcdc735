"""The training graph of one process: data, model, its share of a step, and for the chief the step and validation."""
import contextlib
import itertools
from typing import Any, List, NamedTuple, Optional

import numpy as np

from Deep3DFaceReconstruction import pictures
from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, make_dataset
from Deep3DFaceReconstruction.dataset.sample_files import DataError
from Deep3DFaceReconstruction.errors import TrainingError
from Deep3DFaceReconstruction.face_model import FaceModel
from Deep3DFaceReconstruction.networks import backbones
from Deep3DFaceReconstruction.networks.c_net import FrozenRNet
from Deep3DFaceReconstruction.networks.identity import perceptual_net
from Deep3DFaceReconstruction.networks.notes import Notes
from Deep3DFaceReconstruction.reconstruction_model import (
    Losses,
    LossWeights,
    ModelOptions,
    ReconstructionModel,
    measure_statistics,
)
from Deep3DFaceReconstruction.set_reconstruction_model import SetReconstructionModel
from Deep3DFaceReconstruction.supervision.model import SCOPE as SUPERVISION
from Deep3DFaceReconstruction.supervision.model import SupervisedModel
from Deep3DFaceReconstruction.supervision.options import POSITION_MAP, weights_of
from Deep3DFaceReconstruction.supervision.position_model import PositionModel
from Deep3DFaceReconstruction.supervision.set_model import SupervisedSetModel
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.exchange import Exchange, Generation
from Deep3DFaceReconstruction.training.gradient_step import GradientStep
from Deep3DFaceReconstruction.training.optimizer import adam_updates
from Deep3DFaceReconstruction.training.options import freezes_norm, trained_scopes

# Frozen batch norm is measured over so many batches.
_MEASURING_BATCHES = 40
_SHOWN_IMAGES = 4


class Data(NamedTuple):
    """What a process trains on."""
    train: SampleReader
    val: Optional[SampleReader]  # the chief's alone
    model: FaceModel
    r_net: Optional[FrozenRNet] = None  # with --sets


@contextlib.contextmanager
def data_errors(data):
    """Turns TensorFlow's error over a set without a single sound sample into one line.

    Args:
      data: Data that is read inside the block.
    Raises:
      TrainingError: all samples are corrupt.
    """
    try:
        yield
    except tf.errors.OpError:
        for reader in (data.train, data.val):
            if reader is not None and reader.all_corrupt:
                raise TrainingError('expected sound samples, but all %d are corrupt; the last: %s'
                                    % (len(reader.corrupt), list(reader.corrupt.values())[-1]))
        raise


class Share(NamedTuple):
    """What one process contributes to a step, beside the sums."""
    finite: bool              # whether the loss and the gradients of all its batches are
    losses: np.ndarray        # as Losses, means over its batches
    names: List[bytes]        # paths of its images
    summary: Optional[bytes]  # serialized, of its first batch


class Validation(NamedTuple):
    """What one pass over the validation set says."""
    losses: Losses     # numbers, means over the set; photo over what of it was compared
    uncovered: int     # images of which the mesh covers nothing
    images: int
    summary: Any       # serialized, of the first batch


def model_options(options):
    """ModelOptions from TrainOptions."""
    weights = LossWeights(options.w_photo, options.w_landmark, options.w_id, options.w_reg, options.w_reflect,
                          options.w_gamma, options.w_ex, options.w_tex)
    backbone = backbones.Backbone(options.backbone, options.width, options.input_size, options.bn_decay)
    return ModelOptions(weights, options.gamma, options.weight_decay, backbone, freezes_norm(options),
                        options.center_heads)


def batch_images(options):
    """Images of a batch of (training, validation) data: with --sets, those of whole sets."""
    size = options.set_size if options.sets else 1
    return options.batch_size * size, max(options.val_batch_size // size, 1) * size


def make_model(options, data):
    """The function of (batch, is_training) -> Outputs that is trained: R-Net, or with --sets C-Net behind it.

    Raises:
      DataError: photos, where the network learns from known coefficients alone.
    """
    with_photos = options.supervised and not options.sets and any(
        reader.has_photos() for reader in (data.train, data.val) if reader is not None)
    if options.network == POSITION_MAP:
        if with_photos:
            raise DataError('--network position_map: expected samples with coefficients, found some without')
        return PositionModel(data.model, options.width, model_options(options))
    id_net = perceptual_net.choose(options.id_net)
    model = ReconstructionModel(data.model, model_options(options), id_net, perceptual_net.load(id_net))
    if options.sets:
        sets = SetReconstructionModel(model, data.r_net, options.set_size)
        return SupervisedSetModel(sets, data.model, options.weight_decay) if options.supervised else sets
    if options.supervised:
        return SupervisedModel(model, data.model, model_options(options), weights_of(options), with_photos)
    return model


def mean_losses(rows, counts=None):
    """Means of losses.

    Args:
      rows: [N,len(Losses)] array, a row for each batch.
      counts: [N] what each row counts; equal where not given.
    Returns:
      Losses of numbers. Rows whose photometric loss is NaN, because nothing was compared, are left out of its mean;
      it is NaN where that leaves none.
    """
    rows = np.asarray(rows)
    counts = np.ones(len(rows), rows.dtype) if counts is None else np.asarray(counts)
    means = Losses(*((rows * counts[:, np.newaxis]).sum(0) / counts.sum()))
    photo = rows[:, Losses._fields.index('photo')]
    compared = ~np.isnan(photo)
    if not compared.all() and compared.any():
        means = means._replace(photo=(photo * counts)[compared].sum() / counts[compared].sum())
    return means


class TrainingGraph:
    """The graph of one worker. Build it inside a fresh default graph.

    Args:
      options: TrainOptions.
      cluster: Cluster.
      data: Data.
    Attributes:
      model_variables: R-Net's variables, or with --sets C-Net's.
      variables: all that a checkpoint holds.
      initializer: of these.
      batches_per_step: over all workers.
      notes: notes.Notes of the network.
      global_step, skipped: int64 variables: steps done, and how many of them changed nothing.
      exchange, generation: see `exchange`.
    """

    def __init__(self, options, cluster, data):
        self._options = options
        self.notes = Notes(data.model.name, data.r_net.notes.input_size if options.sets else options.input_size)
        tf.set_random_seed(options.seed)
        with tf.device(cluster.device_setter()):
            model = make_model(options, data)
            batch = self._read(data.train, cluster)
            outputs = model(batch, is_training=True)
            self.model_variables = [v for v in tf.global_variables() if v is not outputs.feature_mean
                                    and not v.op.name.startswith(SUPERVISION + '/')]
            self.batches_per_step = options.accumulate * len(cluster.workers)
            step = GradientStep(outputs.losses.total, outputs.statistics, self.batches_per_step,
                                cluster.worker_device,
                                trained_scopes(options.train_only, backbones.last_block(options.backbone)))
            self._micro = {'finite': step.contribution.finite, 'losses': tf.stack(outputs.losses),
                           'names': batch.names}
            self._micro_ops = (step.contribution.first, step.contribution.more)
            self.global_step = tf.train.get_or_create_global_step()
            self.skipped = tf.get_variable('skipped_steps', [], tf.int64, tf.zeros_initializer(), trainable=False)
            self.exchange = Exchange(cluster, step, len(Losses._fields))
            self.generation = Generation(cluster)
            if cluster.is_chief:
                self._end_of_step(step, outputs.feature_mean)
                self._summary = _image_summary(batch, outputs)
                self._measure = (measure_statistics(batch.images, model_options(options)) if freezes_norm(options)
                                 else None)
                self._validation(model, data.val)
        self.variables = tf.global_variables()
        self.initializer = tf.global_variables_initializer()

    def _read(self, reader, cluster):
        """This worker's batches of the training data, from a step to be given."""
        self._start = tf.placeholder(tf.int64, [])
        dataset = make_dataset(reader, batch_images(self._options)[0], self._start,
                               (len(cluster.workers), cluster.index), threads=self._options.loader_threads)
        self._iterator = tf.data.make_initializable_iterator(dataset)
        return self._iterator.get_next()

    def _end_of_step(self, step, feature_mean):
        self._rate = tf.placeholder(tf.float32, [])

        def updates_of(pairs):
            return adam_updates(pairs, self._rate, self._options.lr_heads, feature_mean)
        self._apply, self._skip = step.apply(self.exchange.sums, updates_of, self.global_step, self.skipped)

    def _validation(self, model, reader):
        dataset = make_dataset(reader, batch_images(self._options)[1], repeat=False,
                               threads=self._options.loader_threads)
        self._val_iterator = tf.data.make_initializable_iterator(dataset)
        batch = self._val_iterator.get_next()
        outputs = model(batch, is_training=False)
        uncovered = tf.constant(0)
        if outputs.reconstruction is not None:
            covered = tf.reduce_max(outputs.reconstruction.img_mask_crop, [1, 2, 3]) > 0
            uncovered = tf.reduce_sum(1 - tf.cast(covered, tf.int32))
        self._val = {'losses': tf.stack(outputs.losses), 'images': tf.shape(batch.images)[0], 'uncovered': uncovered}
        self._val_summary = _image_summary(batch, outputs)

    def seek(self, session, step):
        """The next batch read will be this step's first."""
        session.run(self._iterator.initializer, {self._start: step * self._options.accumulate})

    def measure_statistics(self, session):
        """Gives frozen batch norm the statistics of the network and the images as they are."""
        if self._measure is not None:
            self.seek(session, 0)
            for _ in range(_MEASURING_BATCHES):
                session.run(self._measure)

    def contribute(self, session, with_summary=False):
        """Sums up this process's batches of one step.

        Returns:
          Share.
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
        return Share(finite, np.array(mean_losses(losses)), names, summary)

    def finish_step(self, session, finite, learning_rate):
        """Applies the sums, or counts them as skipped; either way the next step begins."""
        session.run(self._apply if finite else self._skip, {self._rate: learning_rate})

    def validate(self, session, stopping):
        """Validation of the variables as they are, or None if stopping() was true on the way."""
        session.run(self._val_iterator.initializer)
        results, summary = [], None
        for number in itertools.count():
            fetches = [self._val] + ([self._val_summary] if number == 0 else [])
            try:
                result = session.run(fetches)
            except tf.errors.OutOfRangeError:
                break
            results.append(result[0])
            summary = result[1] if number == 0 else summary
            if stopping():
                return None
        images = [r['images'] for r in results]
        losses = mean_losses(np.array([r['losses'] for r in results], np.float64), images)
        return Validation(losses, sum(int(r['uncovered']) for r in results), sum(map(int, images)), summary)


def _image_summary(batch, outputs):
    """The published histograms and the image: input beside overlay; without a reconstruction, the details alone."""
    details = [tf.summary.scalar(name, value) for name, value in sorted(outputs.details.items())]
    if outputs.reconstruction is None:
        return tf.summary.merge(details)
    parts = outputs.reconstruction.coefficients
    return tf.summary.merge(details + [
        tf.summary.histogram('id_coeff', parts.id_coeff), tf.summary.histogram('ex_coeff', parts.ex_coeff),
        tf.summary.histogram('tex_coeff', parts.tex_coeff),
        tf.summary.image('imgs', pictures.comparison(batch.images, outputs.reconstruction), _SHOWN_IMAGES)])
