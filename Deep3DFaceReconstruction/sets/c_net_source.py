"""--merge cnet: the identity of a set from C-Net's confidences."""
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES, ID_DIM, TEX_DIM
from Deep3DFaceReconstruction.networks import c_net, notes
from Deep3DFaceReconstruction.sets.answer import SetAnswer


class CNetMerger:
    """Identity weighted by C-Net; the texture, of which C-Net says nothing, is the plain mean.

    Args:
      path: the .pb that train.py --sets exports, which holds R-Net too.
    Attributes:
      label: a word for summary.csv.  path: of its network.
    """

    label = 'cnet'

    def __init__(self, path):
        self.path = path
        self._network = None

    def load(self, model):
        """Loads the network.

        Raises:
          CheckpointError: missing, another graph, or trained for another face model.
        """
        self._network = c_net.SetNetwork(self.path)
        notes.check_face_model(self._network.notes, self.path, model)

    def __call__(self, crops, answers):
        """The SetAnswer of one person's crops; what is each photo's own stays R-Net's."""
        found = self._network(np.stack([crop.bgr for crop in crops]))
        coeff = answers.coeff.copy()
        coeff[:, COEFF_SLICES['id']] = found.identity
        coeff[:, COEFF_SLICES['tex']] = answers.coeff[:, COEFF_SLICES['tex']].mean(axis=0)
        certainty = np.concatenate([found.confidence, np.ones([len(crops), TEX_DIM], np.float32)], axis=1)
        return SetAnswer(coeff, certainty, np.full(ID_DIM + TEX_DIM, np.nan, np.float32))
