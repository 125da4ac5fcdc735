"""The command line of demo.py, image sets included."""
import pytest

from Deep3DFaceReconstruction.sets.options import SetOptions, parse


def test_defaults():
    _, sets = parse([])
    assert sets == SetOptions(sets=False, same_person=False, merge='auto', strangers='leave_out')
    assert not sets.has_sets


def test_words():
    options, sets = parse(['--sets', '--merge', 'mean', '--strangers', 'keep', '--input', 'people'])
    assert options.input == 'people' and sets == SetOptions(True, False, 'mean', 'keep') and sets.has_sets


@pytest.mark.parametrize('words,complaint', [
    (['--sets', '--same_person'], '--sets: expected --same_person or --sets, got both'),
    (['--sets', '--faces', 'all'], '--faces: expected largest with image sets, got all')])
def test_mistakes(words, complaint, capsys):
    with pytest.raises(SystemExit) as exit_info:
        parse(words)
    assert exit_info.value.code == 2 and complaint in capsys.readouterr().err
