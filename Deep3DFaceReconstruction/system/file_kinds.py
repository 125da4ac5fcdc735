"""What a file visibly is, told from its first and last bytes, in words for an error message.

Downloads fail in few ways: a login page is saved under the file's name, a pointer is fetched instead of what it
points to, an archive is not unpacked, a file of another year or another program is taken for this one. Needs
nothing but Python itself, so that it also serves where nothing else is installed.
"""
import os
import re
import struct
import zipfile

from Deep3DFaceReconstruction.errors import one_line

_HEAD_BYTES = 4096
# How much of a text file is quoted.
_QUOTED = 60

# The kinds that a caller may want, for `what_is(path, wanted=...)`.
CHECKPOINT, HDF5, MATLAB5, NPY, PICKLE, TEXT = 'checkpoint', 'hdf5', 'matlab5', 'npy', 'pickle', 'text'
ZEROS, ZIP = 'zeros', 'zip'

# kind: (first bytes, words)
_MAGIC = (
    (MATLAB5, b'MATLAB 5.0 MAT-file', 'a MATLAB 5 file (.mat)'),
    (HDF5, b'\x89HDF\r\n\x1a\n', 'an HDF5 file (.h5), which is what BFM 2017 and BFM 2019 come as'),
    ('gzip', b'\x1f\x8b', 'a gzip archive (.gz): unpack it'),
    ('bzip2', b'BZh', 'a bzip2 archive (.bz2): unpack it'),
    ('xz', b'\xfd7zXZ\0', 'an xz archive: unpack it'),
    ('7z', b'7z\xbc\xaf\x27\x1c', 'a 7-Zip archive: unpack it'),
    ('rar', b'Rar!\x1a\x07', 'a RAR archive: unpack it'),
    ('pdf', b'%PDF-', 'a PDF document'),
    ('png', b'\x89PNG\r\n\x1a\n', 'a PNG image'),
    ('jpeg', b'\xff\xd8\xff', 'a JPEG image'),
    ('gif', b'GIF8', 'a GIF image'),
    (NPY, b'\x93NUMPY', 'a NumPy array (.npy)'),
)
# A MATLAB 5 file: 128 bytes of header, whose last two tell the order of bytes, then elements of (type, size, content).
_MAT_HEADER, _MAT_LITTLE = 128, b'IM'
_LFS = b'version https://git-lfs.github.com/spec/'
_MATLAB73 = b'MATLAB 7.3 MAT-file'
_ZIP = (b'PK\x03\x04', b'PK\x05\x06', b'PK\x07\x08')
# A tar archive says so behind its first file name.
_TAR, _TAR_AT = b'ustar', 257
# The last bytes of a table of TensorFlow: a checkpoint's index, or a whole checkpoint of the old format.
_TABLE_END = struct.pack('<Q', 0xdb4775248b80fb57)
# The number with which PyTorch's files began before they were zip archives, as pickle writes it.
_TORCH_NUMBER = b'\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'
_HTML = re.compile(br'\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|script|meta)\b', re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(br'<title[^>]*>([^<]*)</title>', re.IGNORECASE)
_BFM_YEAR = re.compile(r'(2017|2019).*\.h5$', re.IGNORECASE)


def what_is(path, wanted=None):
    """What a file visibly is when it is not what was wanted.

    Args:
      path: a file, a folder, or nothing.
      wanted: the kind that the caller reads (CHECKPOINT, HDF5, MATLAB5, NPY, PICKLE, TEXT, ZEROS, ZIP), which
        needs no words.
    Returns:
      words that finish the sentence 'expected ..., got', such as 'a saved web page (HTML)' or 'a zip archive:
      unpack it'; None where nothing is recognised, or for the wanted kind (a MATLAB 5 file: only a whole one).
    """
    if os.path.isdir(path):
        return 'a folder'
    if not os.path.exists(path):
        return 'a link to a file that is not there' if os.path.islink(path) else 'nothing'
    try:
        size = os.path.getsize(path)
        with open(path, 'rb') as file:
            head = file.read(_HEAD_BYTES)
            file.seek(max(size - len(_TABLE_END), 0))
            tail = file.read(len(_TABLE_END))
    except OSError as error:
        return 'a file that cannot be read (%s)' % one_line(error)
    kind, words = _recognised(path, head, tail)
    if kind == wanted == MATLAB5:
        return _cut_off(path, size)
    return None if kind == wanted else words


def got(path, otherwise):
    """'got ...' with the words of `what_is`, or `otherwise` where nothing is recognised: the end of an error."""
    words = what_is(path)
    return 'got ' + words if words else otherwise


def _cut_off(path, size):
    """Words for a MATLAB 5 file that ends within an element, else None; reads the elements' sizes alone."""
    with open(path, 'rb') as file:
        header = file.read(_MAT_HEADER)
        at, order = _MAT_HEADER, '<' if header.endswith(_MAT_LITTLE) else '>'
        while at < size:
            file.seek(at)
            tag = file.read(8)
            at += 8 + (struct.unpack(order + '4xI', tag)[0] if len(tag) == 8 else 0)
    if at == size:
        return None
    return f'a MATLAB 5 file that is cut off ({size:,} of at least {at:,} bytes)'


def _recognised(path, head, tail):
    """(kind, words) of a file by its bytes; (None, None) where they say nothing."""
    if not head:
        return 'empty', 'an empty file'
    if head.startswith(_LFS):
        return 'lfs', 'a git-lfs pointer, not the file itself (type: git lfs pull)'
    if head.startswith(_MATLAB73):
        return HDF5, "a MATLAB 7.3 file (HDF5 inside): in MATLAB, save it again with '-v7'"
    for kind, magic, words in _MAGIC:
        if head.startswith(magic):
            year = _BFM_YEAR.search(os.path.basename(path)) if kind == HDF5 else None
            return kind, 'the Basel Face Model %s (HDF5), not that of 2009' % year.group(1) if year else words
    if head.startswith(_ZIP):
        return _zip(path)
    if head[_TAR_AT:].startswith(_TAR):
        return 'tar', 'a tar archive: unpack it'
    if tail == _TABLE_END:
        return CHECKPOINT, 'a TensorFlow checkpoint'
    if head[:1] == b'\x80' and head[1:2] in (b'\x02', b'\x03', b'\x04', b'\x05'):
        if head[2:].startswith(_TORCH_NUMBER):
            return 'torch', _TORCH_WORDS
        return PICKLE, 'a Python pickle'
    if not head.strip(b'\0'):
        return ZEROS, 'a file of zeros, as a broken download leaves behind'
    return _text(head)


_TORCH_WORDS = 'a PyTorch checkpoint, which TensorFlow does not read'


def _zip(path):
    """A zip archive, or one of the formats that are zip archives inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ZIP, 'a damaged zip archive: fetch it again, then unpack it'
    if any(name.split('/')[-1] == 'data.pkl' for name in names):
        return 'torch', _TORCH_WORDS
    if names and all(name.endswith('.npy') for name in names):
        return ZIP, 'NumPy arrays (.npz)'
    return ZIP, 'a zip archive: unpack it'


def _text(head):
    """A web page or a message in place of a file; bytes of other meaning are none of our business."""
    bare = head[3:] if head.startswith(b'\xef\xbb\xbf') else head
    if _HTML.match(bare):
        title = _TITLE.search(bare)
        title = ' '.join(title.group(1).decode('utf-8', 'replace').split()) if title else ''
        return 'html', 'a saved web page (HTML)' + (", titled '%s'" % title[:_QUOTED] if title else '')
    if bare.lstrip().startswith(b'<?xml'):
        return 'xml', 'an XML document'
    try:
        # The last character may be cut.
        text = bare.decode('utf-8') if len(head) < _HEAD_BYTES else bare[:-4].decode('utf-8', 'ignore')
    except UnicodeDecodeError:
        return None, None
    if any(ord(c) < 32 and c not in '\t\n\r\f' for c in text) or '\x7f' in text:
        return None, None
    text = ' '.join(text.split())
    return TEXT, "a text file ('%s')" % (text if len(text) <= _QUOTED else text[:_QUOTED - 3] + '...')
