"""The output folder of demo.py and edit.py: which of its files an earlier run has written, and from which photos.

A hidden file in the folder (`RECORD_NAME`) lists every file that was written, with size, time, checksum and script, and
what each photo gave. So results can be replaced, kept (--resume) or removed, and a file that this program did not
write, or that somebody has changed since, is never touched. The files of a photo are made in a hidden folder,
recorded, and only then moved to where they belong.
"""
import contextlib
import json
import os
import re
import shutil
import tempfile
import threading
import time
import zlib

from Deep3DFaceReconstruction.errors import InputError, one_line
from Deep3DFaceReconstruction.system.files import TEMPORARY_PREFIX, UNFINISHED_SECONDS, atomic_write
from Deep3DFaceReconstruction.system.own_files import check_replaceable

RECORD_NAME = '.deep3d_results'
SUMMARY_NAME = 'summary.csv'
_PROGRAM, _FORMAT = 'Deep3DFaceReconstruction', 1
_STAGING = TEMPORARY_PREFIX + 'results-'
# Records of replaced files stay until there are this many times as many as files.
_REWRITE_AT = 4
_CHUNK = 1 << 20


class ResultFolder:
    """The results in a folder; may be used by several threads.

    Args:
      path: the folder; it must be there.
      script: what writes into it now, for the record.
    Raises:
      InputError: the record in it is not one, or cannot be read.
    """

    def __init__(self, path, script='demo.py'):
        self.path, self._script = path, script
        self._lock = threading.Lock()
        self._files = {}   # name -> [[size, time, checksum, script], ...], the newest last
        self._photos = {}  # file name of a photo -> {photo_name, facts, rows, files}
        self._load()
        self._remove_unfinished()

    def _load(self):
        record = self._path_of(RECORD_NAME)
        if not os.path.lexists(record):
            return
        try:
            with open(record, encoding='utf-8') as file:
                lines = file.read().splitlines()
            if not lines or not _is_header(json.loads(lines[0])):
                raise ValueError('another file')
        except (OSError, ValueError) as error:
            raise InputError('%s: expected the record of an earlier run, got: %s' % (record, one_line(error)))
        for line in lines[1:]:
            with contextlib.suppress(ValueError):  # the last line of a run that was killed
                self._take(json.loads(line))
        if len(lines) > 100 and len(lines) > _REWRITE_AT * (len(self._files) + len(self._photos)):
            self._rewrite()

    def _take(self, entry):
        if 'photo' in entry:
            self._photos[entry['photo']] = entry
        for name, facts in entry.get('written', {}).items():
            self._files.setdefault(name, []).append(facts)

    def _rewrite(self):
        """Leaves out what is said of files that are no longer there."""
        self._files = {name: [facts for facts in known if _is_same(self._path_of(name), facts)][-1:]
                       for name, known in self._files.items()}
        self._files = {name: known for name, known in self._files.items() if known}
        entries = [{'written': {name: known[0]}} for name, known in self._files.items()] + list(self._photos.values())
        with atomic_write(self._path_of(RECORD_NAME)) as temporary, open(temporary, 'w', encoding='utf-8') as file:
            file.writelines(json.dumps(entry) + '\n' for entry in [self._header()] + entries)

    def _note(self, entry):
        entry = json.loads(json.dumps(entry))
        with self._lock:
            is_new = not os.path.exists(self._path_of(RECORD_NAME))
            with open(self._path_of(RECORD_NAME), 'a', encoding='utf-8') as file:
                file.write((json.dumps(self._header()) + '\n' if is_new else '') + json.dumps(entry) + '\n')
            self._take(entry)

    def _remove_unfinished(self):
        """Removes the hidden folders of runs that were killed."""
        for entry in os.listdir(self.path):
            path = self._path_of(entry)
            if (entry.startswith(_STAGING) and os.path.isdir(path) and not os.path.islink(path)
                    and time.time() - os.path.getmtime(path) > UNFINISHED_SECONDS):
                shutil.rmtree(path, ignore_errors=True)

    def _header(self):
        return {'made_by': '%s %s' % (_PROGRAM, self._script), 'format': _FORMAT}

    def _path_of(self, name):
        return os.path.join(self.path, name)

    def photo_names(self):
        """{file name of a photo: the NAME that its results have}."""
        return {photo: record['photo_name'] for photo, record in self._photos.items()}

    def refuse_foreign_files(self, names, suffixes, numbered):
        """Sees that results of these names would replace nothing but results.

        Args:
          names: NAME of each photo.
          suffixes: what is written behind NAME.
          numbered: whether NAME_1, NAME_2, ... may be written too.
        Raises:
          InputError: names the file in the way.
        """
        wanted = set(names)
        for entry in sorted(os.listdir(self.path)) if numbered else ():
            for suffix in suffixes:
                if entry.endswith(suffix) and re.sub(r'_\d+$', '', entry[:-len(suffix)]) in wanted:
                    self.check(entry)
        for name in names:  # by asking for each: where case does not count, a file of another case is in the way
            for suffix in suffixes:
                self.check(name + suffix)
        self.check(SUMMARY_NAME)

    def check(self, name):
        """Raises InputError where a file of this name lies in the folder that is not a result, or was changed since."""
        check_replaceable(self._path_of(name), lambda path: self._is_own(name))

    def _is_own(self, name):
        return any(_is_same(self._path_of(name), facts) for facts in self._files.get(name, []))

    def finished(self, photo, facts):
        """The rows of a photo whose results are all there, whole, and made from the same photo and options; else None.

        Args:
          photo: file name of the photo.
          facts: what `finish_photo` was given.
        """
        record = self._photos.get(photo)
        if record is None or not record['files'] or record['facts'] != json.loads(json.dumps(facts)):
            return None
        whole = all(_is_same(self._path_of(name), self._files.get(name, [None])[-1]) for name in record['files'])
        return record['rows'] if whole else None

    def write(self, write_files):
        """Has files written, and moves them into the folder together.

        Args:
          write_files: function of a folder that writes them there.
        Returns:
          (what it returned, names of the files).
        Raises:
          OSError: the folder cannot be written. InputError: a file is in the way.
        """
        staging = tempfile.mkdtemp(prefix=_STAGING, dir=self.path)
        try:
            result = write_files(staging)
            names = sorted(os.listdir(staging))
            for name in names:
                self.check(name)
            # Recorded first: a run that is killed now leaves files that the next one knows.
            self._note({'written': {name: _facts_of(os.path.join(staging, name)) + [self._script] for name in names}})
            for name in names:
                os.replace(os.path.join(staging, name), self._path_of(name))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return result, names

    def finish_photo(self, photo, photo_name, facts, rows, names):
        """Records what a photo gave, and removes what an earlier run has left of it.

        Args:
          photo: file name of the photo; photo_name: NAME.
          facts: what its results depend on, for JSON.
          rows: lists of text, for JSON.
          names: its files.
        Raises:
          OSError: the folder cannot be written.
        """
        before = self._photos.get(photo, {'files': []})['files']
        if not names and photo not in self._photos:
            return
        self._note({'photo': photo, 'photo_name': photo_name, 'facts': facts, 'rows': rows, 'files': names})
        for name in set(before) - set(names):
            path = self._path_of(name)
            if self._is_own(name) and not os.path.islink(path) and not self._belongs_to_another(name, photo):
                os.remove(path)

    def _belongs_to_another(self, name, photo):
        return any(name in record['files'] for other, record in self._photos.items() if other != photo)


def final_folder(folder):
    """Where the files of a folder come to lie: the result folder if ResultFolder.write made it, else the folder."""
    path = os.path.abspath(folder)
    return os.path.dirname(path) if os.path.basename(path).startswith(_STAGING) else path


def _is_header(header):
    """Whether the first line of a record is that of a script of this program."""
    return (isinstance(header, dict) and header.get('format') == _FORMAT
            and str(header.get('made_by', '')).split(' ')[0] == _PROGRAM)


def photo_facts(image_path, landmark_path, made_with):
    """What results depend on, for `ResultFolder`: the photo, its landmark file and the options."""
    return {'photo': file_facts(image_path), 'landmarks': file_facts(landmark_path), 'made_with': made_with}


def file_facts(path):
    """[name, bytes, time] of a file, or None."""
    if path is None or not os.path.exists(path):
        return None
    status = os.stat(path)
    return [os.path.basename(path), status.st_size, status.st_mtime_ns]


def _facts_of(path):
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, _checksum(path)]


def _is_same(path, facts):
    """Whether a file is the one of these facts; its content is read where its time does not tell."""
    try:
        status = os.stat(path)
        return facts is not None and status.st_size == facts[0] and (
            status.st_mtime_ns == facts[1] or _checksum(path) == facts[2])
    except OSError:
        return False


def _checksum(path):
    value = 0
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(_CHUNK), b''):
            value = zlib.crc32(block, value)
    return value
