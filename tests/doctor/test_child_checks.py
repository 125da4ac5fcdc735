"""A check that dies, hangs or fails takes nothing else with it."""


from Deep3DFaceReconstruction.doctor import child_checks
from Deep3DFaceReconstruction.doctor.catalogue import OK, UNCHECKED, WRONG, Verdict
from Deep3DFaceReconstruction.system import assets


def _write_child_checks(root, source):
    room = root / 'Deep3DFaceReconstruction' / 'doctor'
    room.mkdir(parents=True)
    for folder in (room.parent, room):
        (folder / '__init__.py').write_text('')
    (room / 'child_checks.py').write_text(source)


def test_a_check_that_kills_its_process_takes_nothing_else_with_it(monkeypatch, tmp_path):
    _write_child_checks(
        tmp_path,
        'import json, os, signal, sys, time\n'
        'for key, path in json.loads(sys.argv[1]):\n'
        '    print(json.dumps([key, None]), flush=True)\n'
        '    if key == "kernel":\n'
        '        os.kill(os.getpid(), signal.SIGILL)\n'
        '    if key == "facenet":\n'
        '        time.sleep(60)\n'
        '    if key == "resnet_ckpt":\n'
        '        os._exit(3)\n'
        '    print(json.dumps([key, ["ok", path, ""]]), flush=True)\n')
    monkeypatch.setattr(assets, 'CODE', str(tmp_path))
    verdicts, _ = child_checks.run_apart({'tensorflow': 'a', 'kernel': None, 'resnet_ckpt': 'c', 'facenet': 'd',
                                          'landmark68_pb': 'e'}, timeout=2)
    assert verdicts['tensorflow'] == Verdict(OK, 'a') and verdicts['landmark68_pb'] == Verdict(OK, 'e')
    assert verdicts['kernel'].found == 'crashes (SIGILL: its compiled code is for another processor)'
    assert 'mesh_renderer.kernels.build --force. With --portable' in verdicts['kernel'].advice
    assert verdicts['resnet_ckpt'].found == 'ends the process (exit status 3)'
    assert verdicts['facenet'].found == 'does not answer within 2 seconds'
    assert {verdicts[key].state for key in ('kernel', 'resnet_ckpt', 'facenet')} == {WRONG}


def test_without_tensorflow_nothing_that_needs_it_is_tried(monkeypatch, tmp_path):
    _write_child_checks(
        tmp_path,
        'import os; print("[\\"tensorflow\\", null]", flush=True); os.abort()')
    monkeypatch.setattr(assets, 'CODE', str(tmp_path))
    verdicts, _ = child_checks.run_apart({'tensorflow': None, 'gpu': None, 'facenet': 'x'})
    assert verdicts['tensorflow'].found == 'crashes (SIGABRT)'
    assert verdicts['gpu'] == verdicts['facenet'] == Verdict(UNCHECKED, 'not checked: TensorFlow does not run')


def test_a_fault_in_a_check_is_a_verdict(monkeypatch):
    def broken():
        raise KeyError('oops')
    monkeypatch.setitem(child_checks._MACHINE, 'gpu', broken)
    assert child_checks.check('gpu', None) == Verdict(WRONG, "cannot be checked: KeyError: 'oops'")
