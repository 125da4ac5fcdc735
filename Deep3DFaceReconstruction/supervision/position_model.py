"""The graph of training a position-map network on samples whose coefficients are known."""
import numpy as np

from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.losses import Landmark_loss
from Deep3DFaceReconstruction.networks.layers import MovingStatistics
from Deep3DFaceReconstruction.networks.position_maps import encoder_decoder
from Deep3DFaceReconstruction.reconstruction_model import Losses, Outputs, decay_loss, mean_distance
from Deep3DFaceReconstruction.supervision import losses, position_texels
from Deep3DFaceReconstruction.tf1 import tf


class PositionModel:
    """The network with PRNet's loss: square distances of texels, weighted by what they show (Feng et al. 2018, eq. 2).

    Called as a ReconstructionModel is; its Outputs have no reconstruction.

    Args:
      face_model: face_model.FaceModel.
      width: factor of the network's numbers of channels.
      options: reconstruction_model.ModelOptions.
    """

    def __init__(self, face_model, width, options):
        self._options = options
        self._base = encoder_decoder.base_channels(width)
        self._decoder = Face3D(face_model)
        self._texels = position_texels.texels_of(face_model, encoder_decoder.SIZE)
        self._mean = position_texels.mean_map(face_model, self._texels, encoder_decoder.SIZE)
        self._landmarks = self._texels.of_vertex[face_model.keypoints]

    def __call__(self, batch, is_training):
        """Adds the graph for a batch; training and validation share variables.

        Args:
          batch: data_loader.Batch, all samples with coefficients.
          is_training: of batch norm.
        Returns:
          reconstruction_model.Outputs; of the losses, `supervised` is the weighted mean square distance in pixels.
        """
        statistics = MovingStatistics()
        with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
            found = encoder_decoder.position_net(batch.images, self._base, self._mean,
                                                 statistics if is_training else None, self._options.backbone.bn_decay)
        points = tf.gather(tf.reshape(found, [-1, encoder_decoder.SIZE ** 2, 3]), self._texels.places, axis=1)
        squared = tf.reduce_sum(tf.square(points - self.labels(batch.coeff)), 2)
        importance = self._texels.importance / self._texels.importance.sum()
        loss = tf.reduce_mean(tf.reduce_sum(squared * importance, 1))
        landmarks = tf.gather(points, self._landmarks, axis=1)[:, :, :2]
        zero = tf.constant(0.0)
        total = loss + decay_loss(self._options.weight_decay) if is_training else loss
        result = Losses(total, zero, Landmark_loss(landmarks, batch.landmarks), zero, zero, zero, zero,
                        mean_distance(landmarks, batch.landmarks), loss)
        return Outputs(batch.coeff, None, result, statistics, None, {'position_px': tf.sqrt(loss)})

    def labels(self, coeff):
        """[B,n,3]: where coefficients [B,257] put the points of the texels; see losses.image_points."""
        face3d, texels = self._decoder, self._texels
        parts = face3d.Split_coeff(coeff)
        shape = face3d.Shape_formation_block(parts.id_coeff, parts.ex_coeff)
        moved = face3d.Rigid_transform_block(shape, face3d.Compute_rotation_matrix(parts.angles), parts.translation)
        corners = tf.gather(moved, texels.corners, axis=1)
        points = tf.reduce_sum(corners * texels.weights[:, :, np.newaxis], 2)
        return losses.image_points(face3d.Projection_block(points), points, parts.translation)
