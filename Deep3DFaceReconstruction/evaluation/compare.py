"""Two ports side by side: .mat files of the same photos, or a port's figures against those of the published program."""
import os
from typing import Callable, NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES, MM_PER_DM
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation import metrics, report
from Deep3DFaceReconstruction.evaluation.scans import heat_maps
from Deep3DFaceReconstruction.evaluation.scans.alignment import Mesh
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.mat_file import MatFile

GOLDEN_DIR = os.path.join(assets.ROOT, 'tests', 'golden')
# The tolerances of the reference figures: their README.
FIGURE_RTOL, GRADIENT_RTOL = 1e-4, 1e-3
# Of the plot's axis; its largest is the inverse.
_LEAST_OVER = 1e-6


class Check(NamedTuple):
    """One way in which two results may differ.

    Attributes:
      name: the column.
      keys: what it needs of both files.
      difference: function of (arrays, other arrays), dicts by key.
      limit: two ports count as equal up to this (down to this, where `larger_is_equal`).
      larger_is_equal: for PSNR.
    """

    name: str
    keys: tuple
    difference: Callable
    limit: float
    larger_is_equal: bool = False

    def holds(self, value):
        """Whether a difference counts as equal."""
        return value >= self.limit if self.larger_is_equal else value <= self.limit


def _distance(key, scale=1.0):
    return lambda a, b: scale * float(np.linalg.norm(
        np.asarray(a[key], np.float64) - np.asarray(b[key], np.float64), axis=-1).max())


def _coefficients(name):
    def difference(a, b):
        return float(np.abs(np.ravel(a['coeff'])[COEFF_SLICES[name]] - np.ravel(b['coeff'])[COEFF_SLICES[name]]).max())
    return difference


def _rendering(a, b):
    mask = (a['recon_img'][..., 3] > 0) | (b['recon_img'][..., 3] > 0)
    return metrics.psnr(a['recon_img'][..., :3], b['recon_img'][..., :3], mask)


_SHAPE = Check('vertices_max_mm', ('face_shape',), _distance('face_shape', MM_PER_DM), 0.05)
CHECKS = (
    Check('crop_psnr_db', ('cropped_img',), lambda a, b: metrics.psnr(a['cropped_img'], b['cropped_img']), 50.0, True),
    Check('lm_5p_px', ('lm_5p',), _distance('lm_5p'), 0.01),
) + tuple(Check('%s_max' % name, ('coeff',), _coefficients(name), 1e-2) for name in COEFF_SLICES) + (
    _SHAPE,
    Check('landmarks_max_px', ('lm_68p',), _distance('lm_68p'), 0.1),
    Check('rendering_psnr_db', ('recon_img',), _rendering, 40.0, True),
)


def compare_folders(options):
    """Compares all NAME.mat that both folders hold; returns the exit code: 0 where all count as equal."""
    names = [{file for file in _listed(folder) if file.endswith('.mat')} for folder in (options.first, options.second)]
    shared = sorted(names[0] & names[1])
    if not shared:
        raise InputError('%s and %s: expected .mat files of the same names, found none' % (
            options.first, options.second))
    rows = [compare_files(os.path.join(options.first, file), os.path.join(options.second, file)) for file in shared]
    report.write_table(options.output, rows)
    lines = [['', 'worst', 'equal up to', 'compared', 'equal', 'verdict']]
    for check in CHECKS:
        values = [row[check.name] for row in rows if row[check.name] != '']
        equal = sum(check.holds(value) for value in values)
        worst = (min if check.larger_is_equal else max)(values) if values else float('nan')
        verdict = 'not compared' if not values else 'equal' if equal == len(values) else 'DIFFERENT'
        lines.append([check.name, worst, check.limit, len(values), equal, verdict])
    _draw(options, rows)
    alone = sorted(names[0] ^ names[1])
    print(report.write_summary(options.output, 'Comparison of %d results; %d in one folder only' % (
        len(shared), len(alone)), lines, options))
    return 1 if alone or any(line[-1] == 'DIFFERENT' for line in lines) else 0


def compare_files(first, second):
    """The differences of two .mat files as a dict; '' where one of them has not the arrays, or in another size."""
    a, b = (MatFile(path, InputError, 'a reconstruction') for path in (first, second))
    row = {'name': os.path.splitext(os.path.basename(first))[0]}
    for check in CHECKS:
        usable = all(key in a and key in b and a.shapes[key] == b.shapes[key] for key in check.keys)
        row[check.name] = check.difference(*[{key: mat[key] for key in check.keys} for mat in (a, b)]) if usable else ''
    return row


def _draw(options, rows):
    """The distribution of the vertices' differences, and heat maps where a face model has these vertices."""
    rows = [row for row in rows if row[_SHAPE.name] != '']
    if not rows:
        return
    report.draw_distribution(options.output, np.array([row[_SHAPE.name] for row in rows]), _SHAPE.name)
    model = load_face_model(options.face_model)
    for name, row in heat_maps.chosen_samples(rows, _SHAPE.name).items():
        first, second = (MatFile(os.path.join(folder, row['name'] + '.mat'), InputError, 'a reconstruction')[
            'face_shape'].astype(np.float64) for folder in (options.first, options.second))
        if len(first) == len(model.meanshape):
            heat_maps.draw_heat_map(
                os.path.join(options.output, 'heat_maps', name), Mesh(MM_PER_DM * first, model.triangles),
                MM_PER_DM * np.linalg.norm(first - second, axis=1),
                heat_maps.Scale('distance of the vertices, mm (%g: equal)' % _SHAPE.limit, 4 * _SHAPE.limit),
                heat_maps.title_of(name, row, _SHAPE.name))


def compare_figures(options):
    """Compares a port's NAME.npz files with the reference figures; returns the exit code."""
    files = sorted(file for file in _listed(options.first) if file.endswith('.npz')
                   and os.path.exists(os.path.join(GOLDEN_DIR, file)))
    if not files:
        raise InputError('%s: expected files named as those in %s, found none' % (options.first, GOLDEN_DIR))
    rows = []
    for file in files:
        with np.load(os.path.join(options.first, file)) as port, np.load(os.path.join(GOLDEN_DIR, file)) as golden:
            rows += [compare_figure(file, key, port, golden) for key in golden.files]
    report.write_table(options.output, rows)
    _draw_figures(options, rows)
    counts = {verdict: sum(row['verdict'] == verdict for row in rows) for verdict in ('equal', 'DIFFERENT', 'missing')}
    print(report.write_summary(options.output, 'Reference figures: %d arrays of %d files' % (len(rows), len(files)),
                               [['verdict', 'arrays']] + [[name, count] for name, count in counts.items()], options))
    return 1 if counts['DIFFERENT'] or not counts['equal'] else 0


def compare_figure(file, key, port, golden):
    """The verdict on one array: integers exactly, floats to 1e-4 of their size, gradients to 1e-3.

    `over_tolerance` is the largest difference of a float in units of what is allowed there: equal up to 1.
    """
    row = {'file': file, 'array': key, 'largest_difference': '', 'over_tolerance': '', 'verdict': 'missing'}
    if key not in port.files:
        return row
    value, goal = port[key], golden[key]
    if value.shape != goal.shape:
        return dict(row, verdict='DIFFERENT', largest_difference='shape %s for %s' % (
            list(value.shape), list(goal.shape)))
    if goal.dtype.kind not in 'fc':
        return dict(row, verdict='equal' if np.array_equal(value, goal) else 'DIFFERENT')
    rtol = GRADIENT_RTOL if 'grad' in key else FIGURE_RTOL
    size, difference = np.abs(goal), np.abs(value - goal)
    over = float((difference / (rtol * (size + max(float(size.max(initial=0)), 1e-6)))).max(initial=0))
    return dict(row, verdict='equal' if over <= 1 else 'DIFFERENT', over_tolerance=over,
                largest_difference=float(difference.max(initial=0)))


def _draw_figures(options, rows):
    """differences.png: each array of floats of each file by its largest difference in units of the tolerance."""
    rows = [row for row in rows if row['over_tolerance'] != '']
    if not rows:
        return
    files = sorted({row['file'] for row in rows}, reverse=True)
    over = np.clip([row['over_tolerance'] for row in rows], _LEAST_OVER, 1 / _LEAST_OVER)
    equal = np.array([row['verdict'] == 'equal' for row in rows])
    places = np.array([files.index(row['file']) for row in rows])

    def draw(axes):
        axes.axvline(1, color='0.6', linestyle='--', zorder=0)
        for chosen, color, label in ((equal, 'C0', 'equal'), (~equal, 'C3', 'different')):
            axes.scatter(over[chosen], places[chosen], s=16, color=color, label='%s: %d' % (label, chosen.sum()))
        axes.set(xscale='log', xlim=(_LEAST_OVER / 2, 2 / _LEAST_OVER), yticks=range(len(files)), yticklabels=files,
                 ylim=(-0.5, len(files) - 0.5), title='arrays of the port against the reference figures',
                 xlabel='largest difference / tolerance (ends of the axis: beyond)')
        axes.legend()

    report.draw_plot(os.path.join(options.output, 'differences.png'), draw)


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        raise InputError('%s: expected a folder, got none' % folder)
