"""The whole way of other models, from their files to a fitted photo: a face as ICT-FaceKit has it, and as BFM09."""
import os

import numpy as np
import pytest
from skimage import data, io

from Deep3DFaceReconstruction import face_model, numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.face_model import load_face_model, open_model
from Deep3DFaceReconstruction.face_model.converters import ict_facekit
from Deep3DFaceReconstruction.face_model.open_model import EYE_PARTS
from Deep3DFaceReconstruction.fitting import dense_points
from Deep3DFaceReconstruction.fitting.fitter import Fitter
from Deep3DFaceReconstruction.photo.crops import crops_of_photo
from Deep3DFaceReconstruction.photo.landmarks import INNER
from tests.face_model.converters import shaped_faces
from tests.face_model.converters.real_face import real_face

STEPS = 10


@pytest.fixture(scope='module')
def portrait(tmp_path_factory):
    """The FaceCrop of a photo, with the points of the face mesh."""
    path = str(tmp_path_factory.mktemp('photo') / 'astronaut.png')
    io.imsave(path, data.astronaut())
    crop, = crops_of_photo(path, 'astronaut', FaceFinder(), landmarks=True)
    assert crop.mesh is not None and crop.detector == 'mediapipe'
    return crop


@pytest.fixture(scope='module')
def own(portrait):
    """(the open model, what it makes of the photo)."""
    model = load_face_model()
    return model, Fitter(model, STEPS).fit(portrait)


def _ict(folder, _):
    face = real_face(with_names=True)
    path = os.path.join(folder, 'ict.mat')
    ict_facekit.convert(shaped_faces.write_ict(face, folder), path, open_model.load_open_model(),
                        layout=shaped_faces.ict_layout(face))
    return load_face_model(path)


def _bfm09(_, reference_dir):
    return face_model.from_mat_dict(shaped_faces.bfm09_shaped(reference_dir), 'BFM09-shaped')


@pytest.mark.slow
@pytest.mark.parametrize('made', [_ict, _bfm09])
def test_another_topology_gets_dense_points_and_fits_a_photo(made, own, portrait, tmp_path, reference_dir):
    source, answer = own
    model = made(str(tmp_path), reference_dir)

    # Registration finds the points where the open model, whose face it is, has them.
    places = [np.einsum('kn,knc->kc', weights, each.meanshape[vertices])
              for each in (model, source) for vertices, weights in [dense_points.dense_places(each)]]
    away = np.linalg.norm(places[0] - places[1], axis=1)
    assert np.median(away) < 0.02 and np.quantile(away, 0.95) < 0.08

    # Points of lids lie on the lids, those of irises on the eyeballs where there are any.
    parts = model.part[dense_points.dense_places(model)[0]]
    assert not parts[:468].any() and set(parts[468:].ravel()) == (set(EYE_PARTS) if model.part.any() else {0})

    landmarks_alone, fitted = (Fitter(model, steps).fit(portrait) for steps in (0, STEPS))
    key = numpy_decoder.key_vertices(model)
    for result in (landmarks_alone, fitted):
        assert result.doubts == ()
        coeff = result.coeff
        assert (coeff[COEFF_SLICES['ex']] >= model.ex_lower).all()
        angles = coeff[COEFF_SLICES['angles']]
        # Pitch trades with the expression, of which a model with bounds can take less.
        assert (np.abs(angles - answer.coeff[COEFF_SLICES['angles']]) < [0.17, 0.1, 0.1]).all()
        moved = key.shape(coeff[:144]).dot(numpy_decoder.rotation_matrix(angles))
        points = numpy_decoder.project(moved + coeff[COEFF_SLICES['translation']])
        assert np.linalg.norm(points - portrait.lm_68p, axis=1)[INNER].mean() < 4.5
    assert fitted.errors[-1] < 1.4 * answer.errors[-1] and fitted.errors[-1] < 0.7 * fitted.errors[0]
