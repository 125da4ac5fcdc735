"""The words of --outputs, and outputs tried one after the other."""
import argparse

import pytest

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.exports import catalogue


def test_lists():
    assert catalogue.outputs_list('png, mat') == ('mat', 'png')
    assert catalogue.outputs_list('all') == catalogue.outputs_list('glb,all') == tuple(catalogue.SUFFIXES)
    assert catalogue.outputs_list(','.join(catalogue.DEFAULT)) == catalogue.DEFAULT


def test_no_two_outputs_write_the_same_file():
    files = [suffix for suffixes in catalogue.SUFFIXES.values() for suffix in suffixes]
    assert len(files) == len(set(files))


@pytest.mark.parametrize('text, got', [
    ('mat,hologram', 'hologram'), ('', 'nothing'), (' , ', 'nothing'), ('MAT', 'MAT')])
def test_an_unknown_name_fails_with_the_list(text, got):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        catalogue.outputs_list(text)
    assert str(caught.value) == 'expected all or some of %s, got %s' % (','.join(catalogue.SUFFIXES), got)


@pytest.mark.parametrize('text', ['-0.1', '1.01', 'nan', 'half', ''])
def test_what_is_no_share(text):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        catalogue.share(text)
    assert str(caught.value) == 'expected a number from 0 to 1, got ' + text


@pytest.mark.parametrize('text', ['63', '8193', '1024.0', '-1024', 'big', ''])
def test_what_is_no_texture_size(text):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        catalogue.texture_size(text)
    assert str(caught.value) == 'expected a whole number from 64 to 8192, got ' + text


def test_one_failure_does_not_keep_the_others():
    def fails(error):
        def writer():
            raise error
        return writer

    writers = {'mat': fails(OSError(28, 'No space left on device')), 'obj': lambda: None,
               'png': fails(ValueError('a\nb')), 'glb': fails(InputError('x: expected y, got z')),
               'ply': fails(KeyError())}
    found = catalogue.try_writers(writers, ('mat', 'obj', 'png', 'texture', 'glb'), 'she')
    assert found.files == ['she_mesh.obj']
    assert found.failures == {'mat': 'No space left on device', 'png': 'a', 'glb': 'x: expected y, got z'}
    both = found.joined(catalogue.Outcome(['she.ply'], {'mat': 'later'}))
    assert both.files == ['she_mesh.obj', 'she.ply'] and both.failures['mat'] == 'later'
    with pytest.raises(KeyError):  # a defect of the program is not hidden
        catalogue.try_writers(writers, ('ply',), 'she')
