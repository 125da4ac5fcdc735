"""Finds how far dlib's inner 51 landmarks lie from the open model's points of the same names, on synthetic heads.

    python -m tools.open_model.dlib_bias [--photos 130]

Makes heads whose landmarks are known, looks at them with dlib, and writes the median difference of each point, alike
on both sides of the face, to fitting/dlib_bias.npz. Takes about five minutes. The brows' is left at zero: they are
hair, and where a synthetic head has them painted says nothing of a person's.
"""
import argparse
import tempfile

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES, IMAGE_SIZE
from Deep3DFaceReconstruction.dataset.random_faces import DEFAULT_OPTIONS
from Deep3DFaceReconstruction.dataset.sample_files import sample_named
from Deep3DFaceReconstruction.dataset.synthesis import Scenes, sample_names, synthesize
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.fitting.fitter import DISAGREEMENT
from Deep3DFaceReconstruction.fitting.inner_landmarks import BIAS_FILE, MOST_TURN
from Deep3DFaceReconstruction.photo.alignment import crop_to_photo
from Deep3DFaceReconstruction.photo.crops import crops_of_photo, landmarks_apart
from Deep3DFaceReconstruction.photo.landmarks import INNER, flip_permutation
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.files import atomic_write

SEED = 78
OPTIONS = DEFAULT_OPTIONS._replace(max_yaw=MOST_TURN, max_pitch=22.0, max_roll=15.0)
_BROWS = slice(17, 27)


def true_landmarks(model, coeff, trans_params):
    """[68,2] where the landmarks of coefficients [257] are in a crop that was taken from their image, y-up.

    Args:
      trans_params: [5], from the image [224,224] to the crop, as of photo.crops.FaceCrop.
    """
    shape = numpy_decoder.key_vertices(model).shape(coeff[:COEFF_SLICES['ex'].stop].astype(np.float64))
    moved = shape.dot(numpy_decoder.rotation_matrix(coeff[COEFF_SLICES['angles']])) + coeff[COEFF_SLICES['translation']]
    pixels = numpy_decoder.project(moved)
    scale, offset = crop_to_photo(trans_params)
    # From the edge of the first pixel to its centre, and back.
    in_crop = (np.stack([pixels[:, 0] - 0.5, IMAGE_SIZE - 0.5 - pixels[:, 1]], axis=1) - offset) / scale
    return np.stack([in_crop[:, 0] + 0.5, IMAGE_SIZE - 0.5 - in_crop[:, 1]], axis=1)


def median_bias(differences):
    """[51,2] of differences [P,68,2] between dlib's landmarks and the true ones, mirror images counted; brows zero."""
    mirrored = differences[:, flip_permutation()] * [-1, 1]
    bias = np.median(np.concatenate([differences, mirrored]), axis=0)
    bias[_BROWS] = 0
    return bias[INNER]


def seen_differences(model, samples):
    """[P,68,2] of the sample_files.Sample in which a face is found and both networks agree where."""
    finder, found = FaceFinder('auto'), []
    for sample in samples:
        try:
            crop, = crops_of_photo(sample.image, sample.name, finder, landmarks=True)
        except InputError:  # no face
            continue
        apart = landmarks_apart(crop)
        if apart is not None and apart <= DISAGREEMENT:
            true = true_landmarks(model, np.load(sample.coeff).ravel(), crop.trans_params)
            found.append(crop.rival_landmarks - true)
    return np.array(found)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--photos', type=int, default=130, help='synthetic photos (default: %(default)s)')
    parser.add_argument('--output', default=BIAS_FILE, help='the file (default: fitting/dlib_bias.npz)')
    options = parser.parse_args(arguments)
    model = load_face_model(assets.OPEN_MODEL)
    with tempfile.TemporaryDirectory() as folder:
        synthesize(folder, options.photos, Scenes(model, SEED, OPTIONS))
        samples = [sample_named(folder, name) for name in sample_names(options.photos)]
        differences = seen_differences(model, samples)
    bias = median_bias(differences)
    with atomic_write(options.output) as temporary, open(temporary, 'wb') as file:
        np.savez_compressed(file, bias=bias.astype(np.float32))
    print('%d of %d photos; the bias is %.1f pixels (root mean square)' % (
        len(differences), options.photos, np.sqrt((bias ** 2).mean())))


if __name__ == '__main__':
    main()
