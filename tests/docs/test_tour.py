"""docs/tour.ipynb runs from its first cell to its last, and shows what it says."""
import json
import os

import pytest

from tests import ROOT

NOTEBOOK = os.path.join(ROOT, 'docs', 'tour.ipynb')


def test_it_is_committed_without_results():
    with open(NOTEBOOK, encoding='utf-8') as stream:
        cells = json.load(stream)['cells']
    assert all(not cell['outputs'] and cell['execution_count'] is None
               for cell in cells if cell['cell_type'] == 'code')


@pytest.mark.slow
def test_it_runs(tmp_path):
    nbclient = pytest.importorskip('nbclient')
    nbformat = pytest.importorskip('nbformat')
    pytest.importorskip('ipykernel')
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, kernel_name='python3',
                            resources={'metadata': {'path': os.path.join(ROOT, 'docs')}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == 'code' for output in cell.outputs]
    images = [output for output in outputs if 'image/png' in output.get('data', {})]
    assert len(images) == 5
    page, = [output.data['text/html'] for output in outputs if 'text/html' in output.get('data', {})]
    assert 'iframe' in page and 'jawOpen' in page
    assert not [output for output in outputs if output.output_type == 'error']
