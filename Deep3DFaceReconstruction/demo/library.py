"""demo.py without its folders: a photo in, arrays out, for other programs.

    from Deep3DFaceReconstruction.demo.library import Reconstructor
    reconstruct = Reconstructor()
    for face in reconstruct('photo.jpg', all_faces=True):
        vertices = face.arrays['face_shape']
"""
import os

from Deep3DFaceReconstruction.demo.coefficient_sources import choose_source
from Deep3DFaceReconstruction.demo.options import parse_demo
from Deep3DFaceReconstruction.demo.reconstructor import Decoder, reconstruct
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.photo.crops import crops_of_photo


class Reconstructor:
    """Photos -> faces in 3D, as demo.py reconstructs them. Networks and graphs are loaded once.

    Args:
      options: what demo.py has flags for, by their names: face_model, use_pb, pretrain_weights, fit, detector,
        iterations, batch_size, verbose.
    Attributes:
      model: the face_model.FaceModel; its `triangles` [F,3] int32 are those of every face.
      finder: the face_finder.FaceFinder.
    Raises:
      AssetError: a face model or a network that is missing or unusable.
      TypeError: another option.
    """

    def __init__(self, **options):
        unknown = sorted(set(options) - set(parse_demo([])._fields))
        if unknown:
            raise TypeError('Reconstructor: expected options of demo.py, got: %s' % ', '.join(unknown))
        chosen = parse_demo([])._replace(**options)
        self._source = choose_source(chosen)
        self.finder = FaceFinder(chosen.detector)
        self.model = load_face_model(options.get('face_model'))
        self._source.load(self.model)
        self._decoder = Decoder(self.model)

    def __call__(self, image_path, all_faces=False):
        """Reconstructs the largest face of a photo, or all.

        Args:
          image_path: the photo; NAME.txt beside it may give the five points of its one face.
          all_faces: every face, largest first.
        Returns:
          list of results.FaceResult; `arrays` has what NAME.mat holds: face_shape [N,3] float32, dm, y up, the face
          looks along +z; face_texture and face_color [N,3] RGB, 0-255; coeff [1,257]; lm_68p [68,2], y-up; ...
        Raises:
          InputError: an unreadable photo, or no face; names the file.
        """
        name = os.path.splitext(os.path.basename(image_path))[0]
        crops = crops_of_photo(image_path, name, self.finder, all_faces, self._source.needs_landmarks)
        size = self._source.batch_size
        batches = [crops[i:i + size] for i in range(0, len(crops), size)]
        return [result for batch in batches for result in reconstruct(batch, self._source, self._decoder)]
