"""Files that somebody put in by mistake and that nothing reads where they are: archives, other years, wrong places.

Needs nothing but Python itself.
"""
import os
import re
import zipfile
from typing import NamedTuple

from Deep3DFaceReconstruction.doctor import catalogue
from Deep3DFaceReconstruction.system import file_kinds

FOLDERS = ('BFM', 'network', 'weights')


class Stray(NamedTuple):
    """A file that nothing reads where it is."""
    path: str    # from the root, with '/'
    found: str   # what it is, in words
    advice: str  # sentences


_DEPTH = 4
# Our own, and what is hidden.
_PASSED_OVER = ('cache', '__pycache__')
_ARCHIVES = ('.zip', '.tar', '.gz', '.tgz', '.bz2', '.xz', '.7z', '.rar')
_UNREAD = _ARCHIVES + ('.h5', '.hdf5', '.pth', '.pt', '.crdownload', '.part', '.download', '.htm', '.html', '.url')
_UNFINISHED = ('.crdownload', '.part', '.download')
# What is in archives that are known by name: (part of the name, key of the entry).
_KNOWN_ARCHIVES = (('resnet_v1_50', 'resnet_ckpt'), ('20170512-110547', 'facenet'), ('baselfacemodel', 'bfm09'),
                   ('coarsedata', 'exp_pca'), ('facereconmodel', 'face_recon_pb'), ('exp_pca', 'exp_pca'),
                   ('01_morphablemodel', 'bfm09'), ('bfm_model_front', 'bfm_model_front'),
                   ('landmark68', 'landmark68_pb'))
_COPY_NUMBER = re.compile(r' ?\(\d+\)')
_FACENET_INDEX = re.compile(r'20170512-110547.*\.index$')
# Files of the program's own places, by lower-case name.
_WANTED = {os.path.basename(item.place).lower(): item for item in catalogue.ITEMS
           if item.place and not item.place.endswith(os.sep)}


def find(root, right=()):
    """The stray files of a checkout.

    Args:
      root: the repository's root.
      right: keys of the catalogue's entries that are there and right: their archives are not reported.
    Returns:
      list of Stray, by path.
    """
    found = []
    for folder in FOLDERS:
        for path in _files(os.path.join(root, folder)):
            found.append(_judge(os.path.relpath(path, root), root, right))
    for name in sorted(os.listdir(root) if os.path.isdir(root) else ()):
        if name.lower() in _WANTED and os.path.isfile(os.path.join(root, name)):
            found.append(_judge(name, root, right))
    return [stray for stray in found if stray]


def _files(folder):
    for path, folders, names in os.walk(folder):
        depth = os.path.relpath(path, folder).count(os.sep) + 1
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER and not name.startswith('.')
                            and depth < _DEPTH)
        for name in sorted(names):
            if not name.startswith('.'):
                yield os.path.join(path, name)


def _judge(path, root, right):
    name = os.path.basename(path)
    shown = path.replace(os.sep, '/')
    full = os.path.join(root, path)
    item = _WANTED.get(_COPY_NUMBER.sub('', name).lower())
    if item is not None:
        if os.path.normpath(item.place) == os.path.normpath(path) or _there(item, root):
            return None
        return Stray(shown, 'this looks like %s, but nothing looks for it here' % item.name,
                     'Type: %s.' % _move(path, item.place))
    if _FACENET_INDEX.search(name) and not _there(_item('facenet'), root):
        place = _item('facenet').place
        if os.path.normpath(os.path.dirname(path)) != os.path.normpath(place):
            return Stray(shown, "FaceNet's checkpoint, but nothing looks for it here",
                         'Type: %s.' % _move(os.path.join(os.path.dirname(path), '*'), place))
    if not name.lower().endswith(_UNREAD):
        return None
    words = file_kinds.what_is(full)
    if name.lower().endswith(_UNFINISHED):
        return Stray(shown, 'a download that was not finished', 'Fetch it again, or remove it.')
    if name.lower().endswith(('.h5', '.hdf5')):
        if 'bfm_model_front' in right or 'bfm09' in right:
            return None
        return Stray(shown, words or 'another format', 'This program reads the Basel Face Model of 2009 alone '
                     '(01_MorphableModel.mat); apply for it at https://faces.dmi.unibas.ch/bfm/.')
    if name.lower().endswith(_ARCHIVES):
        items = _inside(full, name)
        if items and all(item.key in right for item in items):
            return None  # unpacked already
        where = ', '.join('%s goes to %s' % (item.name, item.place) for item in items)
        return Stray(shown, words or 'an archive that cannot be recognised',
                     'Unpack it: %s.' % (where or 'the table says where each file goes'))
    return Stray(shown, words or 'another format', 'No program here reads it; remove it.')


def _there(item, root):
    place = os.path.join(root, item.place)
    if item.place.endswith(os.sep):
        return os.path.isdir(place) and any(name.endswith('.index') for name in os.listdir(place))
    return os.path.lexists(place) or os.path.isfile(place + '.index')


def _move(path, place):
    folder = os.path.dirname(place) if not place.endswith(os.sep) else place.rstrip(os.sep)
    source = path if re.match(r'[\w./*-]+$', path) else "'%s'" % path
    return 'mkdir -p %s && mv %s %s' % (folder, source, place)


def _item(key):
    return catalogue.BY_KEY[key]


def _inside(path, name):
    """The entries whose files an archive holds, by its list of contents or by its name."""
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                inside = {inner.split('/')[-1].lower() for inner in archive.namelist()}
        except (zipfile.BadZipFile, OSError, ValueError):
            inside = set()
        items = [_WANTED[inner] for inner in sorted(inside) if inner in _WANTED]
        if items:
            return items
    return [_item(key) for part, key in _KNOWN_ARCHIVES if part in name.lower()][:1]
