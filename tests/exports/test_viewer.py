"""The page of a run: what is in it, and, where Chromium is installed, what a browser makes of it."""
import base64
import gzip
import html
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.exports import viewer

NASTY = '</script><b onclick="x()">=1+1 "Łódź" & \'co\''


@pytest.fixture
def model():
    """A tetrahedron whose one shape lifts its tip; its last vertex is drawn twice, for a texture's seam."""
    shapes = np.zeros([1, 4, 3])
    shapes[0, 3] = [0, 1, 0]
    return viewer.ViewerModel(np.array([[0, 1, 2], [0, 3, 1], [1, 4, 2]]), np.array([0, 1, 2, 3, 3]),
                              np.random.RandomState(0).rand(5, 2), ('jawOpen',), shapes, 0.0)


def make_face(name, texture=None):
    random = np.random.RandomState(1)
    return viewer.ViewerFace(name, random.randn(4, 3), 0.1 * random.randn(4, 3), random.uniform(-20, 300, [4, 3]),
                             random.randint(0, 255, [224, 1120, 3]).astype(np.uint8), texture)


def write(path, model, faces, rows=None, links=None):
    with viewer.ViewerPage(model) as page:
        for face in faces:
            page.add(face)
        if rows is None:
            rows = [{'image': face.name + '.jpg', 'name': face.name, 'status': 'ok', 'reason': ''} for face in faces]
        page.write(str(path), rows, links or {})
    return path.read_text(encoding='utf-8')


def block(text, name):
    found, = re.findall(r'<script type="application/json" id="%s">(.*?)</script>' % name, text, re.S)
    return json.loads(found)


def unpack(packed):
    return np.frombuffer(gzip.decompress(base64.b64decode(packed['data'])), packed['type'])


def test_arrays_survive(tmp_path, model):
    face = make_face('a')
    text = write(tmp_path / 'index.html', model, [face])
    packed = block(text, 'face-0')
    for name in ('neutral', 'expression'):
        expected = getattr(face, name)
        values = unpack(packed[name]).reshape(4, 3) * packed[name + '_scale']
        np.testing.assert_allclose(values, expected, atol=0.51 * np.abs(expected).max() / 32767)
    np.testing.assert_array_equal(unpack(packed['colors']).reshape(4, 3), np.clip(np.rint(face.colors), 0, 255))
    shared = block(text, 'model')
    np.testing.assert_array_equal(unpack(shared['triangles']).reshape(-1, 3), model.triangles)
    np.testing.assert_array_equal(unpack(shared['vertices']), model.vertices)
    np.testing.assert_allclose(unpack(shared['uv']).reshape(-1, 2) / 65535, model.uv, atol=1e-5)
    np.testing.assert_allclose(unpack(shared['shapes']).reshape(model.shapes.shape) * shared['shape_scales'][0],
                               model.shapes, atol=0.5 / 127)


def test_nothing_is_fetched_and_no_name_breaks_out(tmp_path, model):
    rows = [{'image': NASTY, 'name': NASTY, 'status': 'failed', 'reason': NASTY}]
    text = write(tmp_path / 'index.html', model, [make_face(NASTY)], rows, {NASTY: [('mesh', NASTY + '_mesh.obj')]})
    run = block(text, 'run')
    assert run['rows'] == rows and run['faces'][0]['name'] == NASTY
    assert run['links'][NASTY][0][1].isascii() and '<' not in run['links'][NASTY][0][1]
    page = re.sub(r'<script>.*?</script>', '', text, flags=re.S)  # without three.js, whose comments name addresses
    assert not re.search(r'(src|href)\s*=\s*["\']?(https?:)?//', page)
    assert html.escape(NASTY) not in text and '<b onclick' not in text


def test_texture_is_reduced_and_kept(tmp_path, model):
    face = make_face('a', Image.new('RGB', (2048, 2048), (9, 99, 199)))
    packed = block(write(tmp_path / 'index.html', model, [face]), 'face-0')
    assert packed['texture'].startswith('data:image/jpeg;base64,')
    image = Image.open(io.BytesIO(base64.b64decode(packed['texture'].split(',')[1])))
    assert image.size == (1024, 1024)
    np.testing.assert_allclose(image.getpixel((5, 5)), [9, 99, 199], atol=3)


def test_a_run_without_faces(tmp_path, model):
    rows = [{'image': 'a.jpg', 'name': 'a', 'status': 'failed', 'reason': 'a.jpg: expected a face, got none'}]
    assert block(write(tmp_path / 'index.html', model, [], rows), 'run')['faces'] == []


def test_nothing_half_written_stays(tmp_path, model, monkeypatch):
    monkeypatch.setattr(viewer, 'three_js', lambda: (_ for _ in ()).throw(viewer.AssetError('viewer: no three.js')))
    with pytest.raises(viewer.AssetError, match='no three.js'):
        write(tmp_path / 'index.html', model, [make_face('a')])
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope='module')
def browser():
    """Headless Chromium with a software renderer."""
    webdriver = pytest.importorskip('selenium.webdriver')
    from selenium.webdriver.chrome.service import Service

    if not (shutil.which('chromium') and shutil.which('chromedriver')):
        pytest.skip('needs chromium and chromedriver')
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which('chromium')
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    for argument in ('--headless=new', '--no-sandbox', '--disable-quic', '--disable-background-networking',
                     '--no-first-run', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
                     '--ignore-gpu-blocklist', '--window-size=1600,900'):
        options.add_argument(argument)
    driver = webdriver.Chrome(service=Service(shutil.which('chromedriver')), options=options)
    yield driver
    driver.quit()


def wait_for(browser, script):
    from selenium.webdriver.support.ui import WebDriverWait
    return WebDriverWait(browser, 60).until(lambda driver: driver.execute_script('return ' + script))


def pixels(browser):
    """The canvas as [H,W,3]."""
    url = browser.execute_script("return document.querySelector('canvas').toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(url.split(',')[1]))) as image:
        return np.asarray(image.convert('RGB')).astype(int)


@pytest.mark.slow
@pytest.mark.parametrize('width', [400, 1600])
def test_in_a_browser(browser, tmp_path, model, width):
    """It opens and draws, a slider moves the mesh, keys orbit and close, and the console stays silent."""
    from selenium.webdriver.common.keys import Keys

    faces = [make_face('first'), make_face(NASTY, Image.new('RGB', (64, 64), (250, 0, 0)))]
    write(tmp_path / 'index.html', model, faces)
    browser.set_window_size(width, 900)
    browser.get((tmp_path / 'index.html').as_uri())
    assert browser.execute_script('return document.documentElement.scrollWidth <= window.innerWidth')
    cards = browser.find_elements('css selector', '.card button')
    assert [card.text for card in cards] == ['first', NASTY]
    cards[0].send_keys(Keys.ENTER)
    wait_for(browser, "document.body.dataset.shown === 'first'")
    drawn = pixels(browser)
    assert (np.ptp(drawn.reshape(-1, 3), axis=0) > 30).all()

    browser.execute_script("const s = document.querySelector('#sliders input[data-shape]'); s.value = 1; s.oninput();")
    moved = pixels(browser)
    assert (moved != drawn).any(axis=2).sum() > 200
    browser.find_element('id', 'reset').click()
    np.testing.assert_array_equal(pixels(browser), drawn)
    browser.find_element('css selector', 'canvas').send_keys(Keys.ARROW_LEFT)
    assert (pixels(browser) != drawn).any()

    browser.find_element('id', 'next').click()
    wait_for(browser, 'document.body.dataset.shown === %s' % json.dumps(NASTY))
    browser.find_element('css selector', '[value=texture]').click()
    wait_for(browser, "!document.querySelector('[value=texture]').disabled")
    browser.find_element('css selector', 'canvas').send_keys(Keys.ESCAPE)
    assert not browser.execute_script("return document.getElementById('detail').open")
    assert [entry for entry in browser.get_log('browser') if entry['level'] == 'SEVERE'] == []
