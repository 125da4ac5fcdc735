"""The package as pip installs it: what is in the wheel, and that it works from a folder that cannot be written."""
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.system import assets
from mesh_renderer.kernels import build, places
from tests import ROOT

PACKAGES = ('Deep3DFaceReconstruction', 'mesh_renderer')
NEEDED = ('pyproject.toml', 'setup.py', 'requirements-any.txt', 'README.md', 'LICENSE')

# Nothing beside the package can be written, as in a shared site-packages; the model's cache is none of it.
PROGRAM = """
import os, sys
access = os.access
os.access = lambda path, mode: mode != os.W_OK and access(path, mode)
import numpy as np
from mesh_renderer.tf1 import tf
from mesh_renderer import mesh_renderer
from Deep3DFaceReconstruction import face_model
with tf.Graph().as_default(), tf.Session() as session:
    vertices = tf.constant([[[-1., -1., 0.], [1., -1., 0.], [0., 1., 0.]]])
    image = mesh_renderer.mesh_renderer(
        vertices, tf.constant([[0, 1, 2]]), tf.constant([[[0., 0., 1.]] * 3]), tf.eye(3)[None],
        camera_position=tf.constant([0., 0., 5.]), camera_lookat=tf.zeros([3]), camera_up=tf.constant([0., 1., 0.]),
        light_positions=tf.constant([[[0., 0., 5.]]]), light_intensities=tf.ones([1, 1, 3]),
        image_width=16, image_height=16)
    image, gradient = session.run([image, tf.gradients(image[..., 0], vertices)[0]])
    np.savez(sys.argv[1], image=image, gradient=gradient)
print(face_model.load_face_model().path)
"""


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what it is built from."""
    source, folder = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
    for name in PACKAGES:
        shutil.copytree(os.path.join(ROOT, name), str(source / name), ignore=shutil.ignore_patterns('__pycache__'))
    for name in NEEDED:
        shutil.copy(os.path.join(ROOT, name), str(source))
    (source / 'BFM').mkdir()
    for path in (assets.OPEN_MODEL, assets.OPEN_HEAD, assets.OPEN_ATTRIBUTES):
        shutil.copy(path, str(source / 'BFM'))
    (source / 'network').mkdir()
    if os.path.isfile(assets.OPEN_R_NET_PB):
        shutil.copy(assets.OPEN_R_NET_PB, str(source / 'network'))
    (source / 'BFM' / 'licensed.mat').write_bytes(b'stays at home')
    pip('wheel', '--no-build-isolation', '--wheel-dir', str(folder), str(source))
    made, = folder.glob('*.whl')
    return str(made)


def pip(command, *arguments):
    done = subprocess.run([sys.executable, '-m', 'pip', command, '--quiet', '--no-deps', '--no-index',
                           '--disable-pip-version-check'] + list(arguments), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def carried(package):
    """The files of a package that belong in the wheel."""
    for folder, folders, names in os.walk(os.path.join(ROOT, package)):
        folders[:] = [name for name in folders if name != '__pycache__' and not name.startswith('.')]
        for name in names:
            if not name.startswith('.') and not name.endswith(('.so', '.stamp')):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages_and_the_open_model(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.split('/')[0].endswith('.dist-info')}
        metadata, = [archive.read(name).decode() for name in archive.namelist() if name.endswith('/METADATA')]
    expected = {name for package in PACKAGES for name in carried(package)}
    assets_of = {'Deep3DFaceReconstruction/' + name for name in (
        'BFM/open_model.npz', 'BFM/open_head.npz', 'BFM/open_attributes.npz', 'network/open_r_net.pb')
        if os.path.exists(os.path.join(ROOT, name))}
    assert names == expected | assets_of and len(assets_of) >= 3
    required = [line for line in metadata.splitlines() if line.startswith('Requires-Dist: ')]
    assert any('numpy' in line for line in required)
    assert all('extra ==' in line for line in required if 'tensorflow' in line)
    assert {'Provides-Extra: tf1', 'Provides-Extra: tf2'} <= set(metadata.splitlines())


@pytest.mark.slow
def test_it_works_installed_where_nothing_can_be_written(wheel, tmp_path):
    """Two processes at once, from another folder: one compiles, both render."""
    site, cache = tmp_path / 'site-packages', tmp_path / 'cache'
    pip('install', '--target', str(site), wheel)
    before = sorted(os.listdir(str(site / 'mesh_renderer' / 'kernels')))
    compiler = tmp_path / 'quick-compiler'
    compiler.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\ncp %s "$2"\n' % places.find(build.stamp()))
    compiler.chmod(0o755)
    (tmp_path / 'elsewhere').mkdir()
    environment = dict(os.environ, PYTHONPATH=str(site), XDG_CACHE_HOME=str(cache), XDG_DATA_HOME=str(tmp_path),
                       CXX=str(compiler), PYTHONDONTWRITEBYTECODE='1')
    running = [subprocess.Popen([sys.executable, '-c', PROGRAM, str(tmp_path / name)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, universal_newlines=True, cwd=str(tmp_path / 'elsewhere'),
                                env=environment) for name in ('a.npz', 'b.npz')]
    said = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    model = str(site / 'Deep3DFaceReconstruction' / 'BFM' / 'open_model.npz')
    assert [output.split('\n')[-2] for output, _ in said] == [model, model]
    assert ''.join(noise for _, noise in said).count('mesh_renderer: compiling the renderer') == 1
    assert sum(name.endswith('.so') for _, _, names in os.walk(str(cache)) for name in names) == 1
    assert sorted(os.listdir(str(site / 'mesh_renderer' / 'kernels'))) == before

    a, b = [np.load(str(tmp_path / name)) for name in ('a.npz', 'b.npz')]
    for key in ('image', 'gradient'):
        assert np.abs(a[key]).sum() > 0.1
        np.testing.assert_array_equal(a[key], b[key])


def test_what_is_required_agrees_with_what_is_pinned():
    """requirements-any.txt names what the pinned files name, besides TensorFlow and what it needs held back."""
    def names(file):
        with open(os.path.join(ROOT, file)) as lines:
            words = [line.split(';')[0].strip() for line in lines if line.strip() and not line.startswith('#')]
        return {word.replace('>', '=').split('=')[0].lower() for word in words}

    pinned, pinned_tf2, wanted = [names(file) for file in (
        'requirements.txt', 'requirements-tf2.txt', 'requirements-any.txt')]
    assert pinned - {'tensorflow-gpu', 'protobuf', 'click'} == wanted, 'requirements-any.txt needs an entry, too'
    assert pinned_tf2 - {'tensorflow'} == wanted, 'requirements-any.txt needs an entry, too'


def test_in_a_checkout_everything_lies_below_its_root():
    assert assets.ROOT == assets.CODE == ROOT
    assert load_face_model(assets.OPEN_MODEL).path == os.path.join(ROOT, 'BFM', 'open_model.npz')
