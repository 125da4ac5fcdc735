"""The folder of one training run: checkpoints, which to keep, and the configuration."""
import contextlib
import json
import os
import re

from Deep3DFaceReconstruction.errors import AssetError, InputError, TrainingError, one_line
from Deep3DFaceReconstruction.networks import checkpoints
from Deep3DFaceReconstruction.system.files import atomic_write, check_writable
from Deep3DFaceReconstruction.tf1 import tf

_BEST, _BEST_KEYS = 'best.json', {'checkpoint', 'error'}
_OPTIONS, _OPTIONS_KEYS = 'options.json', {'model_name', 'steps'}
SUMMARY = 'summary'
# A variable that only a checkpoint of train.py has.
_OWN_VARIABLE = 'skipped_steps'


class RunFolder:
    """RESULT/MODEL: `iter_N.ckpt`, `best.json` (which checkpoint validated best), `options.json`, `summary/`.

    Args:
      path: the folder; made when first written to.
      keep: how many of the newest checkpoints to keep, beside the best.
    """

    def __init__(self, path, keep=5):
        self.path = path
        self._keep = keep

    def newest(self):
        """(step, prefix) of the newest checkpoint, or None."""
        found = checkpoints.list_checkpoints(self.path) if os.path.isdir(self.path) else []
        return found[-1] if found else None

    def best(self):
        """(prefix, validation error) of the best checkpoint that is there, or None."""
        try:
            best = _read_json(self._file(_BEST))
            prefix = self._file(best['checkpoint'])
            return (checkpoints.find_checkpoint(prefix), float(best['error']))
        except (OSError, ValueError, KeyError, TypeError, checkpoints.CheckpointError):
            return None

    def best_or_newest(self):
        """The prefix to use the run by.

        Raises:
          AssetError: the run has no checkpoint.
        """
        best, newest = self.best(), self.newest()
        if not best and not newest:
            raise AssetError('%s: expected a training run with checkpoints iter_N.ckpt, found none' % self.path)
        return best[0] if best else newest[1]

    def prepare(self):
        """Makes the folder, checks that a run may write to it, and removes what a killed run left unfinished.

        Raises:
          InputError: the folder cannot be written, or holds a file that a run would replace but has not written.
        """
        foreign = self._foreign_file()
        if foreign:
            raise InputError('%s: expected no file or one that train.py wrote, got another; it is left as it is: '
                             'choose another --model_name or --result' % foreign)
        check_writable(self.path)
        if os.listdir(self.path) and self._is_own():
            checkpoints.remove_partial(self.path)

    def save(self, step, values):
        """Writes iter_STEP.ckpt and removes the checkpoints that are no longer kept.

        Returns:
          the prefix.
        Raises:
          TrainingError: it cannot be written; earlier checkpoints are left as they are.
        """
        prefix = self._file('iter_%d.ckpt' % step)
        with self._writing(prefix):
            checkpoints.save_checkpoint(prefix, values)
            self._prune()
        return prefix

    def note_best(self, step, error):
        """Marks iter_STEP.ckpt as the best.

        Args:
          step: of a checkpoint that has been saved.
          error: its validation error.
        Raises:
          TrainingError: as in save.
        """
        path = self._file(_BEST)
        with self._writing(path):
            with atomic_write(path) as temporary, open(temporary, 'w') as f:
                json.dump({'checkpoint': 'iter_%d.ckpt' % step, 'error': error}, f)
            self._prune()

    def write_options(self, text):
        """Writes options.json beside the checkpoints.

        Raises:
          TrainingError: as in save.
        """
        path = self._file(_OPTIONS)
        with self._writing(path), atomic_write(path) as temporary, open(temporary, 'w') as f:
            f.write(text)

    def _file(self, name):
        return os.path.join(self.path, name)

    def _is_own(self):
        """Whether a run has written here."""
        newest = self.newest()
        return _has_keys(self._file(_OPTIONS), _OPTIONS_KEYS) or bool(newest) and _is_own_checkpoint(newest[1])

    def _foreign_file(self):
        """The first file that a run would replace or remove although no run has written it, or None."""
        if not os.path.isdir(self.path) or _has_keys(self._file(_OPTIONS), _OPTIONS_KEYS):
            return None
        for name in sorted(os.listdir(self.path)):
            path = self._file(name)
            checkpoint = re.match(r'iter_\d+\.ckpt', name)
            if name == _OPTIONS or (name == _BEST and not _has_keys(path, _BEST_KEYS)) or (
                    checkpoint and not _is_own_checkpoint(self._file(checkpoint.group()))):
                return path
        return None

    @contextlib.contextmanager
    def _writing(self, path):
        """Turns what TensorFlow and Python raise when a file cannot be written into one line."""
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            newest = self.newest()
            raise TrainingError('%s: cannot be written (%s); %s' % (
                path, write_error(error),
                'the newest whole checkpoint is %s' % newest[1] if newest else 'there is no checkpoint yet'))

    def _prune(self):
        best = self.best()
        for _, prefix in checkpoints.list_checkpoints(self.path)[:-self._keep]:
            if not best or prefix != best[0]:
                checkpoints.remove_checkpoint(prefix)


def write_error(error):
    """What the system says of a write that failed, such as 'No space left on device'.

    Args:
      error: an OSError, or a tf.errors.OpError, whose message reads 'FILE; REASON'.
    """
    return one_line(error).rpartition('; ')[2]


def _read_json(path):
    with open(path) as f:
        return json.load(f)


def _has_keys(path, keys):
    """Whether a file is a JSON object with these keys."""
    try:
        value = _read_json(path)
    except (OSError, ValueError):
        return False
    return isinstance(value, dict) and keys <= set(value)


def _is_own_checkpoint(prefix):
    """Whether train.py wrote a checkpoint."""
    try:
        return _OWN_VARIABLE in checkpoints.Checkpoint(prefix).shapes
    except checkpoints.CheckpointError:
        return False
