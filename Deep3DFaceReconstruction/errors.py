"""What goes wrong on the user's side, as exceptions whose message is one line for the user.

The line reads `FILE: expected X, got Y`. Scripts catch `UserError` and `OSError` and print `message_of(error)`;
everything else is a defect of the program and keeps its traceback. Needs nothing but Python itself.
"""


class UserError(Exception):
    """Something that the user can put right; the message says what."""


class InputError(UserError):
    """An input file or folder cannot be used."""


class ImageError(InputError):
    """An image cannot be read or used."""


class LandmarkError(InputError):
    """Landmarks cannot be read or used."""


class AssetError(UserError):
    """A file that the program needs (a model, network weights) is missing or is not what it should be."""


class FaceModelError(AssetError):
    """A face model, or a file that one is made from, cannot be used."""


class TrainingError(UserError):
    """A training that had begun cannot go on; what it has saved is whole."""


def one_line(error):
    """The reason that an exception gives, as the end of a message that names the file already.

    Args:
      error: any exception.
    Returns:
      what the system says of an OSError, without its number and path; of others the first line of their message
      (of TensorFlow's the line before the node that failed), or their type where they have none.
    """
    text, node, _ = str(getattr(error, 'strerror', None) or error).partition('\n\t [[')
    lines = text.strip().splitlines()
    return ' '.join(lines[-1 if node else 0].split()) if lines else type(error).__name__


def message_of(error):
    """The whole line that a script prints of a UserError or an OSError, with the file that an OSError names."""
    if isinstance(error, UserError):
        return str(error)
    path = getattr(error, 'filename', None)
    return '%s: %s' % (path, one_line(error)) if path is not None else one_line(error)
