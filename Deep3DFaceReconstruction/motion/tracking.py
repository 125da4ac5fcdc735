"""Follows the faces of a clip: detects now and then, reads landmarks in every frame, notices cuts and losses.

The landmarks are read in a square that stays where it is until the face has moved or grown by a few percent of it:
what does not move gives the same numbers in every frame.
"""
from typing import NamedTuple, Optional

import cv2
import numpy as np

_MOVED, _GROWN, _TILTED = 0.05, 1.06, 8.0   # share of the side, ratio, degrees, before the square follows
_SETTLING = 4           # readings in a frame where a face was detected
_SAME_PLACE = 0.3       # overlap at which a detection is a face that is followed already
_DETECT_EVERY = 20      # frames between looks for new faces, with one in view
_SEARCH_EVERY = 4       # and with none
_VERIFY_EVERY = 6       # frames between checks that what is followed is still a face
_PATIENCE = 12          # frames without a face after which a track ends
_CUT = 24.0             # mean change of a thumbnail's grey levels at which the scene is another one
_STEP = 0.5             # of the face's size: landmarks do not jump further between frames
_LONGEST_SIDE = 1280    # pixels, of a frame in which faces are looked for


class Place(NamedTuple):
    """A square of a frame with a face: its middle [2], its side, pixels; degrees by which the face leans clockwise."""

    center: np.ndarray
    side: float
    tilt: float


class Seen(NamedTuple):
    """One face in one frame.

    Attributes:
      track: number of the track, from 0; a face that leaves and comes back gets another one.
      points: [K,2] landmarks, pixels of the frame, y-down; None where the face is not found just now.
      fresh: whether the track begins here.
    """

    track: int
    points: Optional[np.ndarray]
    fresh: bool


class _Track:
    def __init__(self, number):
        self.number, self.age, self.missing = number, 0, 0
        self.place = self.points = None


def follow(place, new):
    """The square for the next frame: the same one, unless the face has left its middle, grown or tilted."""
    still = (np.abs(new.center - place.center).max() < _MOVED * place.side
             and 1 / _GROWN < new.side / place.side < _GROWN and abs(new.tilt - place.tilt) < _TILTED)
    return place if still else new


class Tracker:
    """Follows faces through the frames of a clip, which come in order."""

    def __init__(self, reader, most=4):
        """Args: reader: see landmark_readers; most: faces that are followed at once, the largest ones."""
        self._reader, self._most = reader, most
        self._tracks, self._next = [], 0
        self._since_detection = 0
        self._thumbnail = None

    def update(self, rgb):
        """The faces in view: a list of Seen, those included that are lost for the moment.

        Args:
          rgb: [H,W,3] uint8.
        """
        cut = self._is_cut(rgb)
        if cut:
            self._tracks = []
        for track in self._tracks:
            self._advance(track, rgb)
        self._tracks = [track for track in self._tracks if track.missing <= _PATIENCE]
        searching = not self._tracks or any(track.missing for track in self._tracks)
        self._since_detection += 1
        if cut or self._since_detection >= (_SEARCH_EVERY if searching else _DETECT_EVERY):
            self._since_detection = 0
            self._detect(rgb)
        seen = [Seen(track.number, None if track.missing else track.points, track.age == 0)
                for track in self._tracks]
        for track in self._tracks:
            track.age += 1
        return seen

    def _is_cut(self, rgb):
        """Whether the scene is another one, or the first."""
        small = cv2.resize(rgb, (48, 32), interpolation=cv2.INTER_AREA).astype(np.float32).mean(axis=2)
        # A brighter or darker exposure of the same scene is not a cut.
        thumbnail, before = small - small.mean(), self._thumbnail
        self._thumbnail = thumbnail
        return before is None or float(np.abs(thumbnail - before).mean()) > _CUT

    def _advance(self, track, rgb):
        points = self._reader.read(rgb, track.place)
        here = points is not None and (
            np.linalg.norm((points - track.points).mean(axis=0)) < _STEP * (1 + track.missing) * track.place.side)
        if here and (track.missing or track.age % _VERIFY_EVERY == 0):
            here = self._reader.is_face(rgb, points)
        if not here:
            track.missing += 1
            return
        track.missing, track.points = 0, points
        track.place = follow(track.place, self._reader.place_of(points))

    def _detect(self, rgb):
        scale = min(1.0, _LONGEST_SIDE / max(rgb.shape[:2]))
        small = rgb if scale == 1 else cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for place in self._reader.detect(small):
            place = place._replace(center=place.center / scale, side=place.side / scale)
            same = [track for track in self._tracks if _overlap(track.place, place) > _SAME_PLACE]
            if same and same[0].missing:
                self._settle(same[0], rgb, place)
            elif not same and len(self._tracks) < self._most:
                track = _Track(self._next)
                if self._settle(track, rgb, place):
                    self._next += 1
                    self._tracks.append(track)

    def _settle(self, track, rgb, place):
        """Puts a track where a face was detected, in the square that its own landmarks give; False: no face."""
        for _ in range(_SETTLING):
            points = self._reader.read(rgb, place)
            if points is None:
                return False
            before, place = place, follow(place, self._reader.place_of(points))
            if place is before:
                break
        if not self._reader.is_face(rgb, points):
            return False
        track.place, track.points, track.missing = place, points, 0
        return True


def _overlap(a, b):
    """Shared over joint area of two squares."""
    half = (a.side + b.side) / 2
    shared = np.prod(np.clip(half - np.abs(a.center - b.center), 0, min(a.side, b.side)))
    return shared / (a.side ** 2 + b.side ** 2 - shared)
