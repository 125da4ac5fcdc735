"""The table, and what to do below it."""

import pytest

from Deep3DFaceReconstruction.doctor import __main__, catalogue
from Deep3DFaceReconstruction.doctor import report as doctor_report
from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, UNCHECKED, WRONG, Finding
from tests.doctor.states import states


def findings(**changes):
    verdicts = states(**changes)
    blockers = __main__.blocking(verdicts)
    return [Finding(item, verdicts[item.key], 'what was seen of %s, at some length' % item.name, '', None,
                    item.key in blockers) for item in catalogue.ITEMS]


@pytest.mark.parametrize('columns', [80, 120])
def test_the_table_fits_the_terminal(columns):
    for verbose in (False, True):
        text = doctor_report.as_text(findings(kernel=WRONG, face_recon_pb=OK), columns, verbose)
        assert max(map(len, text.splitlines())) <= columns
        for item in catalogue.ITEMS:
            assert '  %s  ' % item.name in text


def test_a_long_name_has_a_line_to_itself():
    item = catalogue.Item('stray:x', 'weights/id_net/20170512-110547/model-20170512-110547.ckpt', catalogue.STRAY)
    lines = doctor_report.as_text(findings() + [Finding(item, WRONG, 'what', 'Do.', 'x', False)], 80).splitlines()
    at = lines.index('  WRONG    ' + item.name)
    assert lines[at + 1] == ' ' * 36 + 'what'


def test_what_keeps_the_demo_from_running_is_told_first():
    text = doctor_report.as_text(findings(gpu=WRONG, face_recon_pb=WRONG), 80)
    text = text[text.index('What to do'):]
    assert text.index('FaceReconModel.pb: ') < text.index('GPU: ')


def test_only_what_can_be_done_without_may_be_removed():
    for key in catalogue.REMOVABLE:
        text = doctor_report.as_text(findings(**{key: WRONG}), 120)
        assert 'Or remove it: then' in ' '.join(text.split())
    assert 'remove' not in doctor_report.as_text(findings(open_model=WRONG, landmark_predictor=WRONG), 120)


def test_what_comes_from_nowhere_is_only_told():
    assert '\n  GPU: What was seen of GPU, at some length.\n' in doctor_report.as_text(findings(gpu=WRONG), 120)


def test_marks():
    text = doctor_report.as_text(findings(kernel=MISSING, exp_pca=WRONG, open_model=UNCHECKED), 120)
    for mark, name in (('ok', 'TensorFlow'), ('MISSING', 'renderer kernel'), ('WRONG', 'Exp_Pca.bin'),
                       ('?', 'open_model.npz'), ('-', 'resnet_v1_50.ckpt')):
        assert '  %-7s  %-23s  what' % (mark, name) in text


def test_verbose_tells_of_everything():
    text = doctor_report.as_text(findings(), 120, verbose=True)
    paragraphs = ' '.join(text[text.index('The rest'):].split())
    assert ('open_model.npz: The open face model, used where there is no other. Without it, a BFM_model_front.mat of '
            'your own is needed. From this repository (git checkout '
            'BFM/open_model.npz); licence: CC0. It goes into BFM/.') in paragraphs
    assert ('dlib: Finds faces and their landmarks. Without it, nothing works. From make setup; licence: Boost.'
            ) in paragraphs


def test_the_index_files_share_a_paragraph():
    text = ' '.join(doctor_report.as_text(findings(), 100).split())
    assert 'std_exp.txt, BFM_front_idx.mat, BFM_exp_idx.mat, facemodel_info.mat: One of the files' in text


def test_parts_of_a_model_that_is_there_are_not_advised():
    text = doctor_report.as_text(findings(bfm_model_front=OK), 100)
    assert '01_MorphableModel.mat: ' not in text and 'demo.py can run: face model: BFM_model_front.mat' in text


def test_a_network_with_another_face_model_is_warned_of():
    text = ' '.join(doctor_report.as_text(findings(face_recon_pb=OK), 100).split())
    assert 'works only with the face model that it was trained with' in ' '.join(text.split())
    text = ' '.join(doctor_report.as_text(findings(face_recon_pb=OK, bfm_model_front=OK), 100).split())
    assert 'works only with' not in ' '.join(text.split())
