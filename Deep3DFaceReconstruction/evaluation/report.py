"""What every protocol leaves: table.csv (a line a sample), summary.md, plots, and the configuration."""
import csv
import json
import os

import numpy as np

from Deep3DFaceReconstruction.evaluation.metrics import YAW_BINS, cumulative
from Deep3DFaceReconstruction.system.files import atomic_write

_BINS = 30
_CED_STEPS = 200


def write_table(folder, rows, name='table.csv'):
    """Writes a list of dicts with the same keys as CSV."""
    os.makedirs(folder, exist_ok=True)
    with atomic_write(os.path.join(folder, name)) as temporary, \
            open(temporary, 'w', newline='', encoding='utf-8') as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else ['name'])
        writer.writeheader()
        writer.writerows(rows)


def write_summary(folder, title, lines, options):
    """Writes summary.md (title, a Markdown table) and options.json, and returns the text.

    Args:
      folder: output folder.
      title: one line.
      lines: list of rows of the table, the first one its head.
      options: a namespace.
    """
    lines = [[_cell(value) for value in line] for line in lines]
    text = '\n'.join(['# ' + title, '', _row(lines[0]), _row(['---'] * len(lines[0]))]
                     + [_row(line) for line in lines[1:]]) + '\n'
    os.makedirs(folder, exist_ok=True)
    for name, content in (('summary.md', text), ('options.json', json.dumps(vars(options), indent=2, sort_keys=True))):
        with atomic_write(os.path.join(folder, name)) as temporary, open(temporary, 'w', encoding='utf-8') as stream:
            stream.write(content)
    return text


def _cell(value):
    return '%.3g' % value if isinstance(value, float) else str(value)


def _row(cells):
    return '| %s |' % ' | '.join(cells)


def draw_errors(folder, errors, yaws, label):
    """ced.png, histogram.png and error_by_yaw.png of errors [n] (NaN: failed) at yaws [n] degrees."""
    def yaw(axes):
        axes.scatter(yaws, errors, s=8)
        for low, high in YAW_BINS:
            axes.axvline(low, color='0.85', zorder=0)
            axes.axvline(-high, color='0.85', zorder=0)
        axes.set(xlabel='true yaw, degrees', ylabel=label, ylim=(0, None), title='error by yaw')

    draw_distribution(folder, errors, label)
    draw_plot(os.path.join(folder, 'error_by_yaw.png'), yaw)


def draw_distribution(folder, errors, label):
    """ced.png and histogram.png of errors [n] (NaN: failed)."""
    limits = np.linspace(0, _limit(errors), _CED_STEPS)

    def ced(axes):
        axes.plot(limits, 100 * cumulative(errors, limits))
        axes.set(xlabel=label, ylabel='samples, %', ylim=(0, 100), title='cumulative error distribution')

    draw_plot(os.path.join(folder, 'ced.png'), ced)
    draw_histogram(folder, errors, label)


def draw_histogram(folder, values, label):
    """histogram.png of values [n], not negative (NaN: failed)."""
    def histogram(axes):
        axes.locator_params(axis='y', integer=True)
        axes.hist(values[np.isfinite(values)], _BINS, range=(0, _limit(values)))
        axes.set(xlabel=label, ylabel='samples', title='histogram')

    draw_plot(os.path.join(folder, 'histogram.png'), histogram)


def _limit(errors):
    """The end of the axis of errors [n]."""
    return max(float(np.nanpercentile(errors, 95)) * 1.5, 1e-6) if np.isfinite(errors).any() else 1.0


def draw_plot(path, draw):
    """Writes the figure that draw(axes) draws."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), constrained_layout=True)
    FigureCanvasAgg(figure)
    draw(figure.add_subplot(1, 1, 1))
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format='png', dpi=110)
