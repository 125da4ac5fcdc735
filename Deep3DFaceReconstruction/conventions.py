"""Every number that more than one step shares, once.

World frame: decimetres, right-handed, x right, y up, the face looks along +z. The camera stands at
(0, 0, CAMERA_DISTANCE) and looks along -z. Images inside networks and losses are BGR, 0-255, row 0 at the
top. Angles are radians unless a name says degrees. Indices start from 0; files that start from 1 are
converted where they are read or written.
"""
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

# Layout of the coefficient vector: name -> slice of its last axis.
ID_DIM, EX_DIM, TEX_DIM = 80, 64, 80
SH_TERMS = 9
COEFF_SLICES = {
    'id': slice(0, 80),
    'ex': slice(80, 144),
    'tex': slice(144, 224),
    'angles': slice(224, 227),
    'gamma': slice(227, 254),
    'translation': slice(254, 257),
}
COEFF_DIM = 257
# The paper's white-light variant: one set of nine lighting terms, shared by the three channels.
WHITE_LIGHT_COEFF_DIM = COEFF_DIM - 2 * SH_TERMS

# Added to the first lighting term of every channel: the ambient light that gamma is an offset from.
AMBIENT_OFFSET = 0.8

LANDMARK_COUNT = 68
