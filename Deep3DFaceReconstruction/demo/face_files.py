"""All files of the faces of a photo: the published ones and what --outputs adds."""
import os

import numpy as np

from Deep3DFaceReconstruction.demo.results import write_result
from Deep3DFaceReconstruction.errors import ImageError
from Deep3DFaceReconstruction.exports import catalogue
from Deep3DFaceReconstruction.exports.outputs import Face, OutputOptions, OutputWriter
from Deep3DFaceReconstruction.meshes import obj
from Deep3DFaceReconstruction.photo.image_io import read_image


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


def _face(result):
    arrays = result.arrays
    return Face(result.crop.name, result.coeff, result.crop.trans_params, arrays['face_shape'], arrays['face_texture'],
                arrays['face_color'])
