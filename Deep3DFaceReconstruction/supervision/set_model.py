"""The graph of C-Net's training on known people: the identity of a set against that of its person."""
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES, MM_PER_DM
from Deep3DFaceReconstruction.reconstruction_model import decay_loss
from Deep3DFaceReconstruction.supervision.model import losses_without_images
from Deep3DFaceReconstruction.tf1 import tf

_ID = COEFF_SLICES['id']


class SupervisedSetModel:
    """C-Net behind R-Net, with a loss on the true identity; called as a SetReconstructionModel is.

    Training renders nothing: R-Net's features of the images are all that it needs.

    Args:
      weak: the SetReconstructionModel of the same face model.
      face_model: face_model.FaceModel.
      weight_decay: of the convolution weights.
    """

    def __init__(self, weak, face_model, weight_decay=0.0):
        self._weak, self._weight_decay = weak, weight_decay
        self._metric = surface_metric(face_model)

    def __call__(self, batch, is_training):
        """Adds the graph for a batch; training and validation share variables.

        Args:
          batch: data_loader.Batch of sets, with coefficients; see SetReconstructionModel.
          is_training: of the weight decay. Validation reports the weak losses beside the total.
        Returns:
          reconstruction_model.Outputs; its total is the mean square distance, in mm^2, of the vertices of the neutral
          face from those of the true one.
        """
        outputs = self._weak.of_features(self._weak.features(batch.images), batch, is_training)
        difference = outputs.coeff[:, _ID] - batch.coeff[:, _ID]
        loss = tf.reduce_mean(tf.reduce_sum(tf.matmul(difference, tf.constant(self._metric)) * difference, 1))
        total, reported = loss, outputs.losses
        if is_training:
            total += decay_loss(self._weight_decay)
            reported = losses_without_images(batch, outputs.reconstruction.landmark_p)
        return outputs._replace(losses=reported._replace(total=total, supervised=loss))


def surface_metric(model):
    """[80,80] float32 M, mm^2: a . M . a is the mean square distance by which identity coefficients a move vertices."""
    base = MM_PER_DM * model.id_base.astype(np.float64)
    return (base.T.dot(base) / len(model.meanshape)).astype(np.float32)
