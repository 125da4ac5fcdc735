"""Analysis by synthesis: the coefficients of one face from its crop alone, without a network.

First pose and shape from 68 landmarks (landmark_fit.py), then the light on the mean albedo, then all 257
coefficients together on the losses of training: landmarks, photometric under the skin attention, reflectance,
gamma and prior, through the same decoder and renderer. Nothing is random.
"""
from collections import namedtuple

import numpy as np

from Deep3DFaceReconstruction import losses
from Deep3DFaceReconstruction.conventions import AMBIENT_OFFSET, COEFF_DIM, COEFF_SLICES, IMAGE_SIZE, SH_TERMS
from Deep3DFaceReconstruction.demo.landmark_fit import LandmarkFit
from Deep3DFaceReconstruction.face_decoder import Face3D, sh_basis
from Deep3DFaceReconstruction.tf1 import tf

FittingWeights = namedtuple('FittingWeights', ['photo', 'landmark', 'regulation', 'reflectance', 'gamma'])

# Training's weights average over many faces; one face alone wants its landmarks met, and may have its own light.
DEFAULT_WEIGHTS = FittingWeights(photo=1.92, landmark=8e-3, regulation=4e-4, reflectance=1.0, gamma=2.0)

# How far one Adam step may move each kind of coefficient: radians, decimetres, standard deviations.
STEP_SIZES = {'id': 0.12, 'ex': 0.12, 'tex': 0.24, 'angles': 0.008, 'gamma': 0.03, 'translation': 0.008}
ADAM_DECAYS = (0.8, 0.95)
# The step shrinks along half a cosine, to this part of itself at the end.
FINAL_STEP = 0.05

# Ridge of the light's least squares, against terms that the visible half of a face does not show.
LIGHT_RIDGE = 0.02

FitResult = namedtuple('FitResult', ['coeff', 'losses'])


class Fitter:
    """Fits faces one at a time; the graph is built once.

    Args:
      model: a face_model.FaceModel.
      iterations: steps of the photometric stage.
      weights: FittingWeights.
    """

    def __init__(self, model, iterations, weights=DEFAULT_WEIGHTS):
        self._model = model
        self._iterations = iterations
        self._landmark_fit = LandmarkFit(model, weights.regulation / weights.landmark)
        scale = np.zeros(COEFF_DIM)
        for name, size in STEP_SIZES.items():
            scale[COEFF_SLICES[name]] = size
        self._scale = scale
        self._graph = tf.Graph()
        with self._graph.as_default():
            self._build(weights)
        self._session = tf.Session(graph=self._graph)

    def _build(self, weights):
        face3d = Face3D(self._model)
        self._crop = tf.placeholder(tf.float32, [1, IMAGE_SIZE, IMAGE_SIZE, 3], 'crop')
        self._attention = tf.placeholder(tf.float32, [1, IMAGE_SIZE, IMAGE_SIZE, 1], 'attention')
        self._landmarks = tf.placeholder(tf.float32, [1, 68, 2], 'landmarks')
        self._landmark_weights = tf.placeholder(tf.float32, [68], 'landmark_weights')
        self._coeff = tf.placeholder(tf.float32, [1, COEFF_DIM], 'coeff')
        face = face3d.Reconstruction_Block(self._coeff, is_train=True)
        parts = face.coefficients
        terms = FittingWeights(
            photo=losses.Photo_loss(self._crop, face.render_imgs, face.img_mask_crop * self._attention),
            landmark=losses.Landmark_loss(face.landmark_p, self._landmarks, self._landmark_weights),
            regulation=losses.Regulation_loss(parts.id_coeff, parts.ex_coeff, parts.tex_coeff),
            reflectance=losses.Reflectance_loss(face.face_texture, self._model.skinmask),
            gamma=losses.Gamma_loss(parts.gamma))
        total = tf.add_n([weight * term for weight, term in zip(weights, terms)])
        self._step = {'terms': terms, 'total': total, 'gradient': tf.gradients(total, self._coeff)[0]}
        unlit = sh_basis(face.face_norm_r)
        self._light_inputs = (face3d.Projection_block(face.face_shape_t), face.face_norm_r, unlit, face.face_texture)

    def fit(self, crop_bgr, attention, landmarks, landmarks_inside=None, start=None):
        """Fits one face.

        Args:
          crop_bgr: [224,224,3] uint8.
          attention: [224,224] uint8, the skin mask.
          landmarks: [68,2] pixels of the crop, y up.
          landmarks_inside: [68] bool, which of them the photo really shows; all where not given.
          start: [257] coefficients to refine, or None to begin from the landmarks.
        Returns:
          FitResult: coeff [257] float32, and the weighted losses before and after as a list of dicts.
        """
        weights = losses.landmark_weights()
        if landmarks_inside is not None:
            weights = weights * landmarks_inside
        feed = {self._crop: crop_bgr[None].astype(np.float32), self._landmarks: landmarks[None],
                self._landmark_weights: weights, self._attention: attention[None, :, :, None] / 255.0}
        if start is None:
            start = self._landmark_fit(landmarks, weights)
            start[COEFF_SLICES['gamma']] = self._light(start, feed)
        return self._descend(start, feed)

    def _light(self, coeff, feed):
        """The 27 lighting terms [27] that best explain the crop as the lit mean albedo: linear least squares."""
        feed = dict(feed)
        feed[self._coeff] = coeff[None]
        pixels, normals, basis, albedo = [value[0] for value in self._session.run(self._light_inputs, feed)]
        column = np.rint(pixels[:, 0]).astype(int)
        row = np.rint(IMAGE_SIZE - 1 - pixels[:, 1]).astype(int)  # y up to row
        inside = (row >= 0) & (row < IMAGE_SIZE) & (column >= 0) & (column < IMAGE_SIZE)
        facing = inside & (normals[:, 2] > 0.2) & (self._model.skinmask > 0)
        row, column = row[facing], column[facing]
        weight = np.sqrt(feed[self._attention][0, row, column])
        gamma = np.zeros([3, SH_TERMS])
        if len(row) > 10 * SH_TERMS:
            prior = np.zeros(SH_TERMS)
            prior[0] = AMBIENT_OFFSET
            for channel in range(3):
                design = weight * basis[facing] * albedo[facing, channel:channel + 1] / 255
                colour = weight[:, 0] * feed[self._crop][0, row, column, 2 - channel] / 255  # RGB from BGR
                normal = design.T.dot(design) / len(row) + LIGHT_RIDGE * np.eye(SH_TERMS)
                gamma[channel] = np.linalg.solve(normal, design.T.dot(colour - design.dot(prior)) / len(row))
        return gamma.ravel()

    def _descend(self, start, feed):
        """Adam with one step size per kind of coefficient."""
        coeff = np.asarray(start, np.float64).copy()
        mean, square = np.zeros(COEFF_DIM), np.zeros(COEFF_DIM)
        record, best, best_total = [], coeff, np.inf
        for step in range(self._iterations + 1):
            feed[self._coeff] = coeff[None]
            out = self._session.run(self._step, feed)
            record.append(dict(out['terms']._asdict(), total=float(out['total'])))
            if out['total'] < best_total:
                best, best_total = coeff.copy(), out['total']
            gradient = out['gradient'][0] * self._scale  # per unit of step
            mean = ADAM_DECAYS[0] * mean + (1 - ADAM_DECAYS[0]) * gradient
            square = ADAM_DECAYS[1] * square + (1 - ADAM_DECAYS[1]) * gradient ** 2
            corrected = mean / (1 - ADAM_DECAYS[0] ** (step + 1))
            spread = np.sqrt(square / (1 - ADAM_DECAYS[1] ** (step + 1)))
            progress = step / float(self._iterations)
            rate = FINAL_STEP + (1 - FINAL_STEP) * 0.5 * (1 + np.cos(np.pi * progress))
            coeff = coeff - rate * self._scale * corrected / (spread + 1e-8)
        return FitResult(best.astype(np.float32), record)
