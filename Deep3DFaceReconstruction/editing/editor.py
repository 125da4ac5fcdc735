"""What all commands do with a Subject: its look as it is and as it is to be, and the photo redrawn from both."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing.rendering.motion import Parts, Placed
from Deep3DFaceReconstruction.editing.rendering.redraw import Look, Surface, redraw
from Deep3DFaceReconstruction.editing.rendering.registration import registration_offset
from Deep3DFaceReconstruction.editing.swapping.swap import swapped
from Deep3DFaceReconstruction.face_model.open_model import PARTS
from Deep3DFaceReconstruction.fitting.crop_colors import is_grey
from Deep3DFaceReconstruction.heads.head_model import has_head, load_head
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.numpy_decoder import albedo_of
from Deep3DFaceReconstruction.photo.camera import photo_camera
from Deep3DFaceReconstruction.surface import regions, texture
from Deep3DFaceReconstruction.surface.face_atlas import face_atlas

# The skin of the lids is within this distance of the landmarks of the eyes, dm.
_LID_REACH = 0.14
_EYES = slice(36, 48)
# A head that turns by less (radians) is drawn with the face alone.
_LEAST_TURN = np.radians(0.5)


class Editor:
    """Looks of faces of one model; what they share is made once.

    Args:
      model: face_model.FaceModel.  finder: face_finder.FaceFinder, for the lips and lids of a photo.
    """

    def __init__(self, model, finder):
        self.model, self._finder = model, finder
        self._surface = self._regions = self._head = None
        self._offsets = {}

    @property
    def surface(self):
        """The redraw.Surface."""
        if self._surface is None:
            triangles = None if self.head is None else self.head.triangles
            self._surface = Surface(face_atlas(self.model), _parts(self.model), triangles)
        return self._surface

    @property
    def head(self):
        """The heads.head_model.Head, refined once; None where the model has no head."""
        if self._head is None and has_head(self.model):
            self._head = load_head(self.model, level=1)
        return self._head

    @property
    def regions(self):
        """The regions.Regions."""
        if self._regions is None:
            self._regions = regions.build_regions(self.model)
        return self._regions

    def offset(self, subject):
        """registration.registration_offset, once for each photo."""
        key = (subject.crop.image_path, subject.name)
        if key not in self._offsets:
            self._offsets[key] = registration_offset(self.model, subject, self._finder)
        return self._offsets[key]

    def look(self, subject, coeff=None, shape=None, with_head=False):
        """The Look of a Subject in its photo, with other coefficients [257] and another shape [N,3] where given."""
        coeff = subject.coeff if coeff is None else coeff
        shape = subject.shape if shape is None else shape
        camera = photo_camera(coeff, subject.crop.trans_params)
        normals = vertex_normals(shape, self.model.triangles)
        head = self.head.refined(self.head.coarse(coeff)) if with_head else None
        placed = Placed(camera, shape + self.offset(subject), normals, head)
        return Look(placed, texture.shading(normals, camera, coeff), albedo_of(self.model, coeff))

    def redraw(self, subject, coeff=None, shape=None):
        """redraw.Redrawn of a Subject's photo, with other coefficients and another shape where given."""
        turns = coeff is not None and self.head is not None and np.abs(
            coeff[COEFF_SLICES['angles']] - subject.coeff[COEFF_SLICES['angles']]).max() > _LEAST_TURN
        new = self.look(subject, coeff, shape, turns)
        # The new pose under the old light.
        bent = subject.coeff.copy()
        for name in ('angles', 'translation') if coeff is not None else ():
            bent[COEFF_SLICES[name]] = coeff[COEFF_SLICES[name]]
        old = self.look(subject, with_head=turns)
        redrawn = redraw(subject.photo, old, self.look(subject, bent, shape), new, self.surface)
        light = COEFF_SLICES['gamma']
        if is_grey(subject.crop.bgr) and (coeff is None or np.array_equal(coeff[light], subject.coeff[light])):
            return redrawn._replace(image=_as_grey(redrawn.image, subject.photo))  # what the model adds has colours
        return redrawn

    def swapped(self, source, target, coeff, shape):
        """[H,W,3] uint8: a Subject's photo with another's face.

        Args:
          source, target: subject.Subject, both with their photos.
          coeff: [257], shape: [N,3]: the face that is to be, in the target's photo.
        """
        # The photo is first bent to the new shape under the target's own skin, so that hair and neck go along.
        bent = coeff.copy()
        bent[COEFF_SLICES['tex']] = target.coeff[COEFF_SLICES['tex']]
        photo = self.redraw(target, bent, shape).image
        return swapped(photo, source.photo, self.look(source), self.look(target, coeff, shape), self.surface,
                       self.model.skinmask)

    def texture(self, image, look):
        """[S,S,3] uint8: the texture of a face with the light on it, from an image [H,W,3] that shows it as `look`."""
        return texture.bake(image, look.placed.camera, look.lit_mesh, self.surface.atlas).image


def _as_grey(image, photo):
    """An image [H,W,3] uint8 RGB in grey where it is not the photo any more."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.where((image != photo).any(axis=2, keepdims=True), grey, photo)


def _parts(model):
    """motion.Parts of a FaceModel; nothing is between the lips of a model without parts."""
    inner = np.isin(model.part, [PARTS.index('mouth'), PARTS.index('teeth')])
    mean = model.meanshape.astype(np.float64)
    eyes = mean[model.keypoints[_EYES], :2]
    near = np.sqrt(((mean[:, np.newaxis, :2] - eyes) ** 2).sum(axis=2).min(axis=1)) < _LID_REACH
    return Parts(np.float32(inner), np.float32(near & (model.part == PARTS.index('skin'))))
