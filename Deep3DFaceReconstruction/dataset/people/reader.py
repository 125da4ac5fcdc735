"""A stream of image sets, image by image, that `data_loader.make_dataset` reads like any other."""
import numpy as np

from Deep3DFaceReconstruction.dataset.augmentation import NO_AUGMENTATION
from Deep3DFaceReconstruction.dataset.data_loader import SampleReader


class SetReader(SampleReader):
    """Reads image sets: positions s * size to s * size + size - 1 are images of one person.

    A set holds `size` images of its person, drawn without repetition as long as there are enough; a person with fewer
    is seen several times in one set. One pass has one set of every person.

    Args:
      people: a list of [Sample], see `folders.find_people`.
      size: images of a set.
      seed, shuffle: of the order of the people and of the images that are drawn; without shuffle, the given order.
      augmentation: Augmentation, applied without mirroring: a mirrored face is another person's.
      motion: as of SampleReader.
    """

    def __init__(self, people, size, seed=0, shuffle=True, augmentation=NO_AUGMENTATION, motion=None):
        super().__init__([sample for person in people for sample in person], seed, shuffle,
                         augmentation._replace(flip=False), motion)
        self._people = [list(person) for person in people]
        self._size = size
        self._draw = (lambda number, count: np.random.RandomState([seed % 2 ** 32, number % 2 ** 32, 2]).permutation(
            count)) if shuffle else lambda _, count: np.arange(count)

    def __len__(self):
        return len(self._people) * self._size

    def candidates(self, position):
        """The sample of a position, then the others of its person, then, for the whole set alike, those of the next."""
        number, view = divmod(position, self._size)
        first = self.shuffled(number, len(self._people))
        for offset in range(len(self._people)):
            person = self._people[(first + offset) % len(self._people)]
            order = self._draw(number, len(person))
            for step in range(len(person)):
                yield person[order[(view + step) % len(person)]]
