"""TensorFlow checkpoints (.ckpt), both ways; frozen graphs (.pb) are in `frozen_graph.py`.

Everything goes through NumPy arrays by variable name, so that one path serves a session of its own, the
training session and a distributed one, whose variables live on other machines. Every file is written under a
temporary name and then renamed: what bears its final name is whole.
"""
import contextlib
import glob
import os
import re
import shutil
import tempfile

import numpy as np

from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.files import remove_unfinished
from Deep3DFaceReconstruction.tf1 import tf

_LISTED = 3
_PARTIAL = '.partial-'
# What TensorFlow's reader raises over a damaged file, a different one with each version and kind of damage.
_READ_ERRORS = (tf.errors.OpError, ValueError, RuntimeError, IndexError)


class CheckpointError(AssetError):
    """A checkpoint or a frozen graph is missing, damaged or of another network; the message is for the user."""


def _brief(items):
    """'a, b, c and 12 more'."""
    rest = len(items) - _LISTED
    return ', '.join(items[:_LISTED]) + (' and %d more' % rest if rest > 0 else '')


def _other_file(prefix):
    """'got ...' for the first of a checkpoint's files that is visibly something else, or None."""
    tables = [path for path in (prefix, prefix + '.index') if os.path.isfile(path)]
    for paths, kind in ((tables, file_kinds.CHECKPOINT), (sorted(glob.glob(glob.escape(prefix) + '.data-*')),
                                                         file_kinds.ZEROS)):
        for path in paths:
            got = file_kinds.what_is(path, wanted=kind)
            if got:
                return 'got %s%s' % (got, '' if path == prefix else ' as ' + os.path.basename(path))
    return None


def find_checkpoint(path):
    """The prefix that TensorFlow knows a checkpoint by.

    Args:
      path: the prefix (`x.ckpt`), one of its files (`x.ckpt.index`, `.meta`, `.data-00000-of-00001`) or a
        folder, of which the newest `iter_N.ckpt` is taken.
    Returns:
      the prefix; a single file `x.ckpt` of the old format counts too.
    Raises:
      CheckpointError: there is none.
    """
    if os.path.isdir(path):
        found = list_checkpoints(path)
        if not found:
            raise CheckpointError('%s: expected a folder with a checkpoint iter_N.ckpt, got none in it' % path)
        return found[-1][1]
    prefix = re.sub(r'\.(index|meta|data-\d{5}-of-\d{5})$', '', path)
    if os.path.isfile(prefix + '.index') or os.path.isfile(prefix):
        return prefix
    raise CheckpointError('%s: expected a TensorFlow checkpoint (%s.index and %s.data-*), got nothing'
                          % (path, prefix, prefix))


def list_checkpoints(folder):
    """The whole checkpoints `iter_N.ckpt` of a folder as [(N, prefix), ...], oldest first."""
    found = []
    for name in os.listdir(folder):
        match = re.match(r'(iter_(\d+)\.ckpt)\.index$', name)
        if match:
            found.append((int(match.group(2)), os.path.join(folder, match.group(1))))
    return sorted(found)


class Checkpoint:
    """An opened checkpoint: names and shapes at once, values on demand.

    Attributes:
      prefix: what TensorFlow calls it.
      shapes: {variable name: list of int}.
    """

    def __init__(self, path):
        """Opens.

        Args:
          path: see find_checkpoint.
        Raises:
          CheckpointError: missing, or not a checkpoint.
        """
        self.prefix = find_checkpoint(path)
        try:
            self._reader = tf.train.load_checkpoint(self.prefix)
            self.shapes = {n: list(s) for n, s in self._reader.get_variable_to_shape_map().items()}
        except _READ_ERRORS as error:
            raise CheckpointError('%s: expected a TensorFlow checkpoint, %s' % (
                self.prefix, _other_file(self.prefix) or 'got one that cannot be read (%s)' % one_line(error)))

    def __getitem__(self, name):
        """The value of one variable as an array.

        Raises:
          CheckpointError: the value cannot be read (a truncated data file).
        """
        try:
            return self._reader.get_tensor(name)
        except _READ_ERRORS as error:
            raise CheckpointError('%s: %s cannot be read (%s)' % (
                self.prefix, name, _other_file(self.prefix) or one_line(error)))


def check_shapes(source, shapes, wanted, purpose):
    """Checks that a set of variables holds those of a network.

    Args:
      source: the file, for the message.
      shapes: {variable name: list of int} that it holds; what is not wanted is ignored.
      wanted: {variable name: list of int} that the network has.
      purpose: name of the network, for the message.
    Raises:
      CheckpointError: some are missing or have another shape.
    """
    missing = sorted(n for n in wanted if n not in shapes)
    wrong = ['%s: expected %s, got %s' % (n, list(s), list(shapes[n])) for n, s in sorted(wanted.items())
             if n in shapes and list(shapes[n]) != list(s)]
    complaints = []
    if missing:
        complaints.append('%d of its %d variables are missing (%s)' % (len(missing), len(wanted), _brief(missing)))
    if wrong:
        complaints.append('%d have another shape (%s)' % (len(wrong), _brief(wrong)))
    if complaints:
        raise CheckpointError('%s: expected the weights of %s, but %s' % (source, purpose, '; '.join(complaints)))


def shapes_of(variables):
    """{name: shape as a list of int} of TensorFlow variables, as checkpoints name them."""
    return {v.op.name: v.shape.as_list() for v in variables}


def shapes_of_values(values):
    """{name: shape as a list of int} of a Checkpoint or of a dict {variable name: array}."""
    return values.shapes if isinstance(values, Checkpoint) else {n: list(v.shape) for n, v in values.items()}


def assign(session, variables, values):
    """Gives variables their values in one run, without adding to the graph.

    Args:
      session: the session whose graph they belong to.
      variables: TensorFlow variables.
      values: {variable name: array}.
    """
    if variables:
        session.run([v.initializer for v in variables],
                    {v.initializer.inputs[1]: values[v.op.name] for v in variables})


def restore(session, path, variables, purpose):
    """Fills variables by name from a checkpoint; what else it holds is ignored.

    Args:
      session: the session whose graph they belong to.
      path: see find_checkpoint.
      variables: TensorFlow variables.
      purpose: what they are for, for the message.
    Raises:
      CheckpointError: missing, damaged or not matching (names and shapes in the message).
    """
    checkpoint = Checkpoint(path)
    shapes = shapes_of(variables)
    check_shapes(checkpoint.prefix, checkpoint.shapes, shapes, purpose)
    assign(session, variables, {name: checkpoint[name] for name in shapes})


@contextlib.contextmanager
def _scratch_folder(folder):
    """A scratch folder inside `folder` (so that a rename is atomic), removed at the end."""
    os.makedirs(folder, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=_PARTIAL, dir=folder)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def remove_partial(folder):
    """Removes what killed runs left unfinished in a folder; only where no other run writes to it."""
    remove_unfinished(folder, older_than=0)
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(_PARTIAL):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def save_checkpoint(prefix, values):
    """Writes a checkpoint that `tf.train.Saver` and this module read.

    The index, without which TensorFlow sees no checkpoint, gets its final name last.

    Args:
      prefix: such as 'result/model/iter_1000.ckpt'.
      values: {variable name: array}.
    Raises:
      OSError: it cannot be written.
    """
    names = sorted(values)
    folder, base = os.path.split(os.path.abspath(prefix))
    with _scratch_folder(folder) as scratch, tf.Graph().as_default(), tf.device('/cpu:0'):
        inputs = [tf.placeholder(values[n].dtype, values[n].shape) for n in names]
        save = tf.raw_ops.SaveV2(prefix=os.path.join(scratch, base), tensor_names=names,
                                 shape_and_slices=[''] * len(names), tensors=inputs)
        with tf.Session(config=tf.ConfigProto(device_count={'GPU': 0})) as session:
            session.run(save, dict(zip(inputs, (values[n] for n in names))))
        for name in sorted(os.listdir(scratch), key=lambda name: name.endswith('.index')):
            _flush(os.path.join(scratch, name))
            os.replace(os.path.join(scratch, name), os.path.join(folder, name))


def remove_checkpoint(prefix):
    """Deletes a checkpoint's files, the index first, so that a half-deleted one is none."""
    folder, base = os.path.split(os.path.abspath(prefix))
    names = [n for n in os.listdir(folder) if n.startswith(base + '.')]
    for name in sorted(names, key=lambda n: not n.endswith('.index')):
        os.remove(os.path.join(folder, name))


def _flush(path):
    """Waits until a file's contents are on the disk, so that a rename cannot overtake them."""
    with open(path, 'rb') as f:
        os.fsync(f.fileno())


@contextlib.contextmanager
def frozen_variables(values, source, purpose):
    """Networks built inside get constants instead of variables.

    No session, no initialisation and no graph rewriting is needed to freeze a network, and batch norm folds
    into the weights in NumPy (see `layers.linear_norm`).

    Args:
      values: a Checkpoint or a dict {variable name: array}.
      source: file name, for the message.
      purpose: name of the network, for the message.
    Raises:
      CheckpointError: on leaving, if names or shapes did not match.
    """
    shapes = shapes_of_values(values)
    wanted = {}

    def constant(getter, name, shape=None, dtype=tf.float32, **options):
        del getter, options
        wanted[name] = [int(size) for size in shape]
        if shapes.get(name) == wanted[name]:
            return np.asarray(values[name])
        return np.zeros(wanted[name], tf.as_dtype(dtype).as_numpy_dtype)

    with tf.variable_scope(tf.get_variable_scope(), custom_getter=constant):
        yield
    check_shapes(source, shapes, wanted, purpose)
