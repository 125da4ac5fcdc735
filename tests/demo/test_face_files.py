"""What shows the whole run: the viewer's page, over runs that go on where another stopped."""
import json
import re

import pytest
from PIL import Image
from skimage import data

import demo


def page_of(folder):
    text = (folder / 'index.html').read_text(encoding='utf-8')
    run, = re.findall(r'<script type="application/json" id="run">(.*?)</script>', text, re.S)
    faces = [json.loads(block) for block in re.findall(
        r'<script type="application/json" id="face-\d+">(.*?)</script>', text, re.S)]
    return json.loads(run), faces


@pytest.mark.slow
def test_the_page_shows_new_kept_and_failed_photos(tmp_path):
    photos, results = tmp_path / 'in', tmp_path / 'out'
    photos.mkdir()
    portrait = Image.fromarray(data.astronaut()[:300, 80:380])
    portrait.save(str(photos / 'first.png'))
    words = ['--input', str(photos), '--output', str(results), '--outputs', 'mat,png,viewer', '--iterations', '1']
    assert demo.main(words) == 0
    run, faces = page_of(results)
    assert [face['name'] for face in run['faces']] == ['first'] and faces[0]['texture'].startswith('data:image')
    assert run['links']['first'] == [['first.mat', 'first.mat'], ['first.png', 'first.png']]

    portrait.save(str(photos / 'second.jpg'))
    Image.new('RGB', (64, 64)).save(str(photos / 'third.png'))
    assert demo.main(words + ['--resume']) == 1
    run, faces = page_of(results)
    assert sorted(face['name'] for face in run['faces']) == ['first', 'second']
    assert [(row['name'], row['status']) for row in run['rows']] == [
        ('first', 'ok'), ('second', 'ok'), ('third', 'failed')]
    # A kept face comes back from its files, which have no texture.
    assert {face['name']: bool(content['texture']) for face, content in zip(run['faces'], faces)} == {
        'first': False, 'second': True}


def test_a_page_that_is_not_ours_stays(tmp_path, capsys):
    Image.fromarray(data.astronaut()).save(str(tmp_path / 'a.png'))
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'index.html').write_text('my homepage')
    assert demo.main(['--input', str(tmp_path), '--output', str(tmp_path / 'out'), '--outputs', 'viewer']) == 2
    assert 'index.html: expected nothing, or a result of this program' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'index.html').read_text() == 'my homepage'
