"""Which network may be the best; tests/training/test_run.py trains."""
import pytest

from Deep3DFaceReconstruction.reconstruction_model import Losses
from Deep3DFaceReconstruction.training import chief
from Deep3DFaceReconstruction.training.graph import Validation

SOUND = Losses(2.0, 0.1, 3.0, 0.1, 1.0, 0.1, 0.1, 3.0)


@pytest.mark.parametrize('losses,uncovered,fault', [
    (SOUND, 0, None),
    (SOUND, 1, 'the mesh covers nothing of 1 of 4 photos'),
    (SOUND._replace(photo=float('nan')), 4, 'the mesh covers nothing of 4 of 4 photos'),
    (SOUND._replace(photo=float('nan')), 0,
     'nothing is compared: the skin attention of the photos is zero where the mesh is'),
    (SOUND._replace(total=float('inf')), 0, 'the total is not finite'),
    (SOUND._replace(total=float('nan')), 4, 'the total is not finite'),
])
def test_what_cannot_be_the_best_and_why(losses, uncovered, fault):
    assert chief.fault_of(Validation(losses, uncovered, 4, None)) == fault
