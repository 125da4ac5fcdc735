"""All files of the faces of a photo: the published ones and what --outputs adds."""
import os

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.demo.results import FAILED, write_result
from Deep3DFaceReconstruction.errors import ImageError, InputError
from Deep3DFaceReconstruction.exports import catalogue
from Deep3DFaceReconstruction.exports.outputs import Face, OutputOptions, OutputWriter
from Deep3DFaceReconstruction.meshes import obj
from Deep3DFaceReconstruction.photo.image_io import read_image
from Deep3DFaceReconstruction.system.mat_file import MatFile


class FaceFiles:
    """Writes the files that the options ask for; may be used by several threads at once.

    Args:
      model: face_model.FaceModel.
      options: options.DemoOptions.
    """

    def __init__(self, model, options):
        self._faces_text = obj.face_lines(model.triangles)
        self._outputs = options.outputs
        self._more = OutputWriter(model, OutputOptions(options.outputs, options.overlay_alpha, options.texture,
                                                       options.texture_size))

    def write(self, folder, photo_name, face_results):
        """Writes the files of all faces of one photo; what cannot be written does not keep the rest from it.

        Args:
          folder: output folder; photo_name: NAME of what shows the whole photo.
          face_results: list of results.FaceResult.
        Returns:
          list of catalogue.Outcome, one for each face.
        """
        outcomes = [write_result(result, os.path.join(folder, result.crop.name), self._faces_text, self._outputs)
                    for result in face_results]
        if not face_results or not self._more.outputs:
            return outcomes
        image_path = face_results[0].crop.image_path
        try:
            photo = np.asarray(read_image(image_path))
        except ImageError as error:
            missing = catalogue.Outcome([], dict.fromkeys(self._more.outputs, str(error)))
            return [outcome.joined(missing) for outcome in outcomes]
        more = self._more.write(folder, photo_name, os.path.basename(image_path), photo,
                                [_face(result) for result in face_results])
        return [outcome.joined(other) for outcome, other in zip(outcomes, more)]


    def finish(self, folder, rows, result_folder):
        """Writes what shows the whole run, where it is asked for: catalogue.VIEWER_PAGE.

        Args:
          folder: where to.
          rows: list of results.SummaryRow, those of kept results included.
          result_folder: where the files of the faces are; kept ones are shown as far as these tell.
        Raises:
          OSError: it cannot be written. AssetError: three.js is not there.
        """
        if not self._more.has_page:
            return
        for row in rows:
            if row.name and row.name not in self._more.shown and row.status != FAILED:
                face = _kept_face(os.path.join(result_folder, row.name))
                if face is not None:
                    self._more.show(face)
        self._more.finish(folder, [row._asdict() for row in rows])


def _face(result):
    arrays = result.arrays
    return Face(result.crop.name, result.coeff, result.crop.trans_params, arrays['face_shape'], arrays['face_texture'],
                arrays['face_color'], result.strip, result.eyes)


def _kept_face(stem):
    """The Face of an earlier run's NAME.mat and NAME.png; None where they are not there."""
    if not os.path.exists(stem + '.mat') or not os.path.exists(stem + '.png'):
        return None
    mat = MatFile(stem + '.mat', InputError, 'a result of demo.py')
    with Image.open(stem + '.png') as image:
        strip = np.asarray(image.convert('RGB'))
    return Face(os.path.basename(stem), mat['coeff'][0], np.ravel(mat['trans_params']), mat['face_shape'],
                mat['face_texture'], mat['face_color'], strip)
