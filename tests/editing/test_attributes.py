"""Attributes are added to a face; the rest of it stays."""
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing.attributes import with_attributes
from Deep3DFaceReconstruction.editing.commands import COMMANDS
from Deep3DFaceReconstruction.editing.options import EditOptions
from Deep3DFaceReconstruction.face_model.attributes import load_attributes
from Deep3DFaceReconstruction.numpy_decoder import neutral_shape


def test_attributes_are_added_and_the_expression_stays(editor, subject):
    known = load_attributes(editor.model)
    coeff, shape, notes = with_attributes(subject, editor.model, {'age': 2.0, 'weight': -9.0})
    expected = subject.coeff.copy()
    for name, amount in (('age', 2), ('weight', -4)):
        expected[COEFF_SLICES['id']] += amount * known.id[known.names.index(name)]
        expected[COEFF_SLICES['tex']] += amount * known.tex[known.names.index(name)]
    np.testing.assert_allclose(coeff, expected, atol=1e-12)
    np.testing.assert_allclose(shape - neutral_shape(editor.model, coeff),
                               subject.shape - neutral_shape(editor.model, subject.coeff), atol=1e-9)
    assert notes == ('weight=-9 is clamped to -4',)


def test_age_brings_out_the_relief_of_the_skin_and_youth_evens_it(editor, subject):
    noisy = subject.photo.astype(int) + np.random.RandomState(3).randint(-9, 10, subject.photo.shape[:2] + (1,))
    noisy = subject._replace(photo=np.uint8(np.clip(noisy, 0, 255)))

    def spread(amount):
        options = EditOptions('attributes', 'made.png', set={'age': amount})
        image = COMMANDS['attributes'](editor, noisy, options, None).image
        return image[255:275, 290:310].astype(float).std(axis=(0, 1)).mean(), image

    young, same, old = (spread(amount) for amount in (-2.0, 0.0, 2.0))
    assert young[0] < same[0] < old[0]
    np.testing.assert_array_equal(same[1], noisy.photo)
