"""Which photos are whose: the folders of the people."""
import os
from typing import List, NamedTuple, Tuple

from Deep3DFaceReconstruction.errors import InputError, one_line
from Deep3DFaceReconstruction.photo.image_kinds import IMAGE_EXTENSIONS
from Deep3DFaceReconstruction.photo.photo_files import find_photos

# Images that a training set of a person needs.
FEWEST = 2


class PersonFolder(NamedTuple):
    """The photos of one person: the name of the set, their folder, and the folder of the results."""

    name: str
    path: str
    output: str


class People(NamedTuple):
    """The people of a run, and lines on what in the folder is not a person's.

    Attributes:
      folders: list of PersonFolder, by name.
      empty: lines on folders without photos.
      notes: lines on what was passed over.
    """

    folders: List[PersonFolder]
    empty: Tuple[str, ...]
    notes: Tuple[str, ...]


def find_people(source, target, same_person=False, hint=''):
    """The People of a folder.

    Args:
      source: folder of photos, or of folders of photos.
      target: where the results go; not a person's folder.
      same_person: whether the photos of `source` itself are one person's.
      hint: what else the user might want where nobody is found.
    Raises:
      InputError: a folder that is missing or cannot be read, or nobody in it.
    """
    if same_person:
        name = os.path.basename(os.path.abspath(source)) or 'person'
        return People([PersonFolder(name, source, target)], (), ())
    folders, empty = [], []
    for name in _subfolders(source):
        path = os.path.join(source, name)
        if os.path.realpath(path) == os.path.realpath(target):
            continue
        photos = find_photos(path)
        if photos.paths or photos.unsupported:
            folders.append(PersonFolder(name, path, os.path.join(target, name)))
        elif not photos.own_results:
            empty.append('%s: expected photos of a person (%s), found none' % (path, ', '.join(IMAGE_EXTENSIONS)))
    if not folders:
        raise InputError('%s: expected a folder of photos for each person, found none%s' % (
            source, '; ' + hint if hint else ''))
    loose = len(find_photos(source).paths)
    note = '%s: %d photo%s outside the folders of the people not read' % (source, loose, '' if loose == 1 else 's')
    return People(folders, tuple(empty), (note,) if loose else ())


def _subfolders(source):
    try:
        return sorted(name for name in os.listdir(source)
                      if not name.startswith('.') and os.path.isdir(os.path.join(source, name)))
    except OSError as error:
        raise InputError('%s: expected a folder of folders of photos, got: %s' % (source, one_line(error)))
