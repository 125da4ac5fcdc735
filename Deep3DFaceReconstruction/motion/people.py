"""Who is in a clip: one identity and albedo per person, from the clip's best frames, and who a new track belongs to."""
import os
import tempfile
from typing import NamedTuple

import cv2
import dlib
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import COEFF_SLICES, ID_DIM, TEX_DIM
from Deep3DFaceReconstruction.demo.coefficient_sources import FittingSource
from Deep3DFaceReconstruction.demo.options import DEFAULT_ITERATIONS
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import InputError, LandmarkError
from Deep3DFaceReconstruction.motion import photometric
from Deep3DFaceReconstruction.motion.frame_fit import camera_for, joint_identity
from Deep3DFaceReconstruction.photo.crops import crops_of_photo
from Deep3DFaceReconstruction.system.assets import dlib_model

SAME_PERSON = 0.58       # distance of dlib's descriptors below which two faces are one person's (King 2017: 0.6)
BEST = 12                # views of a person that are kept
FITTED = 2               # of them, fitted with their pixels for identity and albedo
SEEN_SHARE = 0.06        # of the best views' sightings: who is seen less than that is not a person but a mistake
_KEPT_SIDE = 512         # pixels, of a kept view
# The five points in dlib's 150-pixel chip: its mean face with a quarter around it.
_CHIP = (np.array([[0.228, 0.224], [0.752, 0.224], [0.490, 0.516], [0.254, 0.780], [0.726, 0.780]]) + 0.25) * 100.0
_MODEL_SHARE = 0.3       # weight of the model's albedo beside what one frame shows


class View(NamedTuple):
    """A face in one frame: the part of the frame around it, its landmarks there, how good it is to learn from."""

    number: int
    rgb: np.ndarray
    points: np.ndarray
    quality: float


class Person(NamedTuple):
    """One person of a clip.

    Attributes:
      number: from 1, in the order of how often they are seen.
      descriptor: [128], dlib's.
      identity, texture: coefficients [80].
      shape: [N,3] dm, the neutral face about the model's mean vertex; albedo: [N,3] RGB 0-255.
      neutral: [K,3] dm, the landmarks of that face.
      appearance: photometric.Appearance.
    """

    number: int
    descriptor: np.ndarray
    identity: np.ndarray
    texture: np.ndarray
    shape: np.ndarray
    albedo: np.ndarray
    neutral: np.ndarray
    appearance: photometric.Appearance


class Describer:
    """dlib's face descriptor, loaded when first needed."""

    def __init__(self):
        self._network = None

    def __call__(self, rgb, five_points):
        """[128] of the face at five points [5,2] of a frame [H,W,3] uint8."""
        if self._network is None:
            self._network = dlib.face_recognition_model_v1(dlib_model('dlib_face_recognition_resnet_model_v1.dat'))
        matrix = cv2.estimateAffinePartial2D(np.asarray(five_points, np.float64), _CHIP, method=cv2.LMEDS)[0]
        chip = cv2.warpAffine(rgb, matrix, (150, 150), flags=cv2.INTER_LINEAR)
        return np.array(self._network.compute_face_descriptor(chip))


def view_of(frame, points, place):
    """A View of the landmarks points [K,2] in a frame; place: their landmark_readers.Place."""
    low = np.maximum(place.center - place.side, 0).astype(int)
    high = (place.center + place.side).astype(int) + 1
    part = frame.rgb[low[1]:high[1], low[0]:high[0]]
    scale = min(1.0, _KEPT_SIDE / max(part.shape[:2]))
    part = np.ascontiguousarray(part if scale == 1 else cv2.resize(part, None, fx=scale, fy=scale,
                                                                   interpolation=cv2.INTER_AREA))
    local = (points - low + 0.5) * scale - 0.5
    return View(frame.number, part, local, _quality(part, place.side * scale, local))


def _quality(rgb, side, points):
    """Sharp, large and frontal is good."""
    size = 96.0 / side
    gray = cv2.cvtColor(cv2.resize(rgb, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    sharp = np.sqrt(max(cv2.Laplacian(gray, cv2.CV_32F).var(), 1e-6))
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return float(sharp * min(side / 150.0, 1.0) * (spread[1] / spread[0]))


class _Sighting:
    """The views of one person so far."""

    def __init__(self, descriptor):
        self.descriptor, self.count, self.views = descriptor, 0, []

    def add(self, descriptor, view):
        self.descriptor = (self.descriptor * self.count + descriptor) / (self.count + 1)
        self.count += 1
        self.views = sorted(self.views + [view], key=lambda v: -v.quality)[:BEST]


class Gallery:
    """The people of a clip."""

    def __init__(self, model, reader, fit):
        """Args: model: a FaceModel; reader: see landmark_readers; fit: a frame_fit.FrameFit."""
        self._model, self._reader, self._fit = model, reader, fit
        self._describe = Describer()
        self.photometric = photometric.PhotometricTerm(model)
        self.people = []

    def scout(self, frames, progress=lambda done: None):
        """Finds the people of a clip.

        Args:
          frames: iterator of frames from all over the clip, each with a number and rgb [H,W,3] uint8.
          progress: called with 1 for every frame looked at.
        """
        sightings = []
        for frame in frames:
            for place in self._reader.detect(frame.rgb):
                self._sight(sightings, frame, place)
            progress(1)
        sightings.sort(key=lambda sighting: -sighting.count)
        for sighting in sightings:
            if sighting.count >= max(1, SEEN_SHARE * sightings[0].count):
                self.add(sighting.descriptor, sighting.views)

    def _sight(self, sightings, frame, place):
        for _ in range(2):
            points = self._reader.read(frame.rgb, place)
            if points is None:
                return
            place = self._reader.place_of(points)
        if not self._reader.is_face(frame.rgb, points):
            return
        descriptor = self._describe(frame.rgb, self._reader.five_points(points))
        nearest = min(sightings, key=lambda s: np.linalg.norm(s.descriptor - descriptor), default=None)
        if nearest is None or np.linalg.norm(nearest.descriptor - descriptor) > SAME_PERSON:
            nearest = _Sighting(descriptor)
            sightings.append(nearest)
        nearest.add(descriptor, view_of(frame, points, place))

    def whose(self, frame, points):
        """The Person whose face the landmarks points [K,2] of a frame lie on; a new one where none is known."""
        descriptor = self._describe(frame.rgb, self._reader.five_points(points))
        nearest = min(self.people, key=lambda p: np.linalg.norm(p.descriptor - descriptor), default=None)
        if nearest is not None and np.linalg.norm(nearest.descriptor - descriptor) <= SAME_PERSON:
            return nearest
        return self.add(descriptor, [view_of(frame, points, self._reader.place_of(points))], with_pixels=False)

    def add(self, descriptor, views, with_pixels=True):
        """Learns a Person from views; with_pixels: fit the best views' pixels, which takes seconds."""
        cameras = [camera_for(self._reader.five_points(view.points)) for view in views]
        goals = [camera.to_crop(view.points) for camera, view in zip(cameras, views)]
        term = self._fit.landmarks
        identity, texture = np.zeros(ID_DIM), np.zeros(TEX_DIM)
        fitted = self._fitted(views) if with_pixels else []
        if fitted:
            identity = np.mean([coeff[COEFF_SLICES['id']] for coeff in fitted], axis=0, dtype=np.float64)
            texture = np.mean([coeff[COEFF_SLICES['tex']] for coeff in fitted], axis=0, dtype=np.float64)
        # What the views share is identity, what differs is expression.
        states = [self._fit.fit(term.neutral(identity), goal).state for goal in goals]
        identity, _ = joint_identity(term, goals, states, identity)
        person = self.person(len(self.people) + 1, descriptor, identity, texture)
        person = person._replace(appearance=self._observed(person, views, cameras, goals))
        self.people.append(person)
        return person

    def person(self, number, descriptor, identity, texture):
        """A Person of given coefficients, who looks as the model says."""
        model = self._model
        shape = (model.meanshape - model.meanshape.mean(axis=0, dtype=np.float64)
                 + model.id_base.dot(identity.astype(np.float32)).reshape(-1, 3))
        albedo = np.clip(model.meantex + model.tex_base.dot(texture.astype(np.float32)).reshape(-1, 3), 1, 255)
        return Person(number, descriptor, identity, texture, shape.astype(np.float32), albedo.astype(np.float32),
                      self._fit.landmarks.neutral(identity), self.photometric.appearance(shape, identity, albedo))

    def _fitted(self, views):
        """Coefficients [257] of the best views, by the fitting of photos; of none, where that finds no face."""
        result = []
        source = FittingSource(DEFAULT_ITERATIONS)
        source.load(self._model)
        with tempfile.TemporaryDirectory() as folder:
            for view in views[:FITTED]:
                path = os.path.join(folder, 'frame_%d.png' % view.number)
                Image.fromarray(view.rgb).save(path)
                try:
                    crops = crops_of_photo(path, 'frame', FaceFinder(), landmarks=True)
                except (InputError, LandmarkError):
                    continue
                result.append(source(crops[:1])[0][0])
        return result

    def _observed(self, person, views, cameras, goals):
        """The person's Appearance: the albedo that the views show at the chosen vertices, beside the model's."""
        term = self.photometric
        total = _MODEL_SHARE * person.appearance.albedo
        weight = np.full((len(total), 1), _MODEL_SHARE)
        for view, camera, goal in zip(views, cameras, goals):
            state = self._fit.fit(person.neutral, goal).state
            pixels = photometric.View(view.rgb, camera, photometric.face_center(state))
            state = self._fit.fit(person.neutral, goal, state,
                                  lambda guess, pixels=pixels: term.normal(person.appearance, guess, pixels),
                                  photometric.LANDMARK_TRUST).state
            seen, share = term.delit(person.appearance, state, pixels)
            total, weight = total + share * seen, weight + share
        return person.appearance._replace(albedo=total / weight)
