"""What the documents point to exists: tests of docs/deviations.md, files and images that pages link to."""
import glob
import os
import re

import pytest

from tests import ROOT

PAGES = sorted(os.path.relpath(path, ROOT) for folder in ('', 'docs', 'BFM', 'network', 'input', 'output')
               for path in glob.glob(os.path.join(ROOT, folder, '*.md')))


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as stream:
        return stream.read()


def test_every_deviation_names_a_test():
    rows = [line for line in read('docs/deviations.md').splitlines() if line.startswith('| ')][2:]
    assert rows
    for row in rows:
        tests = re.findall(r'`([\w/]+\.py)((?:::\w+)*)`', row.rsplit('|', 2)[1])
        assert tests, row
        for path, node in tests:
            source = read(os.path.join('tests', path))
            for name in node.split('::')[1:]:
                assert re.search(r'\b(def|class) %s\b' % name, source), (path, name)


@pytest.mark.parametrize('page', PAGES)
def test_links_lead_somewhere(page):
    folder = os.path.dirname(os.path.join(ROOT, page))
    links = re.findall(r'\]\(([^)#\s]+)(?:#[\w-]*)?\)', read(page))
    missing = [link for link in links if not re.match(r'\w+:', link) and not os.path.exists(os.path.join(folder, link))]
    assert not missing
