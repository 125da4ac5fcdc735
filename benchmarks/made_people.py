"""Made people for the benchmarks of image sets: kinds of scenes, and the sets themselves."""
import sys

from Deep3DFaceReconstruction.dataset.random_faces import DEFAULT_OPTIONS, PLAIN_OPTIONS
from Deep3DFaceReconstruction.dataset.synthesis import Scenes, synthesize
from Deep3DFaceReconstruction.face_model import load_face_model

# easy: frontal, neutral faces in even light that differ much, whose identities a small network learns within minutes;
# plain: decoded faces in all near poses; whole: whole heads, from real camera distances, with all that spoils photos.
SCENES = {
    'easy': PLAIN_OPTIONS._replace(max_yaw=4.0, max_pitch=3.0, max_roll=2.0, id_sd=1.5, ex_sd=0.2, tex_sd=0.5,
                                   light=0.3, shift_px=1.0, scale=0.01),
    'plain': PLAIN_OPTIONS._replace(max_yaw=50.0, max_pitch=20.0, max_roll=10.0),
    'whole': DEFAULT_OPTIONS._replace(max_yaw=60.0, max_pitch=25.0, max_roll=20.0),
}


def make_people(folder, people, kind, seed, views=1):
    """Makes images of people of the default face model: a training set with one view each, else image sets."""
    print('%d images, %s, in %s' % (people * views, kind, folder), file=sys.stderr, flush=True)
    synthesize(folder, people * views, Scenes(load_face_model(), seed, SCENES[kind], views), jobs=2)
