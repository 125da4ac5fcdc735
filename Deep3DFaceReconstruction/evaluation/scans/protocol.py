"""evaluate.py micc, facewarehouse, bu3dfe: from a dataset to tables, plots and heat maps."""
import os
import re

import numpy as np

from Deep3DFaceReconstruction.dataset.task_pool import task_pool
from Deep3DFaceReconstruction.errors import AssetError, InputError
from Deep3DFaceReconstruction.evaluation import reconstructions, report
from Deep3DFaceReconstruction.evaluation.scans import datasets, heat_maps, photos
from Deep3DFaceReconstruction.evaluation.scans.measuring import COLUMNS, Measurer, Settings, Task, failed_row

SINGLE, POOLED = 'single', 'pooled'


def evaluate(options):
    """Runs the protocol; returns the exit code."""
    dataset = datasets.DATASETS[options.protocol]
    samples = dataset.samples(options.data)
    if not samples:
        raise InputError('%s: expected %s, found none' % (options.data, dataset.layout))
    photo_names = {}
    if not options.results:
        gathered = os.path.join(options.output, 'photos')
        photo_names = photos.gather(samples, gathered, options.frames)
    folder = options.results or reconstructions.make(options, gathered)
    found = {sample.name: tasks_of(sample, folder, photo_names.get(sample.name)) for sample in samples}
    tasks = [task for sample in samples for task in found[sample.name]]
    unit_mm, radius = options.unit_mm or dataset.unit_mm, options.radius or dataset.radius
    measurer = Measurer(Settings(os.path.join(os.path.abspath(options.output), 'measured'), options.face_model, unit_mm,
                                 radius, dataset.neutral))
    rows = measure_all(options, measurer, tasks)
    report.write_table(options.output, rows)
    print(report.write_summary(options.output, '%s: %d scans, %d images' % (
        dataset.title, len({sample.scan for sample in samples}), sum(row['kind'] == SINGLE for row in rows)),
        summary_lines(rows, dataset.main), options))
    single = [row for row in rows if row['kind'] == SINGLE]
    report.draw_distribution(options.output, np.array([row[dataset.main] for row in single]), dataset.main)
    heat_maps.write_heat_maps(options.output, measurer.settings.folder, single, dataset.main)
    return 1 if any(np.isnan(row[dataset.main]) for row in rows) else 0


def measure_all(options, measurer, tasks):
    """Rows of all tasks, in their order; over processes or a Dask cluster."""
    ready = [task for task in tasks if task.results]
    with task_pool(options.jobs, options.scheduler) as run:
        measured = iter(list(run(measurer, ready)))
    rows = []
    for task in tasks:
        row = next(measured) if task.results else failed_row(task, 'no reconstruction')
        if isinstance(row, (OSError, AssetError)):
            raise row
        if isinstance(row, Exception):
            row = failed_row(task, '%s: %s' % (type(row).__name__, row))
        rows.append(row)
    return rows


def tasks_of(sample, folder, photo_names=None):
    """The Tasks of a Sample: each of its photos, and the mean of all where there are several.

    Args:
      sample: datasets.Sample.
      folder: of .mat files.
      photo_names: names of the photos that were reconstructed; None takes NAME.mat and NAME-0001.mat, ... as found.
    """
    if photo_names is None:
        frame = re.compile(re.escape(sample.name) + r'(-\d+)?(_\d+)?\.mat$')
        matches = filter(None, map(frame.match, _listed(folder)))
        photo_names = sorted({sample.name + (match.group(1) or '') for match in matches}) or [sample.name]
    tasks = [Task(name, sample.group, SINGLE, _largest_face(folder, name), sample.scan) for name in photo_names]
    found = tuple(path for task in tasks for path in task.results)
    if len(tasks) > 1 and found:
        tasks.append(Task(sample.name + '-pooled', sample.group, POOLED, found, sample.scan))
    return tasks


def _largest_face(folder, name):
    """(path,) of the photo's largest face, or () where there is no result."""
    paths = reconstructions.candidates(folder, name)
    return (reconstructions.largest_face(paths),) if paths else ()


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        raise InputError('%s: expected a folder of .mat files, got nothing' % folder)


def summary_lines(rows, main):
    """The table: mean and standard deviation of the main column by group, single and pooled; then the other columns."""
    others = [column for column in COLUMNS if column != main]
    lines = [['', 'kind', main, 'std'] + others + ['samples', 'failed']]
    groups = sorted({row['group'] for row in rows})
    for group in groups + ['all']:
        for kind in (SINGLE, POOLED):
            chosen = [row for row in rows if row['kind'] == kind and group in (row['group'], 'all')]
            if chosen:
                values = np.array([[row[column] for column in [main] + others] for row in chosen], np.float64)
                sound = values[np.isfinite(values[:, 0])]
                means = sound.mean(axis=0) if len(sound) else np.full(values.shape[1], np.nan)
                std = float(sound[:, 0].std()) if len(sound) else float('nan')
                lines.append([group, kind, float(means[0]), std] + [float(mean) for mean in means[1:]]
                             + [len(sound), len(chosen) - len(sound)])
    return lines
