"""Attributes of people, such as age and weight, as directions of the open model's coefficients.

BFM/open_attributes.npz, which tools/open_model/attributes.py computes:
  names [A]                      of the attributes
  id [A,80], tex [A,80]          float32, change of the coefficients for one standard deviation of an attribute among
                                 the people whom the model is made from
  id_length, tex_length [80]     float32, lengths of the model's components, which tell the model that it is of
"""
from typing import NamedTuple, Tuple

import numpy as np

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.npz_file import NpzKind, read_npz

_KEYS = ('names', 'id', 'tex', 'id_length', 'tex_length')
_KIND = NpzKind('the attributes of the open face model', 'python -m tools.open_model.attributes', FaceModelError)


class Attributes(NamedTuple):
    """A attributes.

    Attributes:
      names: tuple of A texts.
      id, tex: [A,80] float32, identity and texture coefficients per standard deviation of the attribute.
    """

    names: Tuple[str, ...]
    id: np.ndarray
    tex: np.ndarray


def load_attributes(model, path=assets.OPEN_ATTRIBUTES):
    """The Attributes of a face model.

    Args:
      model: face_model.FaceModel, the open one.
      path: the file.
    Raises:
      FaceModelError: another model than the open one; the file is missing, broken, or of another build of the model.
    """
    if model.name != open_model.NAME:
        raise FaceModelError('%s: expected the open face model, which alone has attributes, got %s' % (
            model.path, model.name))
    data = read(path)
    for key, base in (('id_length', model.id_base), ('tex_length', model.tex_base)):
        if not np.allclose(data[key], np.linalg.norm(base, axis=0), rtol=1e-3):
            raise FaceModelError('%s: expected the attributes of %s, got those of another build of it; '
                                 'type: python -m tools.open_model.attributes' % (path, model.path))
    return Attributes(tuple(str(name) for name in data['names']), data['id'], data['tex'])


def read(path=assets.OPEN_ATTRIBUTES):
    """The arrays of the file as a dict.

    Raises:
      FaceModelError: the file is missing, unreadable or incomplete.
    """
    return read_npz(path, _KIND, _KEYS)
