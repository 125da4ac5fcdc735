"""Who is in a clip: one identity and albedo per person, from the clip's best frames, and who a new track belongs to."""
import os
import tempfile
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import COEFF_SLICES, ID_DIM, TEX_DIM
from Deep3DFaceReconstruction.demo.coefficient_sources import FittingSource
from Deep3DFaceReconstruction.demo.options import DEFAULT_ITERATIONS
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import InputError, LandmarkError
from Deep3DFaceReconstruction.motion import photometric
from Deep3DFaceReconstruction.motion.describers import choose_describer
from Deep3DFaceReconstruction.motion.frame_fit import FrameFit, camera_for, joint_identity, strays
from Deep3DFaceReconstruction.photo.crops import crops_of_photo

BEST = 12                # views of a person that are used
FITTED = 3               # of them, fitted with their pixels for identity and albedo
SEEN_SHARE = 0.06        # of the best views' sightings: who is seen less than that is not a person but a mistake
_KEPT_SIDE = 512         # pixels, of a kept view
STRAY_ROUNDS = 3
# An opening of the mouth, in sides of the face, that halves the quality of a view: open mouths are the sharpest views,
# and what all views share is taken for the identity.
_CALM = 0.015
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
      descriptor: [D], see describers.
      identity, texture: coefficients [80].
      shape: [N,3] dm, the neutral face about the model's mean vertex; albedo: [N,3] RGB 0-255.
      neutral: [P,3] dm, the landmarks of that face; strays: [P,3] dm, the part of it that is not the model's.
      appearance: photometric.Appearance.
    """

    number: int
    descriptor: np.ndarray
    identity: np.ndarray
    texture: np.ndarray
    shape: np.ndarray
    albedo: np.ndarray
    neutral: np.ndarray
    strays: np.ndarray
    appearance: photometric.Appearance


def view_of(frame, points, opening):
    """A View of the landmarks points [K,2] in a frame; opening: pixels between the lips."""
    lowest, highest = points.min(axis=0), points.max(axis=0)
    center, side = (lowest + highest) / 2, float((highest - lowest).max())
    low = np.maximum(center - side, 0).astype(int)
    high = (center + side).astype(int) + 1
    part = frame.rgb[low[1]:high[1], low[0]:high[0]]
    scale = min(1.0, _KEPT_SIDE / max(part.shape[:2]))
    part = np.ascontiguousarray(part if scale == 1 else cv2.resize(part, None, fx=scale, fy=scale,
                                                                   interpolation=cv2.INTER_AREA))
    local = (points - low + 0.5) * scale - 0.5
    return View(frame.number, part, local, _quality(part, side * scale, local) / (1 + (opening / (_CALM * side)) ** 2))


def _quality(rgb, side, points):
    """Sharp, large and frontal is good; side: of the points, pixels."""
    size = 96.0 / side
    gray = cv2.cvtColor(cv2.resize(rgb, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    sharp = np.sqrt(max(cv2.Laplacian(gray, cv2.CV_32F).var(), 1e-6))
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return float(sharp * min(side / 150.0, 1.0) * (spread[1] / spread[0]))


def shares(qualities, most):
    """[k] how much each of the `most` best views counts, with a sum of one.

    A view counts by what it is better than the best one that is left out: which of two nearly equal views is the last
    to be used changes nothing.

    Args:
      qualities: [n], the best first.
    """
    left_out = qualities[most] if len(qualities) > most else 0.0
    better = np.asarray(qualities[:most], np.float64) - left_out
    return better / better.sum() if better.sum() > 0 else np.full(len(better), 1.0 / len(better))


class _Sighting:
    """The views of one person so far."""

    def __init__(self, descriptor):
        self.descriptor, self.count, self.views = descriptor, 0, []

    def add(self, descriptor, view):
        self.descriptor = (self.descriptor * self.count + descriptor) / (self.count + 1)
        self.count += 1
        self.views = sorted(self.views + [view], key=lambda v: -v.quality)[:BEST + 1]


class Gallery:
    """The people of a clip."""

    def __init__(self, model, reader, points, detector='auto'):
        """Args: model: a FaceModel; reader: see landmark_readers; points: its ModelPoints on the model; detector: of
        faces in photos, see face_finder.FaceFinder."""
        self._model, self._reader, self._detector = model, reader, detector
        self._points, self._fit, self._first_fit = points, FrameFit(points), FrameFit(points, points.noise)
        self._describe = choose_describer(detector)
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
        descriptor = self._describe(frame.rgb, points, self._reader.five_points(points))
        nearest = self._nearest(sightings, descriptor)
        if nearest is None:
            nearest = _Sighting(descriptor)
            sightings.append(nearest)
        nearest.add(descriptor, view_of(frame, points, self._reader.mouth_opening(points)))

    def _nearest(self, known, descriptor):
        """Which of known, each with a descriptor, this one belongs to; None: nobody's."""
        distances = [np.linalg.norm(one.descriptor - descriptor) for one in known]
        return known[int(np.argmin(distances))] if distances and min(distances) <= self._describe.same else None

    def whose(self, frame, points):
        """The Person whose face the landmarks points [K,2] of a frame lie on; a new one where none is known."""
        descriptor = self._describe(frame.rgb, points, self._reader.five_points(points))
        known = self._nearest(self.people, descriptor)
        return known or self.add(descriptor, [view_of(frame, points, self._reader.mouth_opening(points))],
                                 with_pixels=False)

    def add(self, descriptor, views, with_pixels=True):
        """Learns a Person from views, the best first; with_pixels: fit the best views' pixels, which takes seconds."""
        counts, fitted = shares([view.quality for view in views], BEST), []
        if with_pixels:
            fitted = self._fitted(views)
        views = views[:len(counts)]
        cameras = [camera_for(self._reader.five_points(view.points)) for view in views]
        term = self._first_fit.landmarks
        goals = [term.goal(camera, view.points) for camera, view in zip(cameras, views)]
        identity, texture = np.zeros(ID_DIM), np.zeros(TEX_DIM)
        for share, coeff in fitted:
            identity += share * coeff[COEFF_SLICES['id']]
            texture += share * coeff[COEFF_SLICES['tex']]
        # What the views share is identity, what differs is expression.
        states = [self._first_fit.fit(term.neutral(identity), goal).state for goal in goals]
        identity, states = joint_identity(term, goals, states, identity, counts)
        person = self.person(len(self.people) + 1, descriptor, identity, texture,
                             self._strays(identity, goals, states, counts))
        person = person._replace(appearance=self._observed(person, views, cameras, goals, counts))
        self.people.append(person)
        return person

    def _strays(self, identity, goals, states, counts):
        """The strays of a person's landmarks; states: list of [70], of the views; counts: [n], see `shares`."""
        neutral, naming = self._fit.landmarks.neutral(identity), self._points.naming
        if naming is None:
            return np.zeros_like(neutral)
        result = strays(self._fit, neutral, goals, states, naming, counts)
        for _ in range(STRAY_ROUNDS):
            states = [self._fit.fit(neutral + result, goal, state).state for goal, state in zip(goals, states)]
            result = strays(self._fit, neutral, goals, states, naming, counts)
        return result

    def person(self, number, descriptor, identity, texture, beside):
        """A Person of given coefficients, who looks as the model says; beside: [P,3] dm, see frame_fit.strays."""
        model = self._model
        shape = (model.meanshape - model.meanshape.mean(axis=0, dtype=np.float64)
                 + model.id_base.dot(identity.astype(np.float32)).reshape(-1, 3))
        albedo = np.clip(model.meantex + model.tex_base.dot(texture.astype(np.float32)).reshape(-1, 3), 1, 255)
        return Person(number, descriptor, identity, texture, shape.astype(np.float32), albedo.astype(np.float32),
                      self._fit.landmarks.neutral(identity) + beside, beside,
                      self.photometric.appearance(shape, identity, albedo))

    def _fitted(self, views):
        """[(share, coefficients [257])] of the best views, by the fitting of photos; of none, where that finds no
        face."""
        result = []
        source = FittingSource(DEFAULT_ITERATIONS)
        source.load(self._model)
        with tempfile.TemporaryDirectory() as folder:
            for share, view in zip(shares([view.quality for view in views], FITTED), views):
                path = os.path.join(folder, 'frame_%d.png' % view.number)
                Image.fromarray(view.rgb).save(path)
                try:
                    crops = crops_of_photo(path, 'frame', FaceFinder(self._detector), landmarks=True)
                except (InputError, LandmarkError):
                    continue
                result.append((share, source(crops[:1])[0][0]))
        total = sum(share for share, _ in result)
        return [(share / total, coeff) for share, coeff in result if total]

    def _observed(self, person, views, cameras, goals, counts):
        """The person's Appearance: the albedo that the views show at the chosen vertices, beside the model's."""
        term = self.photometric
        total = _MODEL_SHARE * person.appearance.albedo
        weight = np.full((len(total), 1), _MODEL_SHARE)
        for view, camera, goal, count in zip(views, cameras, goals, len(views) * counts):
            state = self._fit.fit(person.neutral, goal).state
            pixels = photometric.View(view.rgb, camera, photometric.face_center(state))
            state = self._fit.fit(person.neutral, goal, state,
                                  lambda guess, pixels=pixels: term.normal(person.appearance, guess, pixels),
                                  photometric.LANDMARK_TRUST).state
            seen, share = term.delit(person.appearance, state, pixels)
            total, weight = total + count * share * seen, weight + count * share
        return person.appearance._replace(albedo=total / weight)
