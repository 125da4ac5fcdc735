"""The training graph of C-Net: sets of images -> R-Net's coefficients with one identity a set -> losses.

Deng et al. 2019, section 4: R-Net is fixed, C-Net weighs its identities, and the losses are those of each image,
rendered with the identity of its set. So the images themselves teach which of them to trust; no shape is given.
"""
from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.networks import c_net
from Deep3DFaceReconstruction.tf1 import tf

# Which R-Net the confidences are about; a checkpoint carries it.
DIGEST = 'r_net_digest'
_ID = conventions.COEFF_SLICES['id']


class SetReconstructionModel:
    """R-Net, C-Net, the decoder and the losses, as graph operations.

    Args:
      single: reconstruction_model.ReconstructionModel, whose decoder and losses are used.
      network: c_net.FrozenRNet.
      set_size: images of a set.
    """

    def __init__(self, single, network, set_size):
        self._single = single
        self._network = network
        self._set_size = set_size

    def __call__(self, batch, is_training):
        """Adds the graph for a batch; training and validation share variables.

        Args:
          batch: data_loader.Batch of B sets of K images, the images of a set one after the other: images
            [B*K,224,224,3] and so on.
          is_training: of the weight decay; R-Net's batch norm stays as it is.
        Returns:
          reconstruction_model.Outputs of the B*K images.
        """
        return self.of_features(self.features(batch.images), batch, is_training)

    def features(self, images):
        """The c_net.Features of images [B*K,224,224,3]; whose R-Net they are of becomes part of checkpoints."""
        with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
            tf.get_variable(DIGEST, [], tf.int64, tf.constant_initializer(self._network.digest, tf.int64),
                            trainable=False)
        return self._network.features(images)

    def of_features(self, features, batch, is_training):
        """As a call, from c_net.Features of the images."""
        with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
            confidence = c_net.C_Net(features.maps, features.pooled)
        coeff = share_identity(features.coeff, confidence, self._set_size)
        return self._single.of_coefficients(coeff, batch, is_training)


def share_identity(coeff, confidence, set_size):
    """Gives the images of each set their common identity.

    Args:
      coeff: [B*K,257] of each image by itself.
      confidence: [B*K,80].
      set_size: K.
    Returns:
      [B*K,257].
    """
    def by_set(x):
        return tf.reshape(x, [-1, set_size, conventions.ID_DIM])

    identity = c_net.merge(by_set(confidence), by_set(coeff[:, _ID]))
    repeated = tf.reshape(tf.tile(identity[:, tf.newaxis], [1, set_size, 1]), [-1, conventions.ID_DIM])
    return tf.concat([coeff[:, :_ID.start], repeated, coeff[:, _ID.stop:]], 1)
