"""A short run of demo.py in this process, and what it leaves in the output folder."""
import csv
import os

import demo


def run(source, target, *more):
    return demo.main(['--input', str(source), '--output', str(target), '--iterations', '1'] + list(more))


def summary(folder):
    with open(str(folder / 'summary.csv')) as stream:
        return {row['name']: row for row in csv.DictReader(stream)}


def files_in(folder):
    """Names of the files that a user sees."""
    return sorted(name for name in os.listdir(str(folder)) if not name.startswith('.'))
