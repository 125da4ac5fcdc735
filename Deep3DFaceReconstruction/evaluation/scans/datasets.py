"""Where the scans and photos of each dataset are, and how its meshes are read. docs/evaluation.md shows the layouts."""
import glob
import os
import re
from typing import Callable, NamedTuple, Optional

import numpy as np

from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import InputError, one_line
from Deep3DFaceReconstruction.evaluation.scans.alignment import Mesh
from Deep3DFaceReconstruction.photo.landmarks import five_from_68

MICC_SETTINGS = ('Indoor-Cooperative', 'PTZ-Indoor', 'PTZ-Outdoor')
_NUMBERS = re.compile(r'[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?')
VIDEO_ENDINGS = ('.mjpg', '.mjpeg', '.mpg', '.mpeg', '.avi', '.mp4', '.mov')
# Rows of BU-3DFE's 83 points: the eyes, and the mouth.
_BND_EYES, _BND_MOUTH, _BND_COUNT = (slice(0, 8), slice(8, 16)), slice(48, 68), 83


class Sample(NamedTuple):
    """One photo, or one video, and the scan of its person.

    Attributes:
      name: of its results, NAME.mat; of a video's frame with -0001, -0002, ... behind.
      photo: image or video file, or a folder of frames.
      scan: the mesh file.
      group: what means are made of, such as a setting or an expression.
    """
    name: str
    photo: str
    scan: str
    group: str


class Dataset(NamedTuple):
    """What is special about a dataset.

    Attributes:
      title: for people.
      samples: function of its folder -> [Sample].
      layout: one line for an error message.
      unit_mm: millimetres per unit of its meshes.
      radius: mm of the scan around the nose tip; None for all of it.
      neutral: whether the scan is of a neutral face, so that the reconstruction's expression is left out.
      main: the column of the table that the published figures are in.
    """
    title: str
    samples: Callable
    layout: str
    unit_mm: float
    radius: Optional[float]
    neutral: bool
    main: str


def micc_samples(folder):
    """subject_NN/Model/frontal1/obj/*.obj, subject_NN/Video/SETTING.* or a folder SETTING of its frames."""
    found = []
    for subject in sorted(glob.glob(os.path.join(folder, 'subject_*'))):
        scans = sorted(glob.glob(os.path.join(subject, 'Model', 'frontal1', '**', '*.obj'), recursive=True))
        for setting in MICC_SETTINGS:
            stem = os.path.join(subject, 'Video', setting)
            videos = [stem] if os.path.isdir(stem) else [stem + e for e in VIDEO_ENDINGS if os.path.exists(stem + e)]
            if scans and videos:
                found.append(Sample('%s-%s' % (os.path.basename(subject), setting), videos[0], scans[0], setting))
    return found


def facewarehouse_samples(folder):
    """Tester_N/TrainingPose/pose_K.png beside pose_K.obj."""
    return [Sample('%s-%s' % (_part(scan, -3), _stem(scan)), image, scan, _stem(scan))
            for scan in sorted(glob.glob(os.path.join(folder, 'Tester_*', 'TrainingPose', 'pose_*.obj')), key=_natural)
            for image in _images_of(scan[:-len('.obj')])[:1]]


def bu3dfe_samples(folder):
    """F0001/F0001_NE00WH_F3D.wrl beside F0001_NE00WH_F2D.bmp."""
    return [Sample(_stem(scan), image, scan, _stem(scan).split('_')[1][:2])
            for scan in sorted(glob.glob(os.path.join(folder, '[FM][0-9]*', '*_F3D.wrl')))
            for image in _images_of(scan[:-len('3D.wrl')] + '2D')[:1]]


DATASETS = {
    'micc': Dataset('MICC Florence', micc_samples,
                    'subject_NN/Model/frontal1/obj/*.obj and subject_NN/Video/SETTING.mjpg',
                    1.0, 95.0, True, 'plane_rmse_mm'),
    'facewarehouse': Dataset('FaceWarehouse', facewarehouse_samples, 'Tester_N/TrainingPose/pose_K.obj and pose_K.png',
                             100.0, 95.0, False, 'point_mean_mm'),
    'bu3dfe': Dataset('BU-3DFE', bu3dfe_samples, 'F0001/F0001_NE00WH_F3D.wrl and F0001_NE00WH_F2D.bmp',
                      1.0, None, False, 'plane_mean_mm'),
}


def read_scan(path, unit_mm):
    """The Mesh of an .obj, .ply, .off, .stl or VRML (.wrl) file.

    Args:
      path: the file.
      unit_mm: millimetres per unit of the file.
    Raises:
      InputError: missing, unreadable, without triangles, or not of a face's size.
    """
    try:
        vertices, triangles = _read_vrml(path) if path.endswith('.wrl') else _read_mesh(path)
    except Exception as error:  # trimesh raises whatever its parsers raise
        raise InputError('%s: expected a scan, got: %s' % (path, one_line(error)))
    if not len(triangles) or not np.isfinite(vertices).all() or triangles.max() >= len(vertices):
        raise InputError('%s: expected a scan with triangles and finite coordinates, got %d vertices and %d triangles'
                         % (path, len(vertices), len(triangles)))
    vertices = vertices * unit_mm
    extent = np.ptp(vertices, axis=0).max()
    if not 80 <= extent <= 2000:
        raise InputError('%s: expected a head of 80 to 2000 mm, got %.3g mm: give its unit with --unit_mm'
                         % (path, extent))
    return Mesh(vertices, triangles)


def read_landmarks(scan, unit_mm):
    """The points of a scan that its first alignment uses: (kind, points [P,3] mm), or ('none', None).

    SCAN.txt beside SCAN.obj holds `x y z` lines: 1 (the nose tip), 5 (eyes, nose tip, mouth corners; left first, as
    seen) or 68 (iBUG); BU-3DFE's SCAN.bnd its 83. Kinds: 'nose' [1,3], 'five' [5,3], 'eyes_mouth' [3,3].
    """
    stem = os.path.splitext(scan)[0]
    if os.path.exists(stem + '.txt'):
        points = _number_rows(stem + '.txt')[:, -3:] * unit_mm
        kinds = {1: ('nose', points), 5: ('five', points)}
        if len(points) == LANDMARK_COUNT:
            return 'five', five_from_68(points)
        if len(points) in kinds:
            return kinds[len(points)]
        raise InputError('%s.txt: expected 1, 5 or 68 lines x y z, got %d' % (stem, len(points)))
    if os.path.exists(stem + '.bnd'):
        points = _number_rows(stem + '.bnd')[:, -3:] * unit_mm
        if len(points) != _BND_COUNT:
            raise InputError('%s.bnd: expected 83 landmarks, got %d' % (stem, len(points)))
        eyes = sorted((points[rows].mean(axis=0) for rows in _BND_EYES), key=lambda eye: eye[0])
        return 'eyes_mouth', np.stack(eyes + [points[_BND_MOUTH].mean(axis=0)])
    return 'none', None


def _number_rows(path):
    try:
        return np.loadtxt(path, ndmin=2)
    except (OSError, ValueError) as error:
        raise InputError('%s: expected lines of numbers, got: %s' % (path, one_line(error)))


def _read_mesh(path):
    import trimesh

    mesh = trimesh.load(path, process=False, force='mesh')
    return np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)


def _read_vrml(path):
    """(vertices [N,3], triangles [F,3]) of the first point and coordIndex lists; polygons become fans."""
    with open(path, encoding='latin-1') as stream:
        text = stream.read()
    lists = [re.search(name + r'\s*\[(.*?)\]', text, re.DOTALL) for name in (r'\bpoint', r'\bcoordIndex')]
    if None in lists:
        raise ValueError('no point and coordIndex lists')
    vertices = np.array(_NUMBERS.findall(lists[0].group(1)), np.float64).reshape(-1, 3)
    corners = np.array(_NUMBERS.findall(lists[1].group(1)), np.float64).astype(np.int64)
    polygons = np.split(corners, np.flatnonzero(corners < 0) + 1)
    fans = [(p[0], p[k], p[k + 1]) for p in (q[q >= 0] for q in polygons) for k in range(1, len(p) - 1)]
    return vertices, np.array(fans, np.int64).reshape(-1, 3)


def _images_of(stem):
    return [stem + ending for ending in ('.png', '.jpg', '.jpeg', '.bmp') if os.path.exists(stem + ending)]


def _stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def _part(path, number):
    return os.path.normpath(path).split(os.sep)[number]


def _natural(path):
    return [int(word) if word.isdigit() else word for word in re.split(r'(\d+)', path)]
