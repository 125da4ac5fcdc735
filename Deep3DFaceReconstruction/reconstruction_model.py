"""The training and the validation graph: images -> coefficients -> rendered face -> losses."""
from collections import namedtuple

from Deep3DFaceReconstruction import losses
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.networks import perceptual_net, r_net
from Deep3DFaceReconstruction.networks.layers import MovingStatistics
from Deep3DFaceReconstruction.tf1 import tf

LossWeights = namedtuple('LossWeights', [
    'photo', 'landmark', 'perceptual', 'regulation', 'reflectance', 'gamma',
    'ex_prior', 'tex_prior',  # within the regulation loss
])

# Scalars: the weighted sum, then each loss without its weight, then the mean distance of the landmarks in pixels.
Losses = namedtuple('Losses', [
    'total', 'photo', 'landmark', 'perceptual', 'regulation', 'reflectance', 'gamma', 'landmark_px'])

Outputs = namedtuple('Outputs', [
    'coeff',           # [B,257] (or [B,239]) float32
    'reconstruction',  # face_decoder.Reconstruction, with is_train
    'losses',          # Losses
    'statistics',      # layers.MovingStatistics that the batch moves; empty unless in training
])


def weights_of(options):
    """LossWeights of training_options.TrainOptions."""
    return LossWeights(options.w_photo, options.w_landmark, options.w_id, options.w_reg, options.w_reflect,
                       options.w_gamma, options.w_ex, options.w_tex)


class ReconstructionModel:
    """R-Net, the decoder and the losses, as graph operations.

    Args:
      face_model: face_model.FaceModel.
      weights: LossWeights.
      id_net: 'facenet', 'dlib' or 'none': what settles the scale of the perceptual loss.
      id_features: function of (images, landmarks) -> features (identity.load), or None.
      gamma: 27 or 9 lighting coefficients.
      weight_decay: weight of tf.nn.l2_loss over R-Net's convolution weights. TF-Slim collects such a loss, but the
        published training never adds it: 0.
      bn_decay: of batch norm's moving statistics.
      freeze_bn: normalise by the moving statistics in training too.
      follow_mean: follow the mean feature in training.
    Attributes:
      feature_mean: the variable [2048] that follows it, once the graph is there; None without `follow_mean`.
    """

    def __init__(self, face_model, weights, id_net='none', id_features=None, gamma=r_net.FULL_GAMMA,
                 weight_decay=0.0, bn_decay=r_net.BN_DECAY, freeze_bn=False,
                 follow_mean=False):
        self._decoder = Face3D(face_model)
        self._skinmask = face_model.skinmask
        self._weights = weights
        self._id_scale = perceptual_net.LOSS_SCALE[id_net]
        self._id_features = id_features
        self._gamma = gamma
        self._weight_decay = weight_decay
        self._bn_decay = bn_decay
        self._freeze_bn = freeze_bn
        self._follow_mean = follow_mean
        self.feature_mean = None

    def __call__(self, batch, is_training):
        """Adds the graph for a batch; training and validation share variables.

        Args:
          batch: data_loader.Batch: images [B,224,224,3] BGR 0-255, landmarks [B,68,2] y-up pixels, attention
            [B,224,224,1] 0-1.
          is_training: of batch norm.
        Returns:
          Outputs.
        """
        statistics = MovingStatistics()
        coeff = self._network(batch.images, is_training and not self._freeze_bn, statistics, is_training)
        reconstruction = self._decoder.Reconstruction_Block(coeff, is_train=True)
        return Outputs(coeff, reconstruction, self.compute_losses(batch, reconstruction, is_training), statistics)

    def measure_statistics(self, images):
        """An op that moves batch norm's moving statistics towards those of images [B,224,224,3]."""
        statistics = MovingStatistics()
        self._network(images, True, statistics, True)
        return tf.group(*statistics.updates())

    def _network(self, images, batch_statistics, statistics, is_training):
        with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
            if self._follow_mean:
                self.feature_mean = r_net.new_feature_mean()
            return r_net.R_Net(images, batch_statistics, self._gamma, self._bn_decay, statistics,
                               self.feature_mean if is_training else None)

    def compute_losses(self, batch, reconstruction, is_training=False):
        """The losses of a decoded batch: Deng et al. 2019, equations 3 to 7, and the published gamma loss."""
        w, parts = self._weights, reconstruction.coefficients
        photo = losses.Photo_loss(batch.images, reconstruction.render_imgs,
                                  reconstruction.img_mask_crop * batch.attention)
        landmark = losses.Landmark_loss(reconstruction.landmark_p, batch.landmarks)
        perceptual = self._perceptual_loss(batch, reconstruction)
        regulation = losses.Regulation_loss(parts.id_coeff, parts.ex_coeff, parts.tex_coeff, w.ex_prior, w.tex_prior)
        reflectance = losses.Reflectance_loss(reconstruction.face_texture, self._skinmask)
        gamma = losses.Gamma_loss(parts.gamma)
        total = (w.photo * photo + w.landmark * landmark + w.perceptual * self._id_scale * perceptual
                 + w.regulation * regulation + w.reflectance * reflectance + w.gamma * gamma)
        if self._weight_decay and is_training:
            kernels = [v for v in tf.trainable_variables() if v.op.name.endswith('/weights')]
            total += self._weight_decay * tf.add_n([tf.nn.l2_loss(v) for v in kernels])
        landmark_px = tf.reduce_mean(tf.norm(reconstruction.landmark_p - batch.landmarks, axis=2))
        return Losses(total, photo, landmark, perceptual, regulation, reflectance, gamma, landmark_px)

    def _perceptual_loss(self, batch, reconstruction):
        if self._id_features is None or not self._weights.perceptual:
            return tf.constant(0.0)
        label = tf.stop_gradient(self._id_features(batch.images, batch.landmarks))
        features = self._id_features(reconstruction.render_imgs, batch.landmarks)
        return losses.Perceptual_loss(features, label)
