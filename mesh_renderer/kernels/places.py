"""Where the compiled library lies, whether it fits this machine, and one process at a time that compiles it.

The library lies beside its sources. Where that folder cannot be written (a shared or read-only site-packages) it lies
in a folder of the user's cache that is named after all that it is made of, so that environments do not disturb each
other: $XDG_CACHE_HOME/mesh_renderer, by default ~/.cache/mesh_renderer.
"""
import contextlib
import fcntl
import hashlib
import os
import re
import sys
from typing import NamedTuple

FOLDER = os.path.dirname(os.path.abspath(__file__))
LOCK = '.compiling'
# Extensions of x86-64 that a compiler uses on its own.
_EXTENSIONS = re.compile(r'(sse|ssse|avx|fma|bmi|f16c|popcnt|abm|movbe|adx)')


class Stamp(NamedTuple):
    """What a library is made of."""
    tensorflow: str  # version
    sources: str     # digest
    processor: str   # extensions of the instruction set that it may use, in order, one blank between; '' for any x86-64
    command: str     # of the compiler, without the folder of TensorFlow

    def text(self):
        return ''.join('%s %s\n' % pair for pair in zip(self._fields, self))

    @classmethod
    def parse(cls, text):
        """The stamp in a text; fields that it does not have are ''."""
        lines = dict(line.split(' ', 1) for line in text.splitlines() if ' ' in line)
        return cls(*[lines.get(field, '').strip() for field in cls._fields])

    def runs_here(self, wanted):
        """Whether a library of this stamp does what one of the stamp `wanted` would do, whatever its optimisation."""
        return (self[:2] == wanted[:2] and
                set(self.processor.split()) <= set(processor_extensions().split()))


def processor_extensions():
    """The instruction set extensions of this processor, as Stamp.processor has them; '' where they are not known."""
    with contextlib.suppress(OSError), open('/proc/cpuinfo') as cpuinfo:
        for line in cpuinfo:
            if line.startswith('flags'):
                return ' '.join(sorted(filter(_EXTENSIONS.match, line.split(':', 1)[1].split())))
    return ''


def library_path(version, folder=FOLDER):
    """Where the library for TensorFlow `version` ('1.15.5') lies in a folder."""
    return os.path.join(folder, 'mesh_renderer_tf%s.so' % version)


def cache_folder(stamp):
    """The folder in the user's cache for a library of this stamp."""
    cache = os.environ.get('XDG_CACHE_HOME', '')
    if not os.path.isabs(cache):  # which the specification of XDG_CACHE_HOME says to ignore
        cache = os.path.join(os.path.expanduser('~'), '.cache')
    return os.path.join(cache, 'mesh_renderer', hashlib.sha256(stamp.text().encode()).hexdigest()[:16])


def target_path(stamp, folder=FOLDER):
    """Where a library of this stamp is to be written: in `folder` if that can be written, else in the user's cache."""
    return library_path(stamp.tensorflow, folder if os.access(folder, os.W_OK) else cache_folder(stamp))


def find(stamp, folder=FOLDER):
    """The library that runs here and is made for the TensorFlow and of the sources of `stamp`; None: there is none."""
    for path in (library_path(stamp.tensorflow, folder), library_path(stamp.tensorflow, cache_folder(stamp))):
        if os.path.exists(path) and stamp_of(path).runs_here(stamp):
            return path
    return None


def stamp_of(path):
    """What the library at `path` was made of, as recorded beside it; all '' where there is no record."""
    try:
        with open(path + '.stamp') as stamp:
            return Stamp.parse(stamp.read())
    except OSError:
        return Stamp('', '', '', '')


def replace(path, fresh, stamp):
    """Puts the library that was written to `fresh` in the place of that at `path`, with its stamp."""
    fresh_stamp = fresh + '.stamp'
    with open(fresh_stamp, 'w') as out:
        out.write(stamp.text())
    # A library without its stamp is compiled again; a stamp is never newer than its library.
    with contextlib.suppress(FileNotFoundError):
        os.remove(path + '.stamp')
    os.replace(fresh, path)
    os.replace(fresh_stamp, path + '.stamp')


@contextlib.contextmanager
def locked(folder):
    """Waits until no other process compiles in `folder`. The system lifts the lock of a process that dies.

    Raises:
        OSError: the folder cannot be made or written.
    """
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, LOCK), 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('mesh_renderer: waiting for another process that compiles the renderer', file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks: then two may compile, and the last one's library stays
        yield
