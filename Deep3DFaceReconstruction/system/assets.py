"""Where files live: counted from the repository's root, never from the working directory.

Installed with pip, the package brings the open face model; what else it can use (BFM_model_front.mat, networks,
weights) is looked for in $XDG_DATA_HOME/Deep3DFaceReconstruction, by default ~/.local/share/Deep3DFaceReconstruction.
"""
import importlib.util
import os

from Deep3DFaceReconstruction.conventions import BACKBONES
from Deep3DFaceReconstruction.errors import AssetError

# The folder that the packages lie in: the repository's root, or site-packages.
CODE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Only an installed package has them: setup.py puts BFM/open_model.npz and network/open_r_net.pb there.
_PACKAGED_BFM = os.path.join(CODE, 'Deep3DFaceReconstruction', 'BFM')
_PACKAGED_NETWORK = os.path.join(CODE, 'Deep3DFaceReconstruction', 'network')


def _user_folder(variable, *default):
    """The user's folder for this program: in that of an XDG variable, or below the home folder."""
    base = os.environ.get(variable, '')
    if not os.path.isabs(base):  # which the XDG specification says to ignore
        base = os.path.join(os.path.expanduser('~'), *default)
    return os.path.join(base, 'Deep3DFaceReconstruction')


ROOT = _user_folder('XDG_DATA_HOME', '.local', 'share') if os.path.isdir(_PACKAGED_BFM) else CODE
# For what would lie beside a file whose folder cannot be written.
CACHE_DIR = _user_folder('XDG_CACHE_HOME', '.cache')
BFM_DIR = os.path.join(ROOT, 'BFM')
BFM_MODEL = os.path.join(BFM_DIR, 'BFM_model_front.mat')
OPEN_MODEL = os.path.join(_PACKAGED_BFM if os.path.isdir(_PACKAGED_BFM) else BFM_DIR, 'open_model.npz')
OPEN_HEAD = os.path.join(os.path.dirname(OPEN_MODEL), 'open_head.npz')
OPEN_ATTRIBUTES = os.path.join(os.path.dirname(OPEN_MODEL), 'open_attributes.npz')
OPEN_MODEL_FRONT = os.path.join(BFM_DIR, 'open_model_front.mat')
ICT_MODEL_FRONT = os.path.join(BFM_DIR, 'ict_model_front.mat')
GNM_MODEL_FRONT = os.path.join(BFM_DIR, 'gnm_model_front.mat')
NETWORK_DIR = os.path.join(ROOT, 'network')
FACE_RECON_PB = os.path.join(NETWORK_DIR, 'FaceReconModel.pb')
C_NET_PB = os.path.join(NETWORK_DIR, 'CNetModel.pb')
POSITION_MAP_PB = os.path.join(NETWORK_DIR, 'position_map.pb')
LANDMARK68_PB = os.path.join(NETWORK_DIR, 'landmark68_detector.pb')
RESNET_CKPT = os.path.join(ROOT, 'weights', 'resnet', 'resnet_v1_50.ckpt')
MOBILENET_DIR = os.path.join(ROOT, 'weights', 'mobilenet')
OPEN_R_NET_PB = os.path.join(_PACKAGED_NETWORK if os.path.isdir(_PACKAGED_NETWORK) else NETWORK_DIR, 'open_r_net.pb')
ID_NET_DIR = os.path.join(ROOT, 'weights', 'id_net')
INPUT_DIR = os.path.join(ROOT, 'input')
OUTPUT_DIR = os.path.join(ROOT, 'output')


def trunk_checkpoint(backbone, width):
    """Where the public ImageNet weights of a trunk (one of conventions.BACKBONES) would be."""
    return RESNET_CKPT if backbone == BACKBONES[0] else os.path.join(MOBILENET_DIR, 'mobilenet_v1_%g_224.ckpt' % width)


def dlib_model(name):
    """Path of a model file inside the installed `face_recognition_models` package.

    The package is found without importing it: its own import needs pkg_resources, which new Pythons lack.

    Args:
      name: file name, such as 'shape_predictor_68_face_landmarks.dat'.
    Raises:
      AssetError: the package or the file is not there.
    """
    spec = importlib.util.find_spec('face_recognition_models')
    if spec is None or not spec.submodule_search_locations:
        raise AssetError("the Python package 'face_recognition_models' is not installed; "
                         "type: pip install -r requirements.txt")
    path = os.path.join(spec.submodule_search_locations[0], 'models', name)
    if not os.path.isfile(path):
        raise AssetError('%s: expected a model file of the package face_recognition_models, got nothing' % path)
    return path


def dlib_installed():
    """Whether dlib and the package with its model files are there."""
    return all(importlib.util.find_spec(name) is not None for name in ('dlib', 'face_recognition_models'))
