"""What an image file is, by its first bytes, and whether this program can read it.

HEIC and AVIF need pillow-heif (requirements-heif.txt), which is optional as its wheels carry an encoder under the GPL;
recent versions of Pillow read AVIF themselves.
"""
import importlib.util
import warnings

from PIL import features

IMAGE_EXTENSIONS = ('.bmp', '.gif', '.jfif', '.jpe', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')

_READABLE = ((b'\xff\xd8\xff', 'JPEG'), (b'\x89PNG\r\n\x1a\n', 'PNG'), (b'GIF8', 'GIF'), (b'II*\0', 'TIFF'),
             (b'MM\0*', 'TIFF'), (b'\0\0\0\x0cjP  \r\n', 'JPEG 2000'))
_RAW = 'camera raw'
_OTHER_KINDS = ((b'8BPS', 'Photoshop'), (b'\xff\x0a', 'JPEG XL'), (b'\0\0\0\x0cJXL \r\n', 'JPEG XL'),
                (b'gimp xcf', 'GIMP'), (b'FUJIFILMCCD-RAW', _RAW), (b'IIRO', _RAW),
                (b'IIU\0', _RAW), (b'II\x1a\0\0\0HEAPCCDR', _RAW), (b'FOVb', _RAW))
# Camera raw files are often TIFF by their first bytes: the image that a TIFF reader finds in them is a thumbnail.
_RAW_EXTENSIONS = ('.3fr', '.arw', '.cr2', '.cr3', '.crw', '.dcr', '.dng', '.erf', '.iiq', '.kdc', '.mef', '.mos',
                   '.mrw', '.nef', '.nrw', '.orf', '.pef', '.raf', '.raw', '.rw2', '.rwl', '.sr2', '.srf', '.srw',
                   '.x3f')
_OTHER_EXTENSIONS = dict({extension: _RAW for extension in _RAW_EXTENSIONS}, **{
    '.heic': 'HEIC', '.heif': 'HEIC', '.hif': 'HEIC', '.avif': 'AVIF', '.jxl': 'JPEG XL', '.psd': 'Photoshop'})
_UNSUPPORTED = frozenset(kind for _, kind in _OTHER_KINDS)
_HEIC_BRANDS = (b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'mif1', b'msf1')
_AVIF_BRANDS = (b'avif', b'avis')


def kind_of(extension, head):
    """(kind, whether it is to be read) of a file by its extension and first bytes; (None, False) of what is no image.

    What has the name of an image is to be read, whatever it is: the error then says what is wrong with it.
    """
    kind = _kind_of_bytes(head)
    if kind == 'TIFF' and (extension in _RAW_EXTENSIONS or head[8:10] == b'CR'):
        kind = _RAW
    if kind in ('HEIC', 'AVIF'):
        return kind, reads_heif(kind)
    if kind in _UNSUPPORTED:
        return kind, False
    if kind is None and extension in _OTHER_EXTENSIONS:
        return _OTHER_EXTENSIONS[extension], False
    return kind, kind is not None or extension in IMAGE_EXTENSIONS


def _kind_of_bytes(head):
    for magic, kind in _READABLE + _OTHER_KINDS:
        if head.startswith(magic):
            return kind
    if head[:4] == b'RIFF' and head[8:12] == b'WEBP':
        return 'WebP'
    if head[:2] == b'BM' and head[6:10] == b'\0\0\0\0':
        return 'BMP'
    if head[4:8] == b'ftyp':
        if head[8:12] == b'crx ':
            return _RAW
        brands = head[8:12] + head[16:32]
        if any(brand in brands for brand in _AVIF_BRANDS):
            return 'AVIF'
        if head[8:12] in _HEIC_BRANDS:
            return 'HEIC'
    return None


def heif_kind(head):
    """'HEIC' or 'AVIF' where the first bytes of a file say so, else None."""
    kind = _kind_of_bytes(head)
    return kind if kind in ('HEIC', 'AVIF') else None


def has_pillow_heif():
    """Whether pillow-heif is installed."""
    return importlib.util.find_spec('pillow_heif') is not None


def pillow_reads_avif():
    """Whether Pillow reads AVIF itself."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # older versions do not know the name
        return bool(features.check('avif'))


def reads_heif(kind):
    """Whether photos of a kind, 'HEIC' or 'AVIF', can be read."""
    if kind == 'AVIF' and pillow_reads_avif():
        return True
    if not has_pillow_heif():
        return False
    import pillow_heif
    # Versions after 0.22 leave AVIF to Pillow.
    return kind == 'HEIC' or hasattr(pillow_heif, 'register_avif_opener')


def advice(kinds):
    """What a user can do about photos of these kinds, which cannot be read."""
    if any(kind in ('HEIC', 'AVIF') for kind in kinds) and not has_pillow_heif():
        return 'type: pip install -r requirements-heif.txt, or save as JPEG or PNG'
    return 'save as JPEG or PNG'
