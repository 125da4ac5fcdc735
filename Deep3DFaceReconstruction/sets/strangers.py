"""Whose photo is not the person's: faces grouped by dlib's descriptor, the largest group being the person."""
import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from Deep3DFaceReconstruction.motion.describers import DlibDescriber
from Deep3DFaceReconstruction.system.assets import dlib_installed


class StrangerFinder:
    """Compares the faces of a set; without dlib's descriptor nobody is a stranger.

    Args:
      detector: of --detector; 'mediapipe' does without dlib's files.
    Attributes:
      is_able: whether the descriptor can be used.
    """

    def __init__(self, detector='auto'):
        self.is_able = detector != 'mediapipe' and dlib_installed()
        self._describe = DlibDescriber() if self.is_able else None

    def __call__(self, crops):
        """Why each crop is left out, '' for the person's.

        Args:
          crops: list of photo.crops.FaceCrop.
        """
        if not self.is_able or len(crops) < 2:
            return [''] * len(crops)
        descriptors = np.stack([self._describe(np.ascontiguousarray(crop.bgr[:, :, ::-1]), None, crop.lm_5p)
                                for crop in crops])
        return reasons_of(descriptors)


def reasons_of(descriptors):
    """Why each face [B,128] is left out, '' for the person's.

    Average linkage: a face belongs to a group if it is like the group's on average, so neither one odd photo of the
    person nor a chain of look-alikes decides. Of groups of one size the first photo's wins.
    """
    distances = pdist(descriptors)
    groups = hierarchy.fcluster(hierarchy.linkage(distances, 'average'), DlibDescriber.same, 'distance')
    names, first, counts = np.unique(groups, return_index=True, return_counts=True)
    person = groups == names[np.lexsort((first, -counts))[0]]
    apart = squareform(distances)[:, person].mean(axis=1)
    reason = 'looks like another person: distance %.2f from the others, at most %.2f expected'
    return ['' if own else reason % (distance, DlibDescriber.same) for own, distance in zip(person, apart)]
