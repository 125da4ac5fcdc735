"""Writes the outputs of catalogue.py for the faces of a photo; what several of them need is made once."""
import functools
import io
import os
import threading
from typing import NamedTuple, Optional, Tuple

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.exports import catalogue, glb, head, maps, photo_images, position, viewer
from Deep3DFaceReconstruction.exports.arkit import ArkitWriter
from Deep3DFaceReconstruction.exports.camera_file import write_camera
from Deep3DFaceReconstruction.exports.morph_targets import morph_targets
from Deep3DFaceReconstruction.face_model.eyes import EyeState
from Deep3DFaceReconstruction.heads.head_model import has_head
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.meshes.ply import write_ply
from Deep3DFaceReconstruction.meshes.textured_obj import TexturedMesh, face_corner_lines, write_obj
from Deep3DFaceReconstruction.photo.camera import photo_camera, project
from Deep3DFaceReconstruction.surface import regions, texture
from Deep3DFaceReconstruction.surface.face_atlas import face_atlas
from Deep3DFaceReconstruction.system.png import encode_png, write_png


class OutputOptions(NamedTuple):
    """What to write, and how.

    Attributes:
      names: of catalogue.SUFFIXES; 'mat', 'obj' and 'png' are passed over, as the demo writes them itself.
      overlay_alpha: 0-1.
      texture: of catalogue.TEXTURES.
      texture_size: texels.
    """

    names: Tuple[str, ...]
    overlay_alpha: float = 1.0
    texture: str = catalogue.TEXTURES[0]
    texture_size: int = catalogue.TEXTURE_SIZE


class Face(NamedTuple):
    """One reconstructed face as its decoder gives it.

    Attributes:
      name: what its files are called, without ending.
      coeff: [257]; trans_params: [5].
      shape: [N,3] dm; albedo: [N,3] RGB 0-255; colors: [N,3] RGB under the light, not clipped.
      strip: [224,W,3] uint8 RGB, what NAME.png shows; its first 224 columns are the aligned photo.
      eyes: the face_model.eyes.EyeState that the shape has, or None.
    """

    name: str
    coeff: np.ndarray
    trans_params: np.ndarray
    shape: np.ndarray
    albedo: np.ndarray
    colors: np.ndarray
    strip: Optional[np.ndarray] = None
    eyes: Optional[EyeState] = None


class OutputWriter:
    """Writes outputs of faces of one model; may be used by several threads at once.

    Args:
      model: face_model.FaceModel.
      options: OutputOptions.
    """

    def __init__(self, model, options):
        self._model, self._options = model, options
        self._shared = _Shared(model)

    @property
    def outputs(self):
        """The names of what it writes; the photo is not needed where there are none."""
        return [name for name in self._options.names if name in _WRITERS or name in ('overlay', 'viewer')]

    def write(self, folder, photo_name, image, photo, faces):
        """Writes all outputs of the faces of a photo; one that fails does not keep the others from being written.

        Args:
          folder: where to.
          photo_name: what is made of the whole photo is called so.
          image: the photo's file name; photo: [H,W,3] uint8 RGB, upright.
          faces: list of Face.
        Returns:
          list of Outcome, one for each face; what is made of the whole photo is listed with each of its faces.
        """
        outcomes = []
        for face in faces:
            scene = _Scene(self._model, self._options, self._shared, face, image, photo)
            stem = os.path.join(folder, face.name)
            writers = {output: functools.partial(writer, scene, stem) for output, writer in _WRITERS.items()}
            if 'arkit' in self._options.names and not self._shared.has_names:
                del writers['arkit']
            if not has_head(self._model):
                del writers['head']
            if self.has_page:
                writers['viewer'] = functools.partial(self._show_scene, scene)
            outcomes.append(catalogue.try_writers(writers, self._options.names, face.name))
        overlay = functools.partial(self._write_overlay, os.path.join(folder, photo_name), photo, faces)
        whole = catalogue.try_writers({'overlay': overlay}, self._options.names, photo_name)
        return [outcome.joined(whole) for outcome in outcomes]

    @property
    def has_page(self):
        """Whether a page is to show the run."""
        return 'viewer' in self._options.names

    @property
    def shown(self):
        """Names of the faces on the viewer's page."""
        return self._shared.page.names

    def show(self, face, texture=None):
        """Adds a Face to the viewer's page; texture: PIL image in the model's atlas, or None."""
        expression = np.asarray(self._model.ex_base).dot(np.asarray(face.coeff)[COEFF_SLICES['ex']]).reshape(-1, 3)
        self._shared.page.add(viewer.ViewerFace(face.name, face.shape - expression, expression, face.colors,
                                                face.strip, texture))

    def _show_scene(self, scene):
        with Image.open(io.BytesIO(scene.texture_png())) as image:
            self.show(scene.face, image)

    def finish(self, folder, rows):
        """Writes the viewer's page, which shows the whole run; what is shown after that is on another page.

        Args:
          folder: where to.
          rows: the lines of summary.csv as dicts, with `name`, and `files` as catalogue.FILE_SEPARATOR joins them.
        Raises:
          OSError: it cannot be written. AssetError: three.js is not there.
        """
        path = os.path.join(folder, catalogue.VIEWER_PAGE)
        links = {row['name']: [(file, file) for file in row['files'].split(catalogue.FILE_SEPARATOR) if file]
                 for row in rows}
        with self._shared.page as page:
            page.write(path, rows, links)
        self._shared.forget('page')

    def _write_overlay(self, stem, photo, faces):
        meshes = [photo_images.ColoredMesh(photo_camera(face.coeff, face.trans_params), face.shape, face.colors,
                                           self._model.triangles) for face in faces]
        write_png(stem + '_overlay.png', photo_images.overlay(photo, meshes, self._options.overlay_alpha))


class _Shared:
    """What all faces of a model share; each is made when it is first asked for, by one thread."""

    def __init__(self, model):
        self._model = model
        self._lock = threading.RLock()
        self._made = {}

    def _once(self, name, make):
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    @property
    def atlas(self):
        return self._once('atlas', lambda: face_atlas(self._model))

    @property
    def regions(self):
        return self._once('regions', lambda: regions.build_regions(self._model))

    @property
    def corner_lines(self):
        return self._once('corners', lambda: face_corner_lines(self._model.triangles, self.atlas.triangles))

    @property
    def targets(self):
        return self._once('targets', lambda: morph_targets(self._model))

    @property
    def arkit(self):
        return self._once('arkit', lambda: ArkitWriter(self._model))

    @property
    def head(self):
        return self._once('head', lambda: head.head_mesh(self._model))

    @property
    def has_names(self):
        return self._once('has_names', lambda: self.arkit.has_names())

    @property
    def page(self):
        return self._once('page', lambda: viewer.ViewerPage(self._viewer_model()))

    def forget(self, name):
        with self._lock:
            self._made.pop(name)

    def _viewer_model(self):
        targets, atlas = self.targets, self.atlas
        return viewer.ViewerModel(atlas.triangles, atlas.vertices, atlas.uv, targets.names[:viewer.MAX_SHAPES],
                                  targets.moves[:viewer.MAX_SHAPES], targets.lowest)


class _Scene:
    """One face in its photo, with what several outputs need; used by one thread."""

    def __init__(self, model, options, shared, face, image, photo):
        self.model, self.options, self.shared = model, options, shared
        self.face, self.image, self.photo = face, image, photo
        self.camera = photo_camera(face.coeff, face.trans_params)
        self.normals = vertex_normals(face.shape, model.triangles)
        self._maps, self._texture = None, None

    def map(self, name):
        """An image of maps.MAP_NAMES, once; all that are wanted are drawn together."""
        if self._maps is None:
            wanted = [each for each in maps.MAP_NAMES if each in self.options.names]
            self._maps = maps.draw_maps(self.camera, self.face.shape, self.normals, self.model, self.shared.regions,
                                        wanted)
        return self._maps.pop(name)  # as large as the photo

    def texture_png(self):
        """The texture as bytes of a PNG file."""
        if self._texture is None:
            shading = texture.shading(self.normals, self.camera, self.face.coeff)
            mesh = texture.LitMesh(self.face.shape, self.normals, self.face.albedo, shading)
            baked = texture.bake(self.photo, self.camera, mesh, self.shared.atlas, self.options.texture_size,
                                 self.options.texture)
            self._texture = encode_png(baked.image)
        return self._texture


def _write_camera(scene, stem):
    write_camera(stem + '_camera.json', scene.face.coeff, scene.face.trans_params, scene.face.shape, scene.image)


def _write_landmarks(scene, stem):
    model, shape = scene.model, scene.face.shape
    pixels, _ = project(scene.camera, shape[model.keypoints])
    visible = photo_images.landmark_visibility(scene.camera, shape, model.triangles, model.keypoints)
    write_png(stem + '_landmarks.png', photo_images.draw_landmarks(scene.photo, pixels, visible))


def _write_pose(scene, stem):
    write_png(stem + '_pose.png', photo_images.draw_pose(scene.photo, scene.camera, scene.face.shape))


def _write_depth(scene, stem):
    depth = scene.map('depth')
    write_png(stem + '_depth.png', depth)
    write_png(stem + '_depth_preview.png', maps.depth_preview(depth))


def _write_map(name, scene, stem):
    write_png('%s_%s.png' % (stem, name), scene.map(name))


def _write_segmentation(scene, stem):
    write_png(stem + '_segmentation.png', scene.map('segmentation'), regions.PALETTE)


def _write_texture(scene, stem):
    atlas = scene.shared.atlas
    mesh = TexturedMesh(scene.face.shape, scene.normals, scene.model.triangles, atlas.uv, atlas.triangles)
    return write_obj(stem + '.obj', mesh, scene.texture_png(), scene.shared.corner_lines)


def _write_position(scene, stem):
    position.write_position(stem, position.position_map(scene.camera, scene.face.shape, scene.shared.atlas))


def _write_ply(scene, stem):
    write_ply(stem + '.ply', scene.face.shape, scene.normals, scene.face.colors, scene.model.triangles)


def _write_arkit(scene, stem):
    scene.shared.arkit.write(np.asarray(scene.face.coeff).ravel(), stem, scene.face.eyes)


def _write_glb(scene, stem):
    expression = np.asarray(scene.face.coeff)[COEFF_SLICES['ex']]
    target_names, moves, weights = scene.shared.targets.of_face(expression)
    neutral = scene.face.shape - np.tensordot(weights, moves, axes=1)
    normals = vertex_normals(neutral, scene.model.triangles)
    mesh = glb.atlas_mesh(scene.shared.atlas, neutral, normals, scene.texture_png(), (target_names, moves),
                          weights=weights, lit=scene.options.texture == 'albedo')
    glb.write_glb(stem + '.glb', mesh, scene.face.name)


def _write_head(scene, stem):
    return head.write(stem, scene.shared.head, scene.face, scene.photo, scene.camera, scene.options)


_WRITERS = {
    'camera': _write_camera, 'landmarks': _write_landmarks, 'pose': _write_pose, 'depth': _write_depth,
    'normals': functools.partial(_write_map, 'normals'), 'pncc': functools.partial(_write_map, 'pncc'),
    'segmentation': _write_segmentation, 'texture': _write_texture,
    'position': _write_position, 'ply': _write_ply, 'glb': _write_glb, 'arkit': _write_arkit, 'head': _write_head}
