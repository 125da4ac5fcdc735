"""What a network's weights do not show: the face model that its coefficients are of, and the size of its input.

A checkpoint has the notes beside its variables, a frozen graph as attributes of its output node, whose names TensorFlow
ignores. Networks of other programs have none.
"""
from typing import NamedTuple, Optional

import numpy as np

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError, shapes_of_values

_PREFIX = 'notes/'
_FACE_MODEL, _INPUT_SIZE = 'face_model', 'input_size'


class Notes(NamedTuple):
    """The notes of a network."""
    face_model: Optional[str] = None             # its name; None where it is not known
    input_size: int = conventions.IMAGE_SIZE     # see backbones.Backbone


def as_values(notes):
    """{name: array} to save in a checkpoint beside the variables."""
    values = {_PREFIX + _INPUT_SIZE: np.int32(notes.input_size)}
    if notes.face_model is not None:
        # As bytes: TensorFlow's strings have no NumPy type of their own.
        values[_PREFIX + _FACE_MODEL] = np.frombuffer(notes.face_model.encode('utf-8'), np.uint8)
    return values


def of_values(values):
    """The Notes in a checkpoints.Checkpoint, or in a dict {name: array}."""
    known = shapes_of_values(values)
    notes = Notes()
    if _PREFIX + _INPUT_SIZE in known:
        notes = notes._replace(input_size=int(values[_PREFIX + _INPUT_SIZE]))
    if _PREFIX + _FACE_MODEL in known:
        notes = notes._replace(face_model=bytes(bytearray(values[_PREFIX + _FACE_MODEL])).decode('utf-8', 'replace'))
    return notes


def write(notes, node):
    """Puts notes into a node of a GraphDef."""
    node.attr['_' + _INPUT_SIZE].i = notes.input_size
    if notes.face_model is not None:
        node.attr['_' + _FACE_MODEL].s = notes.face_model.encode('utf-8')


def of_graph(graph_def):
    """The Notes in a frozen graph."""
    for node in graph_def.node:
        if '_' + _INPUT_SIZE in node.attr:
            name = node.attr['_' + _FACE_MODEL].s.decode('utf-8', 'replace') if '_' + _FACE_MODEL in node.attr else None
            return Notes(name, int(node.attr['_' + _INPUT_SIZE].i))
    return Notes()


def check_same(values, source, wanted):
    """Sees that a checkpoint is of the network that training goes on with.

    Raises:
      CheckpointError: it was trained for another face model or another input size; checkpoints without notes pass.
    """
    known = of_values(values)
    for name, got, expected in (('face model', known.face_model, wanted.face_model),
                                ('input size', known.input_size, wanted.input_size)):
        if known != Notes() and got != expected:
            raise CheckpointError('%s: expected a network for the %s %s, got one for %s'
                                  % (source, name, expected, got))


def check_face_model(notes, source, model):
    """Sees that coefficients of a network are those of a face model, as far as is known.

    Args:
      notes: Notes of the network.
      source: its file, for the message.
      model: a face_model.FaceModel.
    Raises:
      CheckpointError: it was trained for another face model; names both.
    """
    if notes.face_model not in (None, model.name):
        raise CheckpointError('%s: expected a network for the face model %s (%s), got one for %s'
                              % (source, model.name, model.path, notes.face_model))
