"""The face decoder as a function of crops and coefficients: arrays in, the arrays and images of each face out."""
import numpy as np

from Deep3DFaceReconstruction import pictures
from Deep3DFaceReconstruction.conventions import COEFF_DIM, IMAGE_SIZE
from Deep3DFaceReconstruction.demo.results import face_result
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.fitting.gaze import GazeFinder
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.tf1 import tf


class Decoder:
    """Crops and coefficients -> results, with gaze and closed lids where the model has eyes; the graph is built once.

    Args:
      model: a face_model.FaceModel.
    """

    def __init__(self, model):
        self._gaze = GazeFinder(model)
        self._vertices, self._model_name = len(model.meanshape), model.name

        def build():
            face3d = Face3D(model)
            coeff = tf.placeholder(tf.float32, [None, COEFF_DIM], 'coeff')
            offset = tf.placeholder(tf.float32, [None, self._vertices, 3], 'offset')
            crops = tf.placeholder(tf.uint8, [None, IMAGE_SIZE, IMAGE_SIZE, 3], 'crops')
            geometry = face3d.Geometry_block(coeff, offset)
            strip, recon, region = pictures.picture_strip(face3d, geometry, tf.cast(crops, tf.float32))
            return {'coeff': coeff, 'crops': crops, 'offset': offset}, {
                'strip': strip, 'recon': recon, 'region': region[..., 0], 'face_shape': geometry.face_shape,
                'face_texture': geometry.face_texture, 'face_color': geometry.face_color,
                'landmarks': geometry.landmark_p}
        self._decode = GraphFunction(build)

    def __call__(self, crops, coeff, deviation=None):
        """Results of a batch.

        Args:
          crops: list of FaceCrop.
          coeff: [B,257] float32.
          deviation: [B,257] float32, their standard deviations, where known.
        Returns:
          list of results.FaceResult.
        """
        eyes = [self._gaze.of(crop, values) for crop, values in zip(crops, coeff)]
        decoded = self._decode(coeff=coeff, crops=np.stack([crop.bgr for crop in crops]),
                               offset=self._offsets(coeff, eyes))
        decoded['deviation'] = np.full(coeff.shape, np.nan, np.float32) if deviation is None else deviation
        rows = [dict({name: value[i] for name, value in decoded.items()}, face_model=self._model_name)
                for i in range(len(crops))]
        return [face_result(*face) for face in zip(crops, coeff, rows, eyes)]

    def _offsets(self, coeff, eyes):
        """[B,N,3] float32 dm: what the eyes add to the shapes."""
        if self._gaze.eyes is None:
            return np.zeros([len(eyes), self._vertices, 3], np.float32)
        return np.stack([self._gaze.eyes.offset(values, state) for values, state in zip(coeff, eyes)])


def reconstruct(crops, source, decoder):
    """list of FaceResult of a list of FaceCrop; what is doubtful of the coefficients joins what is of the crops.

    Args:
      source: one of coefficient_sources, loaded.  decoder: Decoder.
    """
    answers = source(crops)
    crops = [crop._replace(doubts=crop.doubts + more) for crop, more in zip(crops, answers.doubts)]
    return decoder(crops, answers.coeff, answers.deviation)
