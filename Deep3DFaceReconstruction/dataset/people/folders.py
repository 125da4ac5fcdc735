"""The people of image sets: DIR/PERSON/ is the training set of one person."""
import os

from Deep3DFaceReconstruction.dataset.data_loader import find_samples, listed
from Deep3DFaceReconstruction.dataset.people.photo_folders import FEWEST
from Deep3DFaceReconstruction.dataset.sample_files import DataError


def find_people(sources):
    """Finds the people of one or several folders.

    Args:
      sources: a path or a list of paths. Each is a folder with a sub-folder for every person, or a text file that lists
        the folders of people, one a line, as in `data_loader.find_samples`.
    Returns:
      (people, problems): a list of [Sample] for every person, in the order of the sources, each sorted by name; and
      [str], a line for every folder with fewer than two images, and for every image that cannot be used.
    Raises:
      DataError: a source that is not there, or no person at all.
    """
    sources = [sources] if isinstance(sources, str) else list(sources)
    people, problems = [], []
    for folder in (folder for source in sources for folder in _folders_of(source)):
        try:
            samples, more = find_samples(folder)
        except DataError as error:
            problems.append(str(error))
            continue
        problems.extend(more)
        if len(samples) < FEWEST:
            problems.append('%s: expected at least two images of a person, found one' % folder)
        else:
            people.append(samples)
    if not people:
        raise DataError('%s: expected image sets (PERSON/NAME.png, PERSON/lm_bin/NAME.bin, PERSON/mask/NAME.png), '
                        'found no person%s' % (', '.join(sources), '; first of %d problems: %s' % (
                            len(problems), problems[0]) if problems else ''))
    return people, problems


def _folders_of(source):
    if not os.path.isdir(source):
        return listed(source)
    return sorted(entry.path for entry in os.scandir(source) if entry.is_dir() and not entry.name.startswith('.'))
