"""From crops and coefficients to the results of one face: the arrays, the picture, the errors."""
from collections import namedtuple

import numpy as np

from Deep3DFaceReconstruction import pictures
from Deep3DFaceReconstruction.conventions import COEFF_DIM, IMAGE_SIZE
from Deep3DFaceReconstruction.demo.coefficient_sources import choose_source
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.meshes import obj
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, to_y_up
from Deep3DFaceReconstruction.tf1 import tf

FaceResult = namedtuple('FaceResult', [
    'crop',               # crops.FaceCrop
    'coeff',              # [257] float32
    'arrays',             # dict: what NAME.mat holds
    'strip',              # [224,1120,3] uint8 RGB: what NAME.png shows
    'landmark_error',     # mean distance in pixels of the crop
    'landmarks_compared',  # as many of 68 as the photo shows, or 5 where only the five points are known
    'photometric_error',  # mean absolute colour difference, 0-255, where the photometric loss looks: region times skin
])


class Reconstructor:
    """Crops -> coefficients -> results; everything is loaded once.

    Args:
      network_path: a .pb file, a checkpoint, or None for fitting alone.
      options: options.DemoOptions.
      model: face_model.FaceModel.
    Raises:
      AssetError: an unusable network.
    """

    def __init__(self, network_path, options, model):
        self._source = choose_source(network_path, options, model)
        self._decoder = Decoder(model)
        self.batch_size = self._source.batch_size
        self.label = self._source.label
        self.faces_text = obj.face_lines(model.triangles)
        self.description = 'face model %s, %s; coefficients by %s' % (
            model.name, model.path, self._source.description)

    def __call__(self, crops):
        """List of FaceResult of a list of FaceCrop."""
        return self._decoder(crops, self._source(crops))


class Decoder:
    """The face decoder as a function from arrays to arrays; the graph is built once.

    Args:
      model: a face_model.FaceModel.
    """

    def __init__(self, model):
        self._graph = tf.Graph()
        with self._graph.as_default():
            face3d = Face3D(model)
            self._coeff = tf.placeholder(tf.float32, [None, COEFF_DIM], 'coeff')
            self._crops = tf.placeholder(tf.uint8, [None, IMAGE_SIZE, IMAGE_SIZE, 3], 'crops')
            geometry = face3d.Geometry_block(self._coeff)
            strip, recon, region = pictures.picture_strip(face3d, geometry, tf.cast(self._crops, tf.float32))
            self._fetches = {
                'strip': strip, 'recon': recon, 'region': region[..., 0], 'face_shape': geometry.face_shape,
                'face_texture': geometry.face_texture, 'face_color': geometry.face_color,
                'landmarks': geometry.landmark_p}
        self._session = tf.Session(graph=self._graph)

    def __call__(self, crops, coeff):
        """Results of a batch.

        Args:
          crops: list of FaceCrop; coeff: [B,257] float32.
        Returns:
          list of FaceResult.
        """
        decoded = self._session.run(self._fetches, {
            self._coeff: coeff, self._crops: np.stack([crop.bgr for crop in crops])})
        rows = [{name: value[i] for name, value in decoded.items()} for i in range(len(crops))]
        return [_result(*face) for face in zip(crops, coeff, rows)]


def _result(crop, coeff, row):
    recon = row['recon']
    rgb = crop.bgr[:, :, ::-1]
    weight = row['region'] * crop.attention
    difference = np.abs(recon[:, :, :3] - rgb).mean(axis=2)
    if crop.lm_68p is not None:
        distances = np.linalg.norm(row['landmarks'] - crop.lm_68p, axis=1)[crop.lm_inside]
    else:
        distances = np.linalg.norm(to_y_up(five_from_68(row['landmarks'])) - crop.lm_5p, axis=1)
    arrays = {
        'cropped_img': np.ascontiguousarray(rgb), 'recon_img': recon, 'coeff': coeff[None],
        'face_shape': row['face_shape'], 'face_texture': row['face_texture'], 'face_color': row['face_color'],
        'lm_68p': row['landmarks'], 'lm_5p': crop.lm_5p}
    return FaceResult(crop, coeff, arrays, row['strip'], float(distances.mean()), len(distances),
                      float((difference * weight).sum() / max(weight.sum(), 1.0)))


def write_result(result, path_stem, faces_text):
    """Writes NAME.mat, NAME_mesh.obj and NAME.png, each aside and then renamed.

    Args:
      result: FaceResult.
      path_stem: output folder and NAME.
      faces_text: mesh_io.face_lines of the model.
    Raises:
      OSError: the folder cannot be written. ValueError: the mesh has coordinates that are not finite.
    """
    colors = np.clip(result.arrays['face_color'], 0, 255) / 255
    obj.save_obj(path_stem + '_mesh.obj', result.arrays['face_shape'], faces_text, colors)
    obj.save_mat(path_stem + '.mat', result.arrays)
    pictures.save_png(path_stem + '.png', result.strip)
