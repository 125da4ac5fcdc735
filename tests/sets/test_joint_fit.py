"""The joint fit of several photos: the optimum of the stacked problem, whatever the order."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, EX_DIM, ID_DIM
from Deep3DFaceReconstruction.fitting.landmark_fit import POSE_DIM, PRIOR_PRECISION, Posterior
from Deep3DFaceReconstruction.sets import joint_fit

SHAPE_DIM = POSE_DIM + ID_DIM + EX_DIM
IDENTITY = np.arange(POSE_DIM, POSE_DIM + ID_DIM)
OWN = np.setdiff1d(np.arange(SHAPE_DIM), IDENTITY)


def posteriors(count, seed=0):
    """Random normal distributions of pose and shape, as if of photos, the prior in them."""
    random = np.random.RandomState(seed)
    prior = np.diag(np.concatenate([np.zeros(POSE_DIM), PRIOR_PRECISION]))
    result = []
    for _ in range(count):
        slope = random.randn(200, SHAPE_DIM)
        result.append(Posterior(0.3 * random.randn(SHAPE_DIM), prior + slope.T.dot(slope), 1.0))
    return result


def fitted(photos, steps=25, **options):
    """The coefficients [B,257] of a joint fit of Posteriors."""
    faces = [joint_fit.LandmarkFace(photo, np.zeros(COEFF_DIM)) for photo in photos]
    joint_fit.fit_together(faces, joint_fit.standard_texture_prior, [0] * steps, **options)
    return np.stack([face.coefficients() for face in faces])


def stacked_optimum(photos):
    """(identity [80], own unknowns [B,70]) of all photos' normal equations as one system, the prior counted once."""
    size = ID_DIM + len(photos) * len(OWN)
    hessian, right = np.zeros([size, size]), np.zeros(size)
    shared = np.arange(ID_DIM)
    hessian[shared, shared] = PRIOR_PRECISION[:ID_DIM]
    for number, photo in enumerate(photos):
        own = ID_DIM + number * len(OWN) + np.arange(len(OWN))
        # What the photo says without the prior of the identity: precision and precision . mean.
        precision, pull = photo.precision.copy(), photo.precision.dot(photo.mean)
        precision[IDENTITY, IDENTITY] -= PRIOR_PRECISION[:ID_DIM]
        places = np.empty(SHAPE_DIM, int)
        places[IDENTITY], places[OWN] = shared, own
        hessian[np.ix_(places, places)] += precision
        right[places] += pull
    solved = np.linalg.solve(hessian, right)
    return solved[:ID_DIM], solved[ID_DIM:].reshape(len(photos), len(OWN))


def test_it_finds_the_optimum_of_all_photos_together():
    photos = posteriors(3)
    coeff = fitted(photos, correlation=0.0)
    identity, own = stacked_optimum(photos)
    np.testing.assert_allclose(coeff[:, COEFF_SLICES['id']], np.tile(identity, [3, 1]), atol=1e-4)
    np.testing.assert_allclose(coeff[:, COEFF_SLICES['angles']], own[:, :3], atol=1e-4)
    np.testing.assert_allclose(coeff[:, COEFF_SLICES['ex']], own[:, POSE_DIM:], atol=1e-4)
    np.testing.assert_array_equal(coeff[:, COEFF_SLICES['tex']], 0)


def test_one_photo_alone_stays_what_it_was():
    photo, = posteriors(1)
    np.testing.assert_allclose(fitted([photo])[0, COEFF_SLICES['id']], photo.mean[IDENTITY], atol=1e-4)


def test_the_order_of_the_photos_changes_nothing():
    photos = posteriors(4)
    np.testing.assert_allclose(fitted(photos[::-1]), fitted(photos)[::-1], atol=1e-5)


def test_correlated_photos_say_less():
    """n photos count as n / (1 + (n - 1) correlation), so with 1 a photo that is there twice counts once."""
    photo, = posteriors(1)
    faces = [[joint_fit.LandmarkFace(photo, np.zeros(COEFF_DIM)) for _ in range(count)] for count in (1, 2)]
    alone, twice = [joint_fit.fit_together(part, joint_fit.standard_texture_prior, [0] * 3, correlation=1.0)
                    for part in faces]
    np.testing.assert_allclose(twice, alone, rtol=1e-9)


def test_pose_and_expression_follow_a_given_identity():
    photo, = posteriors(1)
    start = np.zeros(COEFF_DIM)
    start[COEFF_SLICES['id']] = given = np.linspace(-1, 1, ID_DIM)
    face = joint_fit.LandmarkFace(photo, start)
    joint_fit.fit_own([face], [0] * 25)
    coeff = face.coefficients()
    np.testing.assert_array_equal(coeff[COEFF_SLICES['id']], given.astype(np.float32))
    across = photo.precision[np.ix_(OWN, IDENTITY)].dot(given - photo.mean[IDENTITY])
    expected = photo.mean[OWN] - np.linalg.solve(photo.precision[np.ix_(OWN, OWN)], across)
    np.testing.assert_allclose(coeff[COEFF_SLICES['ex']], expected[POSE_DIM:], atol=1e-3)
    assert coeff[COEFF_SLICES['angles']] == pytest.approx(expected[:3], abs=1e-3)
