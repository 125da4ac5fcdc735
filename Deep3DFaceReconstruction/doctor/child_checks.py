"""Runs checks in a child process, so that one that ends its process, or never ends, takes nothing else with it.

The parent imports nothing but Python's own library. The child writes one line of JSON when it starts a check and one
when it has a verdict; whatever the libraries say goes elsewhere. Where the child dies, the check that was running is
blamed and the others go on in a new child.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile

from Deep3DFaceReconstruction.doctor import asset_checks, gpu_check, machine_checks
from Deep3DFaceReconstruction.doctor.catalogue import OK, UNCHECKED, WRONG, Verdict
from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.system import assets

# What the checks behind it in a child need: where it is not ok, they are not tried.
TENSORFLOW = 'tensorflow'

# In this order; each is called with the path of its file, those of the machine with nothing.
_MACHINE = {
    'tensorflow': machine_checks.check_tensorflow, 'gpu': gpu_check.check_gpu,
    'kernel': machine_checks.check_kernel, 'packages': machine_checks.check_packages,
    'dlib': machine_checks.check_dlib, 'google_networks': asset_checks.check_google_networks}
_FILES = {
    'face_recon_pb': asset_checks.check_face_recon_pb, 'open_r_net': asset_checks.check_face_recon_pb,
    'landmark68_pb': asset_checks.check_landmark68_pb,
    'resnet_ckpt': asset_checks.check_resnet_checkpoint, 'facenet': asset_checks.check_facenet,
    'dlib_id_net': asset_checks.check_dlib_id_net, 'landmark_predictor': asset_checks.check_landmark_predictor,
    'face_detector': asset_checks.check_face_detector, 'open_model': asset_checks.check_face_model,
    'open_head': asset_checks.check_open_head, 'open_attributes': asset_checks.check_open_attributes,
    'bfm_model_front': asset_checks.check_face_model, 'ict_model_front': asset_checks.check_face_model,
    'gnm_model_front': asset_checks.check_face_model, 'bfm09': asset_checks.check_bfm09_source,
    'exp_pca': asset_checks.check_bfm09_source, 'std_exp': asset_checks.check_bfm09_source,
    'bfm_front_idx': asset_checks.check_bfm09_source, 'bfm_exp_idx': asset_checks.check_bfm09_source,
    'facemodel_info': asset_checks.check_bfm09_source}
# What runs in the child that has TensorFlow; the rest needs NumPy or dlib and runs beside it.
WITH_TENSORFLOW = ('tensorflow', 'gpu', 'kernel', 'face_recon_pb', 'open_r_net', 'landmark68_pb', 'resnet_ckpt',
                   'facenet', 'dlib_id_net', 'google_networks')
WITHOUT_TENSORFLOW = tuple(key for key in tuple(_MACHINE) + tuple(_FILES) if key not in WITH_TENSORFLOW)

_FAULT_SIGNALS = {signal.SIGILL: 'its compiled code is for another processor', signal.SIGKILL: 'out of memory?'}


def check(key, path):
    """The verdict on one thing, whatever happens short of the end of the process.

    Args:
      key: of catalogue.ITEMS.
      path: of its file; None for the machine's.
    """
    try:
        return _MACHINE[key]() if key in _MACHINE else _FILES[key](path)
    except AssetError as error:
        return Verdict(WRONG, _without_path(str(error), path))
    except ImportError as error:
        return Verdict(UNCHECKED, 'present, but not checked: %s' % error)
    except MemoryError:
        return Verdict(UNCHECKED, 'present, but not checked: not enough memory')
    except Exception as error:  # a check of its own never stops the others
        return Verdict(WRONG, 'cannot be checked: %s: %s' % (type(error).__name__, one_line(error)))


def _without_path(message, path):
    """Messages of loaders begin with the file, which the table has in another column."""
    beginnings = ('%s: ' % path, '%s' % path) if path else ()
    for beginning in beginnings:
        if message.startswith(beginning):
            return message[len(beginning):].lstrip(': ')
    return message


def run_apart(paths, timeout=120.0):
    """Runs checks one after another in a child process.

    Args:
      paths: {key: path or None}, in the order of running.
      timeout: seconds for all of them, after which the one that runs is given up.
    Returns:
      ({key: Verdict}, what the children wrote to standard error).
    """
    verdicts, said, waiting = {}, [], dict(paths)
    while waiting:
        done, running, fault, noise = _round(waiting, timeout)
        said.append(noise)
        verdicts.update(done)
        if running:
            verdicts[running] = Verdict(WRONG, fault, _crash_advice(running))
        waiting = {key: path for key, path in waiting.items() if key not in verdicts}
        reason = None
        if TENSORFLOW in verdicts and verdicts[TENSORFLOW].state != OK:
            reason = 'not checked: TensorFlow does not run'
        elif waiting and not running:
            reason = 'not checked: the child process failed: %s' % (_last_line(noise) or fault)
        if reason:
            verdicts.update({key: Verdict(UNCHECKED, reason) for key in waiting})
            break
    return verdicts, ''.join(said)


def _round(paths, timeout):
    """One child: ({key: Verdict}, the key of the check that it died in or None, how it died, its standard error)."""
    command = [sys.executable, '-m', 'Deep3DFaceReconstruction.doctor.child_checks', json.dumps(list(paths.items()))]
    search = os.pathsep.join(filter(None, [assets.CODE, os.environ.get('PYTHONPATH')]))
    environment = dict(os.environ, PYTHONPATH=search, OPENBLAS_NUM_THREADS='1', TF_CPP_MIN_LOG_LEVEL='0')
    with tempfile.TemporaryFile() as noise:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=noise,
                                 cwd=assets.CODE, env=environment)
        try:
            output, _ = child.communicate(timeout=timeout)
            fault = _how_it_died(child.returncode)
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
            fault = 'does not answer within %.0f seconds' % timeout
        except BaseException:
            child.kill()
            raise
        noise.seek(0)
        said = noise.read().decode('utf-8', 'replace')
    verdicts, running = {}, None
    for line in output.decode('utf-8', 'replace').splitlines():
        key, verdict = json.loads(line)
        running = key if verdict is None else None
        if verdict is not None:
            verdicts[key] = Verdict(*verdict)
    return verdicts, running, fault, said


def _how_it_died(code):
    if code >= 0:
        return 'ends the process (exit status %d)' % code
    try:
        number = signal.Signals(-code)
    except ValueError:
        return 'ends the process (signal %d)' % -code
    reason = _FAULT_SIGNALS.get(number)
    return 'crashes (%s%s)' % (number.name, ': ' + reason if reason else '')


def _crash_advice(key):
    if key == 'kernel':
        return '%s With --portable it runs on several kinds of processors.' % machine_checks.compile_advice(again=True)
    if key in ('tensorflow', 'packages', 'dlib'):
        return 'This build does not run on this machine; type make setup, or try the other TensorFlow: make demo TF=2.'
    return ''


def _last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ''


def main(argv):
    """The child: checks what its argument lists, [[key, path], ...] in JSON."""
    # Libraries may print; only what is written here reaches the parent.
    channel = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)

    def tell(key, verdict=None):
        channel.write(json.dumps([key, verdict]) + '\n')
        channel.flush()

    for key, path in json.loads(argv[1]):
        tell(key)
        verdict = check(key, path)
        tell(key, verdict)
        if key == TENSORFLOW and verdict.state != OK:
            break


if __name__ == '__main__':
    main(sys.argv)
