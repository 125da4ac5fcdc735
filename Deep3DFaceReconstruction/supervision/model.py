"""The graph of supervised training: R-Net, a sampled face, the supervised losses; the weak ones on photos."""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.dataset.data_loader import Batch
from Deep3DFaceReconstruction.face_decoder import Face3D, Geometry
from Deep3DFaceReconstruction.losses import Landmark_loss
from Deep3DFaceReconstruction.networks.layers import Style, Window, conv2d
from Deep3DFaceReconstruction.reconstruction_model import Losses, Outputs, build_network, decay_loss, mean_distance
from Deep3DFaceReconstruction.supervision import losses
from Deep3DFaceReconstruction.supervision.sampled_face import DENSE, importance, sampled_face
from Deep3DFaceReconstruction.tf1 import tf

# Its variables are not R-Net's: exported networks do not have them.
SCOPE = 'supervision'


class SampledGeometry(NamedTuple):
    """Of a batch of faces, what the supervised losses compare."""
    geometry: Geometry   # of the sampled face
    points: tf.Tensor    # [B,K,3] its spread vertices, see losses.image_points
    dense: tf.Tensor     # [B,468,2] dense landmarks, pixels, y up
    colours: tf.Tensor   # [B,2K,3] of the spread vertices: lit, then albedo; RGB 0-255


class SupervisedModel:
    """R-Net with losses on known coefficients; called as a ReconstructionModel is.

    Samples whose coefficients are not known (photos) have the weak losses of the paper. The total is the mean over the
    samples of a batch, each with its kind of loss.

    Args:
      weak: the ReconstructionModel of the same face model and options.
      face_model: face_model.FaceModel.
      options: reconstruction_model.ModelOptions.
      weights: supervision.options.SupervisedWeights.
      with_photos: whether samples may lack coefficients; without such, training renders no image.
    """

    def __init__(self, weak, face_model, options, weights, with_photos):
        self._weak, self._options, self._weights = weak, options, weights
        self._with_photos = with_photos
        self._decoder = Face3D(face_model)
        self._sampled = sampled_face(face_model)
        self._sampled_decoder = Face3D(self._sampled.model)
        self._importance = importance(self._sampled)

    def __call__(self, batch, is_training):
        """Adds the graph for a batch; training and validation share variables.

        Args:
          batch: data_loader.Batch with coefficients.
          is_training: of batch norm. Validation reports the weak losses of all samples beside the total.
        Returns:
          reconstruction_model.Outputs.
        """
        network = build_network(batch.images, is_training, self._options)
        known = tf.logical_not(tf.is_nan(batch.coeff[:, 0]))
        share = tf.cast(known, tf.float32)
        reconstruction = self._decoder.Reconstruction_Block(network.coeff, is_train=True)
        own = self._sampled_geometry(network.coeff)
        labels = tf.where_v2(known[:, tf.newaxis], batch.coeff, tf.zeros_like(batch.coeff))
        details = self._supervised(own, labels, self._log_variance(network.pooled), share)
        total = details['supervised'] * tf.reduce_mean(share)
        reported = losses_without_images(batch, own.geometry.landmark_p)
        if self._with_photos:
            of_photos = self._of_photos(batch, network.coeff, known)
            total += of_photos.total * (1.0 - tf.reduce_mean(share))
            reported = of_photos._replace(landmark=reported.landmark, landmark_px=reported.landmark_px)
        if is_training:
            total += decay_loss(self._options.weight_decay)
        else:
            reported = self._weak.compute_losses(batch, reconstruction)
        return Outputs(network.coeff, reconstruction,
                       reported._replace(total=total, supervised=details['supervised']), network.statistics,
                       network.feature_mean, details)

    def _supervised(self, own, labels, log_variance, share):
        """{name: scalar}: the losses, means over the samples with labels, and their weighted sum 'supervised'."""
        known = self._sampled_geometry(labels)
        parts = {
            'vertex': losses.vertex_loss(own.points, known.points),
            'coeff': losses.coefficient_loss(tf.concat(own.geometry.coefficients, 1), labels, self._importance),
            'dense': losses.dense_loss(own.dense, known.dense, log_variance),
            'colour': losses.colour_loss(own.colours, known.colours)}
        count = tf.maximum(tf.reduce_sum(share), 1.0)
        means = {name: tf.reduce_sum(loss * share) / count for name, loss in parts.items()}
        return dict(means, supervised=tf.add_n([getattr(self._weights, name) * loss for name, loss in means.items()]))

    def _sampled_geometry(self, coeff):
        """SampledGeometry of coefficients [B,257] or [B,239]."""
        face3d, sampled = self._sampled_decoder, self._sampled
        geometry = face3d.Geometry_block(coeff)
        spread = tf.gather(geometry.face_shape_t, sampled.spread, axis=1)
        points = losses.image_points(face3d.Projection_block(spread), spread, geometry.coefficients.translation)
        corners = tf.gather(geometry.face_shape_t, sampled.dense_vertices, axis=1)
        dense = tf.reduce_sum(corners * sampled.dense_weights[:, :, np.newaxis], 2)
        colours = [tf.gather(colour, sampled.spread, axis=1) for colour in (geometry.face_color, geometry.face_texture)]
        return SampledGeometry(geometry, points, face3d.Projection_block(dense), tf.concat(colours, 1))

    def _log_variance(self, pooled):
        """[B,468]: how far off the network thinks its dense landmarks are."""
        with tf.variable_scope(SCOPE, reuse=tf.AUTO_REUSE):
            return losses.START_LOG_VARIANCE + conv2d(pooled, DENSE, Window((1, 1)), 'log_variance', Style(
                initializer=tf.zeros_initializer()))[:, 0, 0]

    def _of_photos(self, batch, coeff, known):
        """The weak Losses of the samples without coefficients; without any, zeros, and no photometric one."""
        photos = tf.logical_not(known)

        def rendered():
            chosen = Batch(*[tf.boolean_mask(part, photos) for part in batch])
            reconstruction = self._decoder.Reconstruction_Block(tf.boolean_mask(coeff, photos), is_train=True)
            return [tf.convert_to_tensor(loss) for loss in self._weak.compute_losses(chosen, reconstruction)]

        def nothing():
            return [tf.constant(float('nan') if name == 'photo' else 0.0) for name in Losses._fields]

        return Losses(*tf.cond(tf.reduce_any(photos), rendered, nothing))


def losses_without_images(batch, landmarks):
    """Losses where nothing is rendered: those of the landmarks; the photometric one is NaN, the others are 0."""
    zero = tf.constant(0.0)
    return Losses(zero, tf.constant(float('nan')), Landmark_loss(landmarks, batch.landmarks), zero, zero, zero, zero,
                  mean_distance(landmarks, batch.landmarks))
