"""The chief's part: the training loop, with checkpoints, validation and reports."""
import contextlib
import os
import sys
import time
from typing import List, NamedTuple, Optional

import numpy as np

from Deep3DFaceReconstruction.errors import TrainingError, UserError, message_of
from Deep3DFaceReconstruction.networks import checkpoints, notes, r_net, resnet_v1
from Deep3DFaceReconstruction.networks.position_maps import frozen
from Deep3DFaceReconstruction.reconstruction_model import Losses
from Deep3DFaceReconstruction.supervision.options import POSITION_MAP
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.training import exchange, optimizer
from Deep3DFaceReconstruction.training import options as training_options
from Deep3DFaceReconstruction.training.cluster import LOST, InterruptedWaitError
from Deep3DFaceReconstruction.training.graph import TrainingGraph, batch_images, data_errors, mean_losses
from Deep3DFaceReconstruction.training.log import Progress, SummaryWriter, scalars
from Deep3DFaceReconstruction.training.run_folder import SUMMARY

# So many steps in a row without a finite gradient end the run.
MAX_BAD_STEPS = 10
_WAIT_NOTICE_SECONDS = 30.0


class StepResult(NamedTuple):
    """What one step brought, over all workers."""
    losses: Losses            # numbers, means over all batches
    finite: bool              # whether the loss and all gradients are
    names: List[str]          # paths of the images
    summary: Optional[bytes]  # serialized, of the chief's first batch


def train(options, runtime, data, folder, stopping):
    """Trains, saves and validates, with the other workers of the cluster.

    Args:
      options: TrainOptions.
      runtime: cluster.Runtime.
      data: graph.Data.
      folder: RunFolder, prepared. What it holds is resumed; an empty one is filled.
      stopping: function -> whether to stop after the step at hand.
    Returns:
      whether the last step was reached; else stopping() was true, and the state is saved.
    Raises:
      TrainingError: training had begun and cannot go on.
      ClusterError, AssetError: it cannot begin.
    """
    def use(session, graph):
        return Run(options, folder, graph, session, stopping).train()

    try:
        with data_errors(data):
            return runtime.run(lambda: TrainingGraph(options, runtime.cluster, data), use, stopping,
                               'going on from the newest checkpoint')
    except InterruptedWaitError:
        return False


class Run:
    """The training loop and what it works on, from the start to the end or to the loss of a parameter server.

    Args:
      options: TrainOptions.
      folder: RunFolder.
      graph: TrainingGraph of the chief.
      session: tf.Session of that graph.
      stopping: function -> whether to stop after the step at hand.
    """

    def __init__(self, options, folder, graph, session, stopping):
        self._options, self._folder = options, folder
        self._graph, self._session = graph, session
        self._stopping = stopping
        self._step, self._saved = 0, None  # steps done, and at which of them the newest checkpoint was saved
        self._bad = []  # names of the images of the last steps, as long as these were not finite

    def train(self):
        """Returns whether the last step was reached.

        Raises:
          TrainingError: training had begun and cannot go on.
        """
        options = self._options
        self._graph.generation.write(self._session, exchange.CLOSED)
        self._step = self._fill()
        with self._opened():
            if self._step == 0:
                self._validate()
            while self._step < options.steps and not self._stopping():
                result = self._contributions()
                self._graph.finish_step(self._session, result.finite, self._learning_rate())
                self._count_bad(result)
                if result.summary:
                    self._summarise(result)
                self._step += 1
                self._progress.advance(result.losses)
                if self._step % options.save_every == 0:
                    self._save()
                if self._step % options.validate_every == 0 or self._step == options.steps:
                    self._validate()
        if self._stopping():
            sys.stderr.write('stopped at step %d of %d; go on with --resume\n' % (self._step, options.steps))
        return self._step >= options.steps

    def _fill(self):
        """Restores the newest checkpoint or initialises; returns the step to go on from."""
        graph, session = self._graph, self._session
        newest = self._folder.newest()
        if newest:
            notes.check_same(checkpoints.Checkpoint(newest[1]), newest[1], graph.notes)
            checkpoints.restore(session, newest[1], graph.variables, 'this training run')
            sys.stderr.write('resumed from %s\n' % newest[1])
            self._saved = int(session.run(graph.global_step))
            return self._saved
        session.run(graph.initializer)
        if not self._options.sets:
            self._start_r_net()
        return 0

    def _start_r_net(self):
        """Gives R-Net the weights to start from; or the position-map network, from a checkpoint of its own."""
        graph, session = self._graph, self._session
        if self._options.network == POSITION_MAP:
            if self._options.pretrain_weights:
                checkpoints.restore(session, self._options.pretrain_weights, graph.model_variables, frozen.PURPOSE)
            return
        trunk_checkpoint = assets.trunk_checkpoint(self._options.backbone, self._options.width)
        if self._options.pretrain_weights:
            self._restore_weights(self._options.pretrain_weights)
        elif os.path.exists(trunk_checkpoint) or os.path.exists(trunk_checkpoint + '.index'):
            trunk = [v for v in graph.model_variables if not r_net.is_head(v.op.name)]
            checkpoints.restore(session, trunk_checkpoint, trunk, self._options.backbone)
        else:
            sys.stderr.write('warning: %s is not there: the network starts from random numbers (He et al. 2015), '
                             'which takes longer to train\n' % trunk_checkpoint)
            for gamma in resnet_v1.residual_gammas(graph.model_variables):
                gamma.load(np.full(gamma.shape.as_list(), self._options.residual_gamma, np.float32), session)
            graph.measure_statistics(session)

    def _restore_weights(self, path):
        """Fills R-Net from a checkpoint; one for another face model gives what does not depend on that."""
        variables, known = self._graph.model_variables, notes.of_values(checkpoints.Checkpoint(path))
        if known.face_model not in (None, self._graph.notes.face_model):
            sys.stderr.write('%s: its identity, expression and texture are those of %s: these three heads start from '
                             'zero\n' % (path, known.face_model))
            variables = [v for v in variables if not r_net.depends_on_face_model(v.op.name)]
        checkpoints.restore(self._session, path, variables, 'R_Net')

    @contextlib.contextmanager
    def _opened(self):
        """Opens what the loop writes to and the generation; in the end saves and closes."""
        graph, session, text = self._graph, self._session, training_options.to_json(self._options)
        self._folder.write_options(text)
        images = batch_images(self._options)[0] * graph.batches_per_step
        with SummaryWriter(os.path.join(self._folder.path, SUMMARY)) as self._writer, \
                Progress(self._options.steps, self._step, images) as self._progress:
            self._writer.text('options', text)
            self._generation = graph.generation.open(session)
            try:
                graph.seek(session, self._step)
                with contextlib.suppress(InterruptedWaitError):
                    yield
                self._save()
            except (UserError, OSError) as error:
                raise TrainingError(message_of(error))
            finally:
                finished = self._step >= self._options.steps or len(self._bad) >= MAX_BAD_STEPS
                with contextlib.suppress(*LOST):  # a server that is gone need not be told
                    graph.generation.write(session, exchange.FINISHED if finished else exchange.CLOSED)

    def _contributions(self):
        """The sums of one step over all workers are complete: its StepResult."""
        own = self._graph.contribute(self._session, self._step % self._options.summary_every == 0)
        shares = [(own.finite, own.losses, own.names)]
        shares += self._graph.exchange.collect(self._session, self._generation, self._step, self._stopping,
                                               _Notice(self._progress).waiting)
        return StepResult(mean_losses([losses for _, losses, _ in shares]), all(bool(s[0]) for s in shares),
                          [name.decode('utf-8', 'replace') for _, _, names in shares for name in names], own.summary)

    def _learning_rate(self):
        return optimizer.learning_rate(self._options, self._step)

    def _count_bad(self, result):
        """Counts the steps in a row that are not finite; too many end the run."""
        if result.finite:
            self._bad = []
            return
        self._bad.append(result.names)
        self._progress.line('step %d: loss or gradient is not finite: skipped (%d in a row)'
                            % (self._step, len(self._bad)))
        if len(self._bad) >= MAX_BAD_STEPS:
            names = sorted({name for names in self._bad for name in names})
            raise TrainingError('%d steps in a row had a loss or gradient that is not finite; their images: %s'
                                % (len(self._bad), ' '.join(names)))

    def _summarise(self, result):
        values = scalars(result.losses)
        values['learning_rate'] = self._learning_rate()
        values['skipped_steps'] = float(self._session.run(self._graph.skipped))
        self._writer.numbers('train', values, self._step)
        self._writer.serialized('train', result.summary, self._step)

    def _save(self):
        """Saves this step's checkpoint unless it is there."""
        if self._saved != self._step:
            values = self._session.run({v.op.name: v for v in self._graph.variables})
            self._folder.save(self._step, dict(values, **notes.as_values(self._graph.notes)))
            self._saved = self._step

    def _validate(self):
        """Validates, reports, and saves and marks a new best."""
        result = self._graph.validate(self._session, self._stopping)
        if result is None:
            return
        losses = result.losses
        self._writer.numbers('val', scalars(losses), self._step)
        self._writer.serialized('val', result.summary, self._step)
        fault = fault_of(result)
        best = self._folder.best()
        better = self._step > 0 and not fault and (best is None or losses.total < best[1])
        self._progress.line('validation at step %d: total %.4g, photo %.4g, landmarks %.3g px, id %.4g%s' % (
            self._step, losses.total, losses.photo, losses.landmark_px, losses.perceptual,
            ' (best)' if better else ' (not a candidate for the best: %s)' % fault if fault else ''))
        if better:
            self._save()
            self._folder.note_best(self._step, float(losses.total))


def fault_of(validation):
    """Why the network that gave a graph.Validation cannot be the best, in words, or None.

    A mesh outside the photo leaves nothing to compare, so that its photometric loss counts 0 in the total.
    """
    if not np.isfinite(validation.losses.total):
        return 'the total is not finite'
    if validation.uncovered:
        return 'the mesh covers nothing of %d of %d photos' % (validation.uncovered, validation.images)
    if np.isnan(validation.losses.photo):
        return 'nothing is compared: the skin attention of the photos is zero where the mesh is'
    return None


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
