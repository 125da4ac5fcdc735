"""What a training run shows: TensorBoard summaries and a progress bar."""
import os
import sys
import time

from tqdm import tqdm

from Deep3DFaceReconstruction.errors import TrainingError
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.run_folder import write_error

# The published names of the scalars, by the field of reconstruction_model.Losses.
_TAGS = {'total': 'train_error', 'photo': 'photo_error', 'landmark': 'lm_error', 'perceptual': 'id_sim_error',
         'reflectance': 'reflect_error', 'gamma': 'gamma_error', 'regulation': 'regulation_error',
         'landmark_px': 'landmark_px', 'supervised': 'supervised_error'}


def scalars(losses):
    """Losses of numbers -> {TensorBoard tag: number}; lm_error is the square root, as published."""
    values = {_TAGS[name]: float(value) for name, value in losses._asdict().items()}
    values['lm_error'] **= 0.5
    if not values['supervised_error']:  # training without known coefficients
        del values['supervised_error']
    return values


class SummaryWriter:
    """Writes TensorBoard events below a folder, in one sub-folder for each of 'train' and 'val'.

    Build and use it inside the training graph's context; close it, or use it in a `with` block.

    Raises:
      TrainingError: a folder cannot be made. What cannot be written later is left out by TensorFlow.
    """

    def __init__(self, folder):
        try:
            self._writers = {name: tf.summary.FileWriter(os.path.join(folder, name)) for name in ('train', 'val')}
        except (OSError, tf.errors.OpError) as error:
            raise TrainingError('%s: expected a folder that can be written, got: %s' % (folder, write_error(error)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def text(self, name, text):
        """Shows a text, such as the configuration, in the TEXT tab."""
        value = tf.Summary.Value(tag=name, tensor=tf.make_tensor_proto('    ' + text.replace('\n', '\n    ')))
        value.metadata.plugin_data.plugin_name = 'text'
        self._writers['train'].add_summary(tf.Summary(value=[value]), 0)

    def numbers(self, where, values, step):
        """Adds scalars {tag: number}."""
        self._writers[where].add_summary(
            tf.Summary(value=[tf.Summary.Value(tag=t, simple_value=v) for t, v in sorted(values.items())]), step)

    def serialized(self, where, summary, step):
        """Adds what a summary op returned."""
        self._writers[where].add_summary(summary, step)

    def close(self):
        """Flushes to the disk."""
        for writer in self._writers.values():
            writer.close()


class Progress:
    """The progress bar: step, ETA, images/s and the losses; and lines of text. Close it, or use a `with` block.

    Args:
      steps: in all.
      start: of them done.
      images_per_step: over all workers.
    """

    def __init__(self, steps, start, images_per_step):
        self._images = images_per_step
        self._seconds = None
        self._last = None
        # Without a terminal (a log file) the bar would be a line each time: one a minute is enough.
        interval = 0.5 if sys.stderr.isatty() else 60.0
        self._bar = tqdm(total=steps, initial=start, unit='step', mininterval=interval, maxinterval=2 * interval,
                         dynamic_ncols=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def advance(self, losses):
        """One step is done; losses is Losses of numbers."""
        now = time.time()
        if self._last is not None:
            # Over the last twenty steps or so.
            took = now - self._last
            self._seconds = took if self._seconds is None else 0.95 * self._seconds + 0.05 * took
        self._last = now
        self._bar.set_postfix_str(
            '%s img/s, total %.3g, photo %.3g, landmarks %.3g px, id %.3g'
            % ('%.3g' % (self._images / self._seconds) if self._seconds else '?', losses.total, losses.photo,
               losses.landmark_px, losses.perceptual), refresh=False)
        self._bar.update()

    def line(self, text):
        """Prints a line without tearing the bar."""
        self._bar.write(text, file=sys.stderr)

    def close(self):
        """Leaves the bar as it is."""
        self._bar.close()
