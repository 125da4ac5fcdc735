"""What a merger of sets.merging says of the photos of one person."""
from typing import NamedTuple

import numpy as np


class SetAnswer(NamedTuple):
    """What B photos of one person say together.

    Attributes:
      coeff: [B,257] float32; identity and texture are the same in each row, the rest is each photo's own.
      certainty: [B,160] float32, what each photo counted for in each coefficient of identity, then texture; relative to
        the other photos.
      deviation: [160] float32, standard deviations of the shared coefficients; NaN where they are not known.
    """

    coeff: np.ndarray
    certainty: np.ndarray
    deviation: np.ndarray
