"""`index.html`: one page that shows a run, opens from disk and fetches nothing.

A gallery of all faces and failures, `summary.csv` as a table, and each mesh in 3D with sliders for its shapes. Meshes
lie in the page as compressed text and are unpacked when they are looked at. three.js comes out of the installed package
`trimesh`.
"""
import base64
import gzip
import importlib.util
import io
import json
import os
import shutil
import tempfile
import threading
import zipfile
from typing import NamedTuple, Optional, Tuple
from urllib.parse import quote

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.system.files import atomic_write

PAGE_NAME = 'index.html'
_FOLDER = os.path.dirname(os.path.abspath(__file__))
_STRIP_QUALITY, _TEXTURE_QUALITY = 82, 85
_MAX_TEXTURE = 1024
# More sliders help nobody; ARKit has 52 shapes.
MAX_SHAPES = 60
# In trimesh's page the library ends where its own program begins.
_LIBRARY_START, _LIBRARY_END = '<script>', 'var camera,controls,scene'


class ViewerModel(NamedTuple):
    """What all faces of a page share.

    Attributes:
      triangles: [F,3] int, indices into what is drawn.
      vertices: [M] int, the mesh vertex of each drawn vertex.
      uv: [M,2] float in 0-1, v up, or None where there is no texture.
      shape_names: of the sliders.
      shapes: [K,N,3] float, the offset of each shape at 1, decimetres.
      shapes_from: what the sliders start at, 0 (named shapes) or -1 (components of a basis).
    """

    triangles: np.ndarray
    vertices: np.ndarray
    uv: Optional[np.ndarray]
    shape_names: Tuple[str, ...]
    shapes: np.ndarray
    shapes_from: float


class ViewerFace(NamedTuple):
    """One face of the page.

    Attributes:
      name: as in summary.csv.
      neutral: [N,3] float, the shape without expression, decimetres.
      expression: [N,3] float, what this face's expression adds.
      colors: [N,3] float, RGB 0-255.
      strip: [224,W,3] uint8 RGB; its first 224 columns are the aligned photo.
      texture: PIL image in the atlas of ViewerModel.uv, or None.
    """

    name: str
    neutral: np.ndarray
    expression: np.ndarray
    colors: np.ndarray
    strip: np.ndarray
    texture: Optional[Image.Image] = None


class ViewerPage:
    """Collects faces, in a temporary file so that memory does not grow with them, and writes the page.

    Use it in a `with` block. Faces may be added by several threads.

    Args:
      model: ViewerModel.
    """

    def __init__(self, model):
        self._model = model
        self._faces = []
        self._lock = threading.Lock()
        self._blocks = tempfile.TemporaryFile(mode='w+', encoding='utf-8')

    @property
    def names(self):
        """Names of the faces that were added."""
        return {entry['name'] for entry in self._faces}

    def add(self, face):
        """Adds a ViewerFace."""
        entry = {'name': face.name, 'strip': _data_url(Image.fromarray(face.strip), _STRIP_QUALITY),
                 'crop': _data_url(Image.fromarray(face.strip[:, :IMAGE_SIZE]), _STRIP_QUALITY)}
        neutral, expression = _quantized(face.neutral), _quantized(face.expression)
        texture = face.texture
        if texture is not None:
            texture = texture.convert('RGB')
            texture.thumbnail((_MAX_TEXTURE, _MAX_TEXTURE))
        content = {
            'neutral': _packed(neutral[0]), 'neutral_scale': neutral[1],
            'expression': _packed(expression[0]), 'expression_scale': expression[1],
            'colors': _packed(np.uint8(np.clip(np.rint(face.colors), 0, 255))),
            'texture': texture and _data_url(texture, _TEXTURE_QUALITY)}
        with self._lock:
            self._blocks.write(_block('face-%d' % len(self._faces), content))
            self._faces.append(entry)

    def write(self, path, rows, links):
        """Writes the page.

        Args:
          path: of the page.
          rows: the lines of summary.csv as dicts; failures included.
          links: {name: [(text, file relative to the page), ...]}.
        Raises:
          OSError: the folder cannot be written. AssetError: three.js is not there.
        """
        library = three_js()
        run = {'faces': self._faces, 'rows': [{key: _text(value) for key, value in row.items()} for row in rows],
               'links': {name: [(text, quote(file)) for text, file in files] for name, files in links.items()},
               'shapes': list(self._model.shape_names), 'shapes_from': self._model.shapes_from}
        with atomic_write(path) as temporary, open(temporary, 'w', encoding='utf-8') as page:
            page.write(_source('viewer.html'))
            page.write(_block('run', run))
            page.write(_block('model', _model_block(self._model)))
            self._blocks.seek(0)
            shutil.copyfileobj(self._blocks, page)
            self._blocks.seek(0, os.SEEK_END)
            page.write('<script>%s</script>\n<script>%s</script>\n</body>\n</html>\n' % (
                library.replace('</script', '<\\/script'), _source('viewer.js')))

    def close(self):
        """Removes the temporary file."""
        self._blocks.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def three_js():
    """The source of three.js, out of the page template that the installed trimesh carries.

    Raises:
      AssetError: trimesh is not installed, or carries no such template.
    """
    spec = importlib.util.find_spec('trimesh')  # found, not imported: that takes a second
    try:
        templates = os.path.join(spec.submodule_search_locations[0], 'resources', 'templates')
        with zipfile.ZipFile(os.path.join(templates, 'viewer.zip')) as archive:
            page = archive.read('viewer.html.template').decode('utf-8')
        return page[page.index(_LIBRARY_START) + len(_LIBRARY_START):page.index(_LIBRARY_END)]
    except (AttributeError, OSError, KeyError, ValueError, zipfile.BadZipFile):
        raise AssetError("viewer: expected three.js in the Python package 'trimesh', got none; "
                         'type: pip install -r requirements.txt')


def _model_block(model):
    scales = np.abs(model.shapes).max(axis=(1, 2)) / 127 if len(model.shapes) else np.zeros(0)
    steps = np.rint(model.shapes / np.maximum(scales, 1e-12)[:, None, None])
    return {'triangles': _packed(np.asarray(model.triangles, np.uint32)),
            'vertices': _packed(np.asarray(model.vertices, np.uint32)),
            'uv': None if model.uv is None else _packed(np.uint16(np.rint(np.clip(model.uv, 0, 1) * 65535))),
            'shapes': _packed(steps.astype(np.int8)), 'shape_scales': scales.tolist()}


def _quantized(values):
    """(int16, scale): values are the product. A face of 2 dm is exact to 3 micrometres."""
    scale = max(float(np.abs(values).max()), 1e-12) / 32767
    return np.rint(np.asarray(values) / scale).astype(np.int16), scale


def _packed(array):
    data = gzip.compress(np.ascontiguousarray(array).tobytes(), 6)
    return {'type': array.dtype.name, 'data': base64.b64encode(data).decode('ascii')}


def _block(name, content):
    """Inert text of the page; `<` is written so that no content can end it."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False).replace('<', '\\u003c')
    return '<script type="application/json" id="%s">%s</script>\n' % (name, text)


def _data_url(image, quality):
    stream = io.BytesIO()
    image.save(stream, 'JPEG', quality=quality)
    return 'data:image/jpeg;base64,' + base64.b64encode(stream.getvalue()).decode('ascii')


def _text(value):
    return '' if value is None else str(value)


def _source(name):
    with open(os.path.join(_FOLDER, name), encoding='utf-8') as stream:
        return stream.read()
