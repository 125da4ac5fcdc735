"""How much do more photos of a person help? Errors of 1, 2, 5 and 10 views against exact truth, by way of merging.

    python benchmarks/sets.py --output DIR [--people 12] [--views 1,2,5,10] [--c_net FILE] [--scenes KIND]

Makes image sets of people, finds the faces and fits each image as demo.py does, and merges the first
1, 2, 5, 10 of each person: mean, certainty, joint; with a network of train.py --sets also the mean of its R-Net and
C-Net. The error is the mean distance in mm of the vertices of the neutral face from the true ones after rigid
alignment; the identity error is the root mean square of the differences of the 80 coefficients, in standard deviations.
Writes table.csv, summary.md, errors.png and options.json. Exit code 1 if the joint fit is not better than the mean for
the most views.
"""
import argparse
import os
import sys
import time
from typing import Any, NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402
from tqdm import tqdm  # noqa: E402

from benchmarks.machine import describe_machine  # noqa: E402
from benchmarks.made_people import SCENES, make_people  # noqa: E402
from Deep3DFaceReconstruction.conventions import COEFF_SLICES  # noqa: E402
from Deep3DFaceReconstruction.dataset import sample_files  # noqa: E402
from Deep3DFaceReconstruction.dataset.people.folders import find_people  # noqa: E402
from Deep3DFaceReconstruction.demo.coefficient_sources import Answers, FittingSource  # noqa: E402
from Deep3DFaceReconstruction.demo.options import DEFAULT_ITERATIONS  # noqa: E402
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder  # noqa: E402
from Deep3DFaceReconstruction.errors import InputError  # noqa: E402
from Deep3DFaceReconstruction.evaluation import report  # noqa: E402
from Deep3DFaceReconstruction.evaluation.synthetic import identity_error  # noqa: E402
from Deep3DFaceReconstruction.face_model import load_face_model  # noqa: E402
from Deep3DFaceReconstruction.networks.c_net import SetNetwork  # noqa: E402
from Deep3DFaceReconstruction.photo.crops import crops_of_photo  # noqa: E402
from Deep3DFaceReconstruction.sets import merging  # noqa: E402

_ID = COEFF_SLICES['id']
SEED = 1000003  # of no training set
FIRST = 'mean face'


class Tools(NamedTuple):
    """What all people share: FaceModel, FaceFinder, FittingSource, SetNetwork or None."""

    model: Any
    finder: Any
    source: Any
    network: Any


class Merged(NamedTuple):
    """An identity [80] from some views, and processor seconds per view that merging took."""

    identity: np.ndarray
    seconds: float


def read_views(samples, finder):
    """FaceCrops of a person's images, without those whose face is not found."""
    crops = []
    for sample in samples:
        try:
            crops.extend(crops_of_photo(sample.image, sample.name, finder, landmarks=True))
        except InputError as error:
            tqdm.write(str(error))
    return crops


def joined(answers):
    """One Answers from those of single crops."""
    return Answers(*(np.concatenate(parts) if isinstance(parts[0], np.ndarray) else sum(parts, [])
                     for parts in zip(*answers)))


def merge_fits(crops, answers, source):
    """{method: Merged} from the fits of some crops."""
    joint, begin = merging.JointMerger(source), time.process_time()
    fitted = joint(crops, answers).coeff[0, _ID]
    spent = (time.process_time() - begin) / len(crops)
    prior = merging.prior_of(source)
    averages = {'mean': merging.averaged(answers.coeff, np.ones([len(crops), len(merging.SHARED)])),
                'certainty': merging.combined(answers.coeff, merging.certainty_of(answers.deviation, prior), prior)}
    found = {name: Merged(average[_ID], 0.0) for name, average in averages.items()}
    return dict(found, joint=Merged(fitted, spent))


def merge_network(crops, network):
    """{method: Merged} from the network that train.py --sets exported."""
    answer = network(np.stack([crop.bgr for crop in crops]))
    return {'mean of R-Net': Merged(answer.coeff[:, _ID].mean(axis=0), 0.0), 'C-Net': Merged(answer.identity, 0.0)}


def measure_person(samples, counts, tools):
    """Rows (dicts) of one person: an error of each method for each number of views."""
    truth = sample_files.read_coeff(samples[0])[_ID].astype(np.float64)
    crops = read_views(samples, tools.finder)
    answers = [tools.source([crop]) for crop in crops]
    rows = []
    for count in (count for count in counts if count <= len(crops)):
        merged = merge_fits(crops[:count], joined(answers[:count]), tools.source)
        if tools.network is not None:
            merged.update(merge_network(crops[:count], tools.network))
        merged[FIRST] = Merged(np.zeros(len(truth)), 0.0)
        for method, (identity, seconds) in merged.items():
            rows.append({'person': os.path.basename(os.path.dirname(samples[0].image)), 'views': count,
                         'method': method, 'vertex_mm': identity_error(tools.model, identity, truth),
                         'seconds_per_view': seconds, 'id_rms': float(np.sqrt(((identity - truth) ** 2).mean()))})
    return rows


def figures(rows, key):
    """({method: [mean of a column for each number of views]}, numbers of views), NaN where there is none."""
    counts = sorted({row['views'] for row in rows})
    methods = list(dict.fromkeys(row['method'] for row in rows))
    return {method: [float(np.mean([row[key] for row in rows if (row['method'], row['views']) == (method, count)]))
                     for count in counts] for method in methods}, counts


def write_report(options, rows, people):
    """The table, the plot and the summary; returns (errors by method, numbers of views)."""
    report.write_table(options.output, rows)
    errors, counts = figures(rows, 'vertex_mm')
    identities, _ = figures(rows, 'id_rms')
    seconds, _ = figures(rows, 'seconds_per_view')
    heads = ['%d view%s' % (count, 's' * (count > 1)) for count in counts]
    lines = [['error in mm (identity, standard deviations)'] + heads]
    lines += [[method] + ['%.3f (%.2f)' % pair for pair in zip(errors[method], identities[method])]
              for method in errors]
    lines.append(['joint fit, processor seconds per view'] + ['%.2f' % value for value in seconds['joint']])
    people_of = [len({row['person'] for row in rows if row['views'] == count}) for count in counts]
    lines.append(['people'] + people_of)
    print(report.write_summary(options.output, 'Image sets: %d people' % people, lines, options))

    def draw(axes):
        for method, values in errors.items():
            axes.plot(counts, values, **({'color': '0.6', 'linestyle': '--'} if method == FIRST else {'marker': 'o'}),
                      label=method)
        axes.set(xlabel='views', ylabel='error of the neutral face, mm', xticks=counts, ylim=(0, None))
        axes.legend()

    report.draw_plot(os.path.join(options.output, 'errors.png'), draw)
    return errors, counts


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('--output', required=True, metavar='DIR', help='for images, table and plot')
    parser.add_argument('--people', type=int, default=12, help='held-out people')
    parser.add_argument('--views', type=lambda text: sorted({int(word) for word in text.split(',')}),
                        default='1,2,5,10', help='numbers of views')
    parser.add_argument('--c_net', metavar='FILE', help='a .pb of train.py --sets')
    parser.add_argument('--scenes', choices=sorted(SCENES), default='plain', help='see made_people.py')
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    print(describe_machine())
    folder = os.path.join(options.output, 'people')
    make_people(folder, options.people, options.scenes, SEED, options.views[-1])
    people, _ = find_people(folder)
    tools = Tools(load_face_model(), FaceFinder(), FittingSource(DEFAULT_ITERATIONS),
                  SetNetwork(options.c_net) if options.c_net else None)
    tools.source.load(tools.model)
    rows = []
    for samples in tqdm(people, unit='person'):
        rows += measure_person(samples, options.views, tools)
    errors, _ = write_report(options, rows, len(people))
    return 0 if errors['joint'][-1] <= errors['mean'][-1] else 1


if __name__ == '__main__':
    sys.exit(main())
