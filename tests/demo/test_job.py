"""What demo.py finds before it starts, and what it says when it ends. No TensorFlow here."""
import csv
import os

import numpy as np
import pytest
from PIL import Image

import demo
from Deep3DFaceReconstruction.demo import job as jobs
from Deep3DFaceReconstruction.demo import results
from Deep3DFaceReconstruction.demo.options import parse_demo
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.face_model.eyes import unknown_eyes
from Deep3DFaceReconstruction.photo import image_kinds
from Deep3DFaceReconstruction.system.own_files import marked_info


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    return folder


def add(folder, *names):
    for name in names:
        Image.new('RGB', (32, 32), (90, 120, 90)).save(str(folder / name))


def prepare(source, target, *more):
    return jobs.prepare(parse_demo(['--input', str(source), '--output', str(target)] + list(more)))


@pytest.mark.parametrize('form', ['{0}', '{0}/../photos', '{0}/.', 'link'])
def test_a_photo_is_never_replaced_by_a_result(photos, tmp_path, capsys, form):
    add(photos, 'me.png', 'other.jpg')
    before = (photos / 'me.png').read_bytes()
    os.symlink(str(photos), str(tmp_path / 'link'))
    target = form.format(photos) if form != 'link' else tmp_path / 'link'
    assert demo.main(['--input', str(photos), '--output', str(target)]) == 2
    line, = capsys.readouterr().err.splitlines()
    assert 'me.png: expected nothing, or a result of this program' in line
    assert (photos / 'me.png').read_bytes() == before and sorted(os.listdir(str(photos))) == ['me.png', 'other.jpg']


@pytest.mark.parametrize('name, flags', [
    ('a.mat', []), ('a_mesh.obj', []), ('summary.csv', []), ('a_3.mat', ['--faces', 'all']),
    ('a.glb', ['--outputs', 'all']),
])
def test_every_kind_of_file_is_guarded(photos, tmp_path, name, flags):
    add(photos, 'a.jpg')
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / name).write_text('mine')
    with pytest.raises(InputError, match='%s: expected nothing' % name):
        prepare(photos, tmp_path / 'out', *flags)
    os.remove(str(tmp_path / 'out' / name))
    (tmp_path / 'out' / 'unrelated.png').write_text('mine')
    prepare(photos, tmp_path / 'out', *flags)


def test_a_hard_link_to_a_photo_is_in_the_way(photos, tmp_path):
    add(photos, 'a.png')
    (tmp_path / 'out').mkdir()
    os.link(str(photos / 'a.png'), str(tmp_path / 'out' / 'a.png'))
    with pytest.raises(InputError, match=r'out/a\.png: expected nothing'):
        prepare(photos, tmp_path / 'out')


def test_own_results_are_not_photos(photos, tmp_path, capsys):
    Image.new('RGB', (32, 32)).save(str(photos / 'strip.png'), pnginfo=marked_info())
    assert demo.main(['--input', str(photos), '--output', str(tmp_path / 'out')]) == 2
    assert 'found none; 1 are results of this program' in capsys.readouterr().err
    add(photos, 'b.jpg')
    assert [os.path.basename(photo.path) for photo in prepare(photos, tmp_path / 'out').photos] == ['b.jpg']


def test_photos_that_cannot_be_read_are_counted_by_kind(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(image_kinds, 'has_pillow_heif', lambda: False)
    add(photos, 'a.jpg')
    for name in ('b.heic', 'c.heic', 'd.nef'):
        (photos / name).write_bytes(b'\0\0\0\x18ftypheic' if name != 'd.nef' else b'II*\0')
    job = prepare(photos, tmp_path / 'out')
    assert [photo.name for photo in job.photos] == ['a']
    rows = dict(job.known_rows)
    done = results.failure_row('a.jpg', 'a', 0.0, '')._replace(status=results.OK)
    rows[job.photos[0].path] = {'a': done}
    assert jobs.finish(job, rows) == 1
    output = capsys.readouterr()
    assert '3 photos not read: 2 HEIC, 1 camera raw' in output.err and '1 reconstructed, 3 failed' in output.out
    with open(str(tmp_path / 'out' / 'summary.csv')) as file:
        table = list(csv.DictReader(file))
    assert [(row['image'], row['status']) for row in table] == [
        ('a.jpg', 'ok'), ('b.heic', 'failed'), ('c.heic', 'failed'), ('d.nef', 'failed')]
    assert 'got HEIC' in table[1]['reason']


def test_exit_codes(photos, tmp_path, capsys):
    add(photos, 'a.jpg', 'b.jpg')
    job = prepare(photos, tmp_path / 'out')
    first, second = (photo.path for photo in job.photos)
    done = results.failure_row('a.jpg', 'a', 0.0, '')._replace(status=results.OK)
    doubtful = done._replace(status=results.DOUBTFUL, reason='why')
    failed = results.failure_row('b.jpg', 'b', 0.0, 'why')
    stop, error = jobs.EarlyEnd('stopped', True), jobs.EarlyEnd('disk full', False)
    assert jobs.finish(job, {first: {'a': done}, second: {'b': doubtful}}) == 0
    assert '2 reconstructed (1 of them doubtful), 0 failed' in capsys.readouterr().out
    assert jobs.finish(job, {first: {'a': done}, second: {'b': failed}}) == 1
    assert jobs.finish(job, {first: {'a': done}}, error) == 1
    assert jobs.finish(job, {}, error) == 2
    assert jobs.finish(job, {first: {'a': done}}, stop) == 130
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith('demo.py: stopped; 1 reconstructed, 0 failed; ') and line.endswith('summary.csv')


def test_doubtful_rows_say_so():
    row = results.failure_row('a.jpg', 'a', 1.0, '')._replace(
        status=results.DOUBTFUL, reason='the mesh covers nothing of the photo', note='68 points in the iBUG order')
    line = results.summary_line(row)
    assert line.endswith('; DOUBTFUL: the mesh covers nothing of the photo')
    assert 'no colours compared' in line and 'landmark file: 68 points in the iBUG order' in line


@pytest.mark.parametrize('region, doubt', [(0.0, 'nothing'), (1.0, 'no skin')])
def test_where_nothing_is_compared_there_is_no_number(region, doubt):
    crop = results.FaceCrop(
        name='a', image_path='a.jpg', image_size=(9, 9), faces_found=None, bgr=np.zeros((224, 224, 3), np.uint8),
        attention=np.zeros((224, 224), np.uint8), lm_5p=np.zeros((5, 2)), lm_68p=None, lm_inside=None,
        trans_params=np.array([9, 9, 1.0, 4, 4]))
    shape = np.zeros((3, 3), np.float32)
    strip = np.zeros((224, 1120, 3), np.uint8)
    decoded = {'strip': strip, 'recon': np.zeros((224, 224, 4), np.float32), 'face_shape': shape, 'face_texture': shape,
               'face_color': shape, 'region': np.full((224, 224), region), 'landmarks': np.zeros((68, 2)),
               'deviation': np.zeros(257), 'face_model': 'a model'}
    result = results.face_result(crop, np.zeros(257), decoded, unknown_eyes())
    assert np.isnan(result.photometric_error) and result.doubts == ('the mesh covers %s of the photo' % doubt,)
    row = results.result_row(result, 'fit', 1.0)
    assert row.status == 'doubtful' and row.photometric_error == '' and row.reason == result.doubts[0]


def test_a_summary_that_cannot_be_replaced_is_said(photos, tmp_path, capsys):
    add(photos, 'a.jpg')
    job = prepare(photos, tmp_path / 'out')
    (tmp_path / 'out' / 'summary.csv').write_text('mine, meanwhile')
    done = results.failure_row('a.jpg', 'a', 0.0, '')._replace(status=results.OK)
    assert jobs.finish(job, {job.photos[0].path: {'a': done}}) == 1
    assert 'summary.csv: expected nothing, or a result of this program' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'summary.csv').read_text() == 'mine, meanwhile'
