"""evaluate.py --jobs: processes reconstruct as one does."""
import argparse
import contextlib
import csv
import os

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

import evaluate
from Deep3DFaceReconstruction.dataset.task_pool import WorkerDiedError
from Deep3DFaceReconstruction.demo.options import parse_demo
from Deep3DFaceReconstruction.errors import AssetError, InputError
from Deep3DFaceReconstruction.evaluation import photo_worker, reconstructions
from Deep3DFaceReconstruction.system.result_folder import SUMMARY_NAME


@pytest.fixture
def photos(tmp_path):
    """A portrait, its mirror image, and a photo without a face."""
    data = pytest.importorskip('skimage.data')
    folder = tmp_path / 'photos'
    folder.mkdir()
    portrait = Image.fromarray(data.astronaut()[:256, 96:352])
    portrait.save(str(folder / 'a.png'))
    portrait.transpose(Image.FLIP_LEFT_RIGHT).save(str(folder / 'b.png'))
    Image.new('RGB', (100, 100), (90, 120, 60)).save(str(folder / 'c.png'))
    return folder


def made(tmp_path, photos, jobs):
    """The folder of results that so many processes make."""
    output = str(tmp_path / ('jobs%d' % jobs))
    options = argparse.Namespace(results=None, output=output, face_model=None, demo_options='--fit fast', jobs=jobs,
                                 scheduler=None)
    return reconstructions.make(options, str(photos))


def summary(folder):
    with open(os.path.join(folder, SUMMARY_NAME), newline='') as stream:
        return [dict(row, seconds='') for row in csv.DictReader(stream)]


@pytest.mark.slow
def test_processes_reconstruct_as_one_does(tmp_path, photos):
    one, several = made(tmp_path, photos, 1), made(tmp_path, photos, 2)
    assert sorted(os.listdir(one)) == sorted(os.listdir(several))
    assert summary(one) == summary(several)
    assert [row['status'] for row in summary(one)] == ['ok', 'ok', 'failed']
    for name in ('a.mat', 'b.mat'):
        first, second = (loadmat(os.path.join(folder, name)) for folder in (one, several))
        for key in ('coeff', 'face_shape', 'lm_68p', 'trans_params', 'cropped_img'):
            np.testing.assert_allclose(first[key], second[key], rtol=1e-4, atol=1e-4)
    # What is there is kept, whoever made it.
    before = os.stat(os.path.join(several, 'a.mat')).st_mtime_ns
    made(tmp_path, photos, 2)
    assert os.stat(os.path.join(several, 'a.mat')).st_mtime_ns == before
    assert summary(one) == summary(several)


@pytest.mark.slow
def test_a_cluster_that_runs_elsewhere(tmp_path, photos, monkeypatch):
    """Workers of a scheduler's address have another working directory: paths given as relative are still found."""
    distributed = pytest.importorskip('distributed')
    (photos / 'b.png').unlink()
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.chdir(tmp_path / 'elsewhere')
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None,
                                  local_directory=str(tmp_path / 'scratch')) as cluster:
        monkeypatch.chdir(tmp_path)
        options = parse_demo(['--input', 'photos', '--output', 'out', '--fit', 'fast'])
        assert photo_worker.run(options, 1, cluster.scheduler_address) == 1  # c.png has no face
    assert loadmat('out/a.mat')['coeff'].shape == (1, 257)
    assert [row['status'] for row in summary('out')] == ['ok', 'failed']
    assert not list((tmp_path / 'elsewhere').iterdir())


def run_with(monkeypatch, photos, output, answers):
    """Exit code of a run in which the pool gives these answers."""
    output.mkdir()
    monkeypatch.setattr(photo_worker, 'task_pool',
                        lambda jobs, scheduler: contextlib.nullcontext(lambda worker, items: iter(answers(output))))
    return photo_worker.run(parse_demo(['--input', str(photos), '--output', str(output)]), 2, None)


def test_a_worker_that_dies_costs_its_photo_alone(tmp_path, photos, monkeypatch):
    no_face = photo_worker.MadePhoto([], [], None, 0.1, 'c.png: expected a face, found none')

    def answers(_):
        return WorkerDiedError('killed'), no_face, no_face
    assert run_with(monkeypatch, photos, tmp_path / 'out', answers) == 1
    rows = summary(str(tmp_path / 'out'))
    assert 'a.png: WorkerDiedError: killed' in rows[0]['reason'] and rows[1]['reason'] == no_face.reason
    assert [row['status'] for row in rows] == ['failed'] * 3


def test_what_stops_every_photo_ends_the_run(tmp_path, photos, monkeypatch, capsys):
    assert run_with(monkeypatch, photos, tmp_path / 'out', lambda _: [AssetError('BFM: expected a model')]) == 2
    assert 'demo.py: BFM: expected a model' in capsys.readouterr().err


def test_copies_of_a_worker_are_equal(tmp_path):
    options = parse_demo(['--output', str(tmp_path)])
    worker = photo_worker.PhotoWorker(options)
    assert worker == photo_worker.PhotoWorker(options)
    assert worker != photo_worker.PhotoWorker(options._replace(fit='fast'))


def test_a_reconstruction_that_cannot_begin_is_not_measured(tmp_path, photos, capsys):
    arguments = ['aflw2000', '--data', str(photos), '--output', str(tmp_path / 'out'), '--demo_options',
                 '--pretrain_weights %s' % (tmp_path / 'none.pb')]
    assert evaluate.main(arguments) == 2
    assert 'expected to reconstruct these photos, but that could not begin' in capsys.readouterr().err
    assert not (tmp_path / 'out' / 'table.csv').exists()


def test_a_stopped_reconstruction_is_not_measured(tmp_path, photos, monkeypatch):
    def stopped(*_):
        return 130
    monkeypatch.setattr(reconstructions.pipeline, 'run', stopped)
    assert evaluate.main(['aflw2000', '--data', str(photos), '--output', str(tmp_path / 'out')]) == 130
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, photos, 1)
    monkeypatch.setattr(reconstructions.pipeline, 'run', lambda _: 2)
    with pytest.raises(InputError, match='could not begin'):
        made(tmp_path, photos, 1)
