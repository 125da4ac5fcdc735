"""How long do the outputs of a face take, beyond reconstructing it?

    python benchmarks/outputs.py [--repeats 7] [--model FILE]

For the astronaut's portrait (512 x 512): each of --outputs alone, then mat, obj and png together, then all. For a photo
of 12 megapixels with the same face: the overlay, the texture and all. What a run makes once for all faces (the atlas,
the regions, the morph targets) is made before. Prints medians of wall and processor seconds, and the machine.
"""
import argparse
import os
import statistics
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from skimage import data  # noqa: E402

from benchmarks.machine import describe_machine  # noqa: E402
from Deep3DFaceReconstruction.demo.face_files import FaceFiles  # noqa: E402
from Deep3DFaceReconstruction.demo.options import parse_demo  # noqa: E402
from Deep3DFaceReconstruction.demo.reconstructor import Decoder  # noqa: E402
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder  # noqa: E402
from Deep3DFaceReconstruction.exports import catalogue  # noqa: E402
from Deep3DFaceReconstruction.face_model import load_face_model  # noqa: E402
from Deep3DFaceReconstruction.fitting.fitter import Fitter  # noqa: E402
from Deep3DFaceReconstruction.photo.crops import crops_of_photo  # noqa: E402
from Deep3DFaceReconstruction.system import assets  # noqa: E402

LARGE = (4000, 3000)
# Where the astronaut's head is: the part that fills the large photo.
HEAD = (60, 0, 420, 270)


def reconstruct(path, model):
    """The FaceResult of a photo; a short fit, as files do not depend on it."""
    crops = crops_of_photo(path, 'astronaut', FaceFinder(), landmarks=True)
    fit = Fitter(model, 20).fit(crops[0])
    return Decoder(model)(crops, fit.coeff[np.newaxis])


def measure(model, face_results, folder, outputs, repeats):
    """(median wall seconds, median processor seconds) of writing outputs."""
    options = parse_demo(['--outputs', outputs])
    files = FaceFiles(model, options)
    walls, cpus = [], []
    for repeat in range(repeats + 1):
        wall, cpu = time.time(), time.process_time()
        outcome, = files.write(folder, 'astronaut', face_results)
        if repeat:  # the first makes what is made once
            walls.append(time.time() - wall)
            cpus.append(time.process_time() - cpu)
        assert not outcome.failures, outcome.failures
    return statistics.median(walls), statistics.median(cpus)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--model', default=assets.OPEN_MODEL)
    arguments = parser.parse_args()
    print(describe_machine())
    model = load_face_model(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        small, large = os.path.join(folder, 'small_photo.png'), os.path.join(folder, 'large_photo.jpg')
        Image.fromarray(data.astronaut()).save(small)
        Image.fromarray(data.astronaut()).crop(HEAD).resize(LARGE, Image.BICUBIC).save(large, quality=92)
        for path, wanted in ((small, list(catalogue.SUFFIXES) + [','.join(catalogue.DEFAULT), catalogue.ALL]),
                             (large, ['overlay', 'texture', catalogue.ALL])):
            face_results = reconstruct(path, model)
            print('%d x %d photo' % face_results[0].crop.image_size)
            for outputs in wanted:
                print('  %-14s %6.3f s wall, %6.3f s processor' % (
                    (outputs,) + measure(model, face_results, folder, outputs, arguments.repeats)))


if __name__ == '__main__':
    main()
