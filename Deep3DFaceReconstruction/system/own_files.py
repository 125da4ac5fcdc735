"""Which files this program has made itself, so that it never overwrites, deletes or reads as a photo the wrong one.

Images carry a mark; demo.py also keeps a record of all files in its output folder (system.result_folder).
"""
import os

from PIL import PngImagePlugin

from Deep3DFaceReconstruction.errors import InputError

_MARK_KEY, _MARK = 'Software', 'Deep3DFaceReconstruction'
_PNG = b'\x89PNG\r\n\x1a\n'
# The mark stands right behind a PNG's header; training samples had their notes there before there was a mark.
MARK_TEXT = ('%s\0%s' % (_MARK_KEY, _MARK)).encode('ascii')
_MARKED = (MARK_TEXT, b'iTXtsource\0')
HEAD_BYTES = 512
# IPTC's Digital Source Type of a photo with parts that no camera has taken.
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic">'
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Edited by %s: %s</rdf:li></rdf:Alt></dc:description>'
    '</rdf:Description></rdf:RDF></x:xmpmeta>')


def marked_info(edit=None):
    """PngInfo for `Image.save(..., pnginfo=...)`: it says that this program made the image.

    Args:
      edit: how a photo was edited, such as 'swap'; None for an image that is no edited photo. It is said in words
        (Description) and, for programs that show where an image comes from, in IPTC's vocabulary of digital sources.
    """
    info = PngImagePlugin.PngInfo()
    info.add_text(_MARK_KEY, _MARK)
    if edit is not None:
        info.add_text('Description', 'Edited by %s: %s' % (_MARK, edit))
        info.add_itxt('XML:com.adobe.xmp', _XMP % (_MARK, edit))
    return info


def is_own_head(head):
    """Whether the first HEAD_BYTES of a file are those of an image that this program made."""
    return head.startswith(_PNG) and any(mark in head for mark in _MARKED)


def is_own_image(path):
    """Whether a file is an image that this program made; False where there is none."""
    try:
        with open(path, 'rb') as file:
            return is_own_head(file.read(HEAD_BYTES))
    except OSError:
        return False


def check_replaceable(path, is_own=is_own_image):
    """Refuses to write where something lies that this program did not make.

    Raises:
      InputError: names the file.
    """
    if os.path.lexists(path) and (os.path.islink(path) or not is_own(path)):
        raise InputError('%s: expected nothing, or a result of this program, got a file that it did not write or that '
                         'was changed since; choose another output folder, or move the file away' % path)
