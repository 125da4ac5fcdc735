"""Photos fitted together know the person better than the mean of their own fits: made faces with exact truth."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.dataset import random_faces, sample_files, synthesis
from Deep3DFaceReconstruction.demo.coefficient_sources import FittingSource
from Deep3DFaceReconstruction.evaluation.synthetic import identity_error
from Deep3DFaceReconstruction.photo.crops import FaceCrop
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, to_y_up
from Deep3DFaceReconstruction.sets import merging

PEOPLE, VIEWS = 2, 4
_ID = COEFF_SLICES['id']


def crop_of(sample):
    """The FaceCrop that detection would give if its landmarks were the true ones."""
    image, landmarks, attention = sample_files.read_sample(sample)
    landmarks = landmarks.astype(np.float64)
    return FaceCrop(sample.name, sample.image, (224, 224), None, image, attention[..., 0],
                    five_from_68(to_y_up(landmarks)), landmarks, np.ones(68, bool), np.array([224, 224, 1, 112, 112.0]))


@pytest.mark.slow
def test_the_joint_fit_is_nearer_to_the_truth_than_the_mean(open_model, tmp_path):
    options = random_faces.PLAIN_OPTIONS._replace(max_yaw=40, max_pitch=15, max_roll=5)
    names = synthesis.synthesize(str(tmp_path), PEOPLE * VIEWS, synthesis.Scenes(open_model, 11, options, VIEWS))
    samples = [sample_files.sample_named(str(tmp_path), name) for name in names]
    source = FittingSource(6)
    source.load(open_model)
    errors = []
    for start in range(0, len(samples), VIEWS):
        own = samples[start:start + VIEWS]
        truth = sample_files.read_coeff(own[0])[_ID]
        crops = [crop_of(sample) for sample in own]
        answers = source(crops)
        joint = merging.JointMerger(source)(crops, answers).coeff[0, _ID]
        mean = answers.coeff[:, _ID].mean(axis=0)
        errors.append([identity_error(open_model, identity, truth) for identity in (joint, mean, 0)])
    joint, mean, nothing = np.mean(errors, axis=0)
    assert joint < mean < nothing
