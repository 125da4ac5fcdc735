"""What lies in a folder of photos: which files are photos, how their results are called, where their landmarks are.

Kinds are told from the first bytes of a file, not from its name: a JPEG called .png is a photo.
"""
import collections
import os
import unicodedata
from typing import List, NamedTuple, Tuple

from Deep3DFaceReconstruction.errors import InputError, one_line
from Deep3DFaceReconstruction.photo.image_kinds import IMAGE_EXTENSIONS, advice, kind_of
from Deep3DFaceReconstruction.system.own_files import HEAD_BYTES, is_own_head

LANDMARK_EXTENSIONS = ('.txt', '.pts', '.json')

_JSON_BYTES = 1 << 20


class Photos(NamedTuple):
    """The content of a folder of photos.

    Attributes:
      paths: files to read, sorted by name; some may turn out to be broken.
      unsupported: (path, kind) of each photo that this program cannot read.
      own_results: how many images of this program's own making were passed over.
    """

    paths: List[str]
    unsupported: List[Tuple[str, str]]
    own_results: int


def find_photos(folder):
    """The Photos in a folder (not in its sub-folders); hidden files are left out.

    Raises:
      InputError: the folder is missing, is not a folder, or cannot be read.
    """
    paths, unsupported, own_results = [], [], 0
    for path in _files_in(folder):
        if os.path.isdir(path):
            continue
        head = _head_of(path)
        kind, readable = kind_of(os.path.splitext(path)[1].lower(), head)
        if is_own_head(head):
            own_results += 1
        elif readable:
            paths.append(path)
        elif kind is not None:
            unsupported.append((path, kind))
    return Photos(paths, unsupported, own_results)


def list_images(folder):
    """Paths of the images in a folder by their extensions alone (`IMAGE_EXTENSIONS`, any case), sorted by name.

    For folders that a program has filled, where looking into every file would take long; hidden files are left out.

    Raises:
      InputError: the folder is missing, is not a folder, or cannot be read.
    """
    return [path for path in _files_in(folder) if os.path.splitext(path)[1].lower() in IMAGE_EXTENSIONS]


def _files_in(folder):
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise InputError('%s: expected a folder of images, got: %s' % (folder, one_line(error))) from error
    return [os.path.join(folder, name) for name in sorted(names) if not name.startswith('.')]


def _head_of(path):
    try:
        with open(path, 'rb') as file:
            return file.read(HEAD_BYTES)
    except OSError:  # reading it again will say why
        return b''


def unsupported_line(folder, unsupported):
    """One line that lists, by kind and number, the photos of a folder that cannot be read; None without any."""
    if not unsupported:
        return None
    count = collections.Counter(kind for _, kind in unsupported)
    kinds = ', '.join('%d %s' % (number, kind) for kind, number in sorted(count.items()))
    return '%s: %d photo%s not read: %s; %s' % (
        folder, len(unsupported), '' if len(unsupported) == 1 else 's', kinds, advice(count))


def result_names(paths, numbered=False, recorded=None, reserved=()):
    """NAME of each photo, for the files made from it: no two alike, also where case does not count.

    It is the photo's own without the extension; with the extension (`NAME_jpg`) where several photos would have the
    same; with more underscores (`NAME__jpg`) where that is taken. A photo keeps the name that it had before.

    Args:
      paths: the photos.
      numbered: whether several faces of a photo are called NAME_1, NAME_2, ...: another photo's name may not be such.
      recorded: {file name of a photo: its NAME in an earlier run into the same folder}.
      reserved: names that no photo may have.
    """
    files = [os.path.basename(path) for path in paths]
    stems = [os.path.splitext(name)[0] for name in files]
    recorded = recorded or {}
    names = _Names(stems, numbered, reserved)
    # Who had a name keeps it; then those whose name nobody else wants; then the rest.
    for index in sorted(range(len(files)), key=lambda index: recorded.get(files[index], '')):
        if files[index] in recorded:
            names.give(index, [recorded[files[index]]])
    for index, stem in enumerate(stems):
        if names.is_wanted_once(stem):
            names.give(index, [stem])
    return [names.give(index, _longer_names(file, len(files))) for index, file in enumerate(files)]


def _longer_names(file, count):
    """NAME_jpg, NAME__jpg, ...: one of the first `count` + 1 is free."""
    stem, extension = os.path.splitext(file)
    yield file.replace('.', '_')
    for underscores in range(2, count + 3):
        yield stem.replace('.', '_') + '_' * underscores + extension[1:]


class _Names:
    """Which names are given away, by the number of the photo; see result_names for the arguments."""

    def __init__(self, stems, numbered, reserved):
        self._wanted = collections.Counter(map(_folded, stems))
        self._numbered = numbered
        self._taken = set(map(_folded, reserved))
        self._face_bases = set()  # NAME of the given names that look like NAME_1
        self._given = {}

    def is_wanted_once(self, stem):
        return self._wanted[_folded(stem)] == 1

    def give(self, index, candidates):
        """The name of a photo: what it has already, or the first free one of the candidates; None where none is."""
        if index not in self._given:
            name = next(filter(self._is_free, candidates), None)
            if name is None:
                return None
            self._given[index] = name
            self._taken.add(_folded(name))
            base, _, number = _folded(name).rpartition('_')
            self._face_bases.update([base] if number.isdigit() else [])
        return self._given[index]

    def _is_free(self, name):
        folded = _folded(name)
        base, _, number = folded.rpartition('_')
        is_face = number.isdigit() and (base in self._taken or base in self._wanted)
        return folded not in self._taken and not (self._numbered and (is_face or folded in self._face_bases))


def _folded(name):
    """What two names have in common that a file system may take for one."""
    return unicodedata.normalize('NFC', name).casefold()


def landmark_path_for(image_path):
    """The landmark file of a photo: NAME.EXT.txt, else NAME.txt; .pts and .json too, in lower or upper case.

    Returns:
      the path of a file that is there, else that of NAME.txt.
    """
    stem = os.path.splitext(image_path)[0]
    for base in (image_path, stem):
        for extension in LANDMARK_EXTENSIONS:
            for path in (base + extension, base + extension.upper()):
                if os.path.exists(path) and not (extension == '.json' and not _speaks_of_landmarks(path)):
                    return path
    return stem + LANDMARK_EXTENSIONS[0]


def _speaks_of_landmarks(path):
    """Whether a .json file beside a photo is about landmarks; many programs put other facts there."""
    try:
        with open(path, 'rb') as file:
            text = file.read(_JSON_BYTES).lower()
    except OSError:
        return False
    return any(word in text for word in (b'landmark', b'keypoint', b'"kps"', b'left_eye', b'lefteye'))
