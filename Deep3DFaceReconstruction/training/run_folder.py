"""The folder of one training run: checkpoints, which to keep, and the configuration."""
import json
import os

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import checkpoints
from Deep3DFaceReconstruction.system.files import atomic_write

_BEST = 'best.json'
_OPTIONS = 'options.json'


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
            with open(os.path.join(self.path, _BEST)) as f:
                best = json.load(f)
            prefix = os.path.join(self.path, best['checkpoint'])
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

    def save(self, step, values):
        """Writes iter_STEP.ckpt and removes the checkpoints that are no longer kept.

        Returns:
          the prefix.
        """
        prefix = os.path.join(self.path, 'iter_%d.ckpt' % step)
        checkpoints.save_checkpoint(prefix, values)
        self._prune()
        return prefix

    def note_best(self, step, error):
        """Marks iter_STEP.ckpt as the best.

        Args:
          step: of a checkpoint that has been saved.
          error: its validation error.
        """
        with atomic_write(os.path.join(self.path, _BEST)) as temporary, open(temporary, 'w') as f:
            json.dump({'checkpoint': 'iter_%d.ckpt' % step, 'error': error}, f)
        self._prune()

    def write_options(self, text):
        """Writes options.json beside the checkpoints."""
        with atomic_write(os.path.join(self.path, _OPTIONS)) as temporary, open(temporary, 'w') as f:
            f.write(text)

    def sweep(self):
        """Removes what a killed run left unfinished."""
        checkpoints.remove_partial(self.path)

    def _prune(self):
        best = self.best()
        for _, prefix in checkpoints.list_checkpoints(self.path)[:-self._keep]:
            if not best or prefix != best[0]:
                checkpoints.remove_checkpoint(prefix)
