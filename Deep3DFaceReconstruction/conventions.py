"""Every number that more than one step shares, once.

World frame: decimetres, right-handed, x right, y up, the face looks along +z. The camera stands at
(0, 0, CAMERA_DISTANCE) and looks along -z. Images inside networks and losses are BGR, 0-255, row 0 at the
top. Angles are radians unless a name says degrees. Indices start from 0; files that start from 1 are
converted where they are read or written.
"""
import itertools
import math

# The crop and its pinhole camera (pixels).
IMAGE_SIZE = 224
FOCAL = 1015.0
CENTER = 112.0
CAMERA_DISTANCE = 10.0
NEAR_CLIP = 0.01
FAR_CLIP = 50.0
FOV_Y_DEGREES = math.degrees(2.0 * math.atan(CENTER / FOCAL))

# The five standard points span 102 px between eyes and mouth after alignment (the published rescale).
ALIGN_SCALE = 102.0

# World units are decimetres, figures are in millimetres.
MM_PER_DM = 100.0

# Layout of the coefficient vector: name -> slice of its last axis.
ID_DIM, EX_DIM, TEX_DIM = 80, 64, 80
ANGLE_DIM = TRANSLATION_DIM = 3
# Nine spherical-harmonics terms for each colour channel.
SH_TERMS, CHANNELS = 9, 3
GAMMA_DIM = CHANNELS * SH_TERMS


def _slices(**sizes):
    ends = list(itertools.accumulate(sizes.values()))
    return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends)}


COEFF_SLICES = _slices(id=ID_DIM, ex=EX_DIM, tex=TEX_DIM, angles=ANGLE_DIM, gamma=GAMMA_DIM,
                       translation=TRANSLATION_DIM)
COEFF_DIM = COEFF_SLICES['translation'].stop
# The paper's white-light variant: one set of nine lighting terms, shared by the three channels.
WHITE_LIGHT_COEFF_DIM = COEFF_DIM - (CHANNELS - 1) * SH_TERMS

# Added to the first lighting term of every channel: the ambient light that gamma is an offset from.
AMBIENT_OFFSET = 0.8

LANDMARK_COUNT = 68

# Shares of red, green and blue in the brightness of a colour (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)

# Weights of the expression and texture coefficients in the prior, relative to identity (eq. 6).
EX_PRIOR_WEIGHT = 0.8
TEX_PRIOR_WEIGHT = 1.7e-2

# The trunks of R-Net, the published one first, and the sizes to which they may scale a crop down.
BACKBONES = ('resnet_v1_50', 'mobilenet_v1')
INPUT_SIZES = (112, IMAGE_SIZE)

# The networks that the perceptual loss may compare people with; 'auto' is facenet where its weights are, else dlib.
ID_NETWORKS = ('auto', 'facenet', 'dlib', 'none')
