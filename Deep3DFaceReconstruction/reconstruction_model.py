"""The training and the validation graph: images -> coefficients -> rendered face -> losses."""
from typing import Any, Dict, NamedTuple, Optional

from Deep3DFaceReconstruction import losses
from Deep3DFaceReconstruction.face_decoder import Face3D, Reconstruction
from Deep3DFaceReconstruction.networks import backbones, r_net
from Deep3DFaceReconstruction.networks.identity import perceptual_net
from Deep3DFaceReconstruction.networks.layers import MovingStatistics
from Deep3DFaceReconstruction.tf1 import tf


class LossWeights(NamedTuple):
    """What each loss counts in the total."""
    photo: float
    landmark: float
    perceptual: float
    regulation: float
    reflectance: float
    gamma: float
    ex_prior: float   # within the regulation loss
    tex_prior: float  # within the regulation loss


class ModelOptions(NamedTuple):
    """What of the network and of its losses is a matter of choice."""
    weights: LossWeights
    light_dim: int = r_net.FULL_GAMMA    # lighting coefficients: 27 or 9
    # Weight of tf.nn.l2_loss over R-Net's convolution weights. TF-Slim collects such a loss, but the published
    # training never adds it: 0.
    weight_decay: float = 0.0
    backbone: backbones.Backbone = backbones.DEFAULT
    freeze_bn: bool = False              # normalise by the moving statistics in training too
    follow_mean: bool = False            # follow the mean of the features in training: Outputs.feature_mean


class Losses(NamedTuple):
    """Scalars: the weighted sum, each loss without its weight, and the mean distance of the landmarks in pixels.

    `photo` is NaN where no pixel is compared: the published loss is 0 there, and counts 0 in the total.
    """
    total: Any
    photo: Any
    landmark: Any
    perceptual: Any
    regulation: Any
    reflectance: Any
    gamma: Any
    landmark_px: Any
    supervised: Any = 0.0  # where coefficients are known, see supervision


class NetworkOutputs(NamedTuple):
    """R-Net on one batch."""
    coeff: tf.Tensor                     # [B,257] (or [B,239]) float32
    pooled: tf.Tensor                    # [B,1,1,K] float32, the features that the heads read
    statistics: MovingStatistics         # what this batch adds to them
    feature_mean: Optional[tf.Variable]  # [K] float32, one of these statistics; see ModelOptions.follow_mean


class Outputs(NamedTuple):
    """The graph of one batch."""
    coeff: tf.Tensor                     # [B,257] (or [B,239]) float32
    reconstruction: Reconstruction       # with is_train
    losses: Losses
    statistics: MovingStatistics         # what this batch adds to them
    feature_mean: Optional[tf.Variable]  # as in NetworkOutputs
    details: Dict[str, tf.Tensor] = {}   # more scalars to show


def build_network(images, is_training, options):
    """R-Net on images [B,224,224,3], BGR, 0-255; all calls in one scope share their variables.

    Args:
      is_training: of batch norm.
      options: ModelOptions.
    Returns:
      NetworkOutputs.
    """
    statistics, feature_mean = MovingStatistics(), None
    uses_batch = is_training and not options.freeze_bn
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        pooled = backbones.features_of(images, options.backbone, statistics if uses_batch else None).pooled
        if is_training and options.follow_mean:
            feature_mean = r_net.new_feature_mean(options.backbone)
            statistics.follow(feature_mean, tf.reduce_mean(pooled[:, 0, 0], 0), options.backbone.bn_decay)
        coeff = r_net.regress(pooled, options.light_dim)
    return NetworkOutputs(coeff, pooled, statistics, feature_mean)


def measure_statistics(images, options):
    """An op that moves all moving statistics of R-Net towards those of images [B,224,224,3], even frozen ones."""
    network = build_network(images, True, options._replace(freeze_bn=False))
    return tf.group(*network.statistics.updates())


def decay_loss(weight):
    """`weight` times half the square of all convolution weights; plain 0 without a weight."""
    if not weight:
        return 0.0
    kernels = [v for v in tf.trainable_variables() if v.op.name.endswith('/weights')]
    return weight * tf.add_n([tf.nn.l2_loss(v) for v in kernels])


def mean_distance(points, labels):
    """The mean distance of points [B,K,2] from their labels."""
    return tf.reduce_mean(tf.norm(points - labels, axis=2))


class ReconstructionModel:
    """R-Net, the decoder and the losses, as graph operations.

    Args:
      face_model: face_model.FaceModel.
      options: ModelOptions.
      id_net: 'facenet', 'dlib' or 'none': what determines the scale of the perceptual loss.
      id_features: function of (images, landmarks) -> features (perceptual_net.load), or None.
    """

    def __init__(self, face_model, options, id_net='none', id_features=None):
        self._decoder = Face3D(face_model)
        self._skinmask = face_model.skinmask
        self._options = options
        self._id_scale = perceptual_net.LOSS_SCALE[id_net]
        self._id_features = id_features

    def __call__(self, batch, is_training):
        """Adds the graph for a batch; training and validation share variables.

        Args:
          batch: data_loader.Batch: images [B,224,224,3] BGR 0-255, landmarks [B,68,2] y-up pixels, attention
            [B,224,224,1] 0-1.
          is_training: of batch norm.
        Returns:
          Outputs.
        """
        network = build_network(batch.images, is_training, self._options)
        return self.of_coefficients(network.coeff, batch, is_training)._replace(
            statistics=network.statistics, feature_mean=network.feature_mean)

    def of_coefficients(self, coeff, batch, is_training):
        """The part behind R-Net, from coefficients [B,257] (or [B,239]): Outputs without statistics."""
        reconstruction = self._decoder.Reconstruction_Block(coeff, is_train=True)
        return Outputs(coeff, reconstruction, self.compute_losses(batch, reconstruction, is_training),
                       MovingStatistics(), None)

    def compute_losses(self, batch, reconstruction, is_training=False):
        """The losses of a decoded batch: Deng et al. 2019, equations 3 to 7, and the published gamma loss."""
        w, parts = self._options.weights, reconstruction.coefficients
        compared = reconstruction.img_mask_crop * batch.attention
        photo = losses.Photo_loss(batch.images, reconstruction.render_imgs, compared)
        landmark = losses.Landmark_loss(reconstruction.landmark_p, batch.landmarks)
        perceptual = self._perceptual_loss(batch, reconstruction)
        regulation = losses.Regulation_loss(parts.id_coeff, parts.ex_coeff, parts.tex_coeff, w.ex_prior, w.tex_prior)
        reflectance = losses.Reflectance_loss(reconstruction.face_texture, self._skinmask)
        gamma = losses.Gamma_loss(parts.gamma)
        total = (w.photo * photo + w.landmark * landmark + w.perceptual * self._id_scale * perceptual
                 + w.regulation * regulation + w.reflectance * reflectance + w.gamma * gamma)
        if is_training:
            total += decay_loss(self._options.weight_decay)
        reported_photo = tf.where_v2(tf.reduce_max(compared) > 0, photo, float('nan'))
        landmark_px = mean_distance(reconstruction.landmark_p, batch.landmarks)
        return Losses(total, reported_photo, landmark, perceptual, regulation, reflectance, gamma, landmark_px,
                      tf.constant(0.0))

    def _perceptual_loss(self, batch, reconstruction):
        if self._id_features is None or not self._options.weights.perceptual:
            return tf.constant(0.0)
        label = tf.stop_gradient(self._id_features(batch.images, batch.landmarks))
        features = self._id_features(reconstruction.render_imgs, batch.landmarks)
        return losses.Perceptual_loss(features, label)
