"""Says what the program has, what is wrong with it and what to do: python -m Deep3DFaceReconstruction.doctor

Runs on Python 3.7 or later with no packages installed: what needs NumPy, dlib or TensorFlow happens in child
processes. The exit code is 0 when demo.py can run and 1 when it cannot.
"""
import argparse
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

from Deep3DFaceReconstruction.doctor import asset_checks, catalogue, child_checks, machine_checks, report, stray_files
from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, WRONG, Finding, Verdict
from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.system import assets

# Without these, demo.py does not start; what it needs of models and networks depends on which are there.
_ALWAYS_NEEDED = ('tensorflow', 'kernel', 'packages', 'dlib', 'landmark_predictor')
# Where both are there, they are converted (bfm09.sources_present).
_LICENSED_PARTS = catalogue.BFM09_PARTS[:2]


def diagnose(root=assets.ROOT):
    """Checks everything.

    Args:
      root: the folder with BFM/, network/ and weights/.
    Returns:
      (list of Finding in the catalogue's order, stray files at the end; what the libraries wrote to standard error).
    """
    root = os.path.abspath(root)
    paths, verdicts = {}, {'python': machine_checks.check_python()}
    for item in catalogue.ITEMS:
        try:
            paths[item.key] = catalogue.path_of(item, root)
            verdict = asset_checks.visible(paths[item.key], item.kind) if paths[item.key] else None
        except AssetError:
            paths[item.key], verdict = None, Verdict(MISSING, 'not installed', 'Type: make setup.')
        except OSError as error:
            verdict = Verdict(WRONG, 'cannot be read (%s)' % one_line(error))
        if verdict:
            verdicts.setdefault(item.key, verdict)
    deep, noise = _look_inside({key: path for key, path in paths.items() if key not in verdicts})
    verdicts.update(deep)
    blockers = blocking({key: verdict.state for key, verdict in verdicts.items()})
    findings = [Finding(item, *verdicts[item.key], paths[item.key], item.key in blockers) for item in catalogue.ITEMS]
    findings += [Finding(catalogue.Item('stray:' + stray.path, stray.path, catalogue.STRAY, stray.path), WRONG,
                         stray.found, stray.advice, os.path.join(root, stray.path), False)
                 for stray in stray_files.find(root, {key for key, verdict in verdicts.items() if verdict.state == OK})]
    return findings, noise


def _look_inside(paths):
    """Runs the checks that need packages: those with TensorFlow in one child process, the others in another."""
    halves = [{key: paths[key] for key in keys if key in paths}
              for keys in (child_checks.WITH_TENSORFLOW, child_checks.WITHOUT_TENSORFLOW)]
    with ThreadPoolExecutor(max_workers=len(halves)) as pool:
        verdicts, noise = zip(*pool.map(child_checks.run_apart, halves))
    return dict(verdicts[0], **verdicts[1]), ''.join(noise)


def blocking(states):
    """The entries because of which demo.py cannot run with its default options.

    It wants a face model (BFM_model_front.mat, else BFM09's parts where both licensed ones are there, else the open
    model), and uses FaceReconModel.pb where that is there, else with the open model open_r_net.pb.

    Args:
      states: {key: state}.
    Returns:
      set of keys.
    """
    def bad(key):
        return states[key] in (MISSING, WRONG)

    keys = {key for key in _ALWAYS_NEEDED if bad(key)}
    if states['face_recon_pb'] == WRONG:
        keys.add('face_recon_pb')
    if states['bfm_model_front'] != MISSING:
        needed = ('bfm_model_front',)
    elif all(states[key] != MISSING for key in _LICENSED_PARTS):
        needed = catalogue.BFM09_PARTS
    else:
        needed = ('open_model',)
        if states['open_r_net'] == WRONG and states['face_recon_pb'] == MISSING:
            keys.add('open_r_net')
    return keys.union(key for key in needed if bad(key))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog='python -m Deep3DFaceReconstruction.doctor',
                                     description='Checks everything that the program can use: what is there, what is '
                                                 'wrong with it, what to do.',
                                     epilog='Exit code: 0 when demo.py can run, 1 when it cannot.')
    parser.add_argument('--verbose', action='store_true',
                        help='also say what each thing is for, where it comes from and its licence, and print what the '
                             'libraries wrote to standard error')
    parser.add_argument('--json', action='store_true', help='print one JSON object instead of the table')
    parser.add_argument('--root', default=assets.ROOT, metavar='DIR',
                        help='the folder with BFM/, network/ and weights/ (default: %(default)s)')
    options = parser.parse_args(arguments)
    if options.root != assets.ROOT and not os.path.isdir(options.root):
        parser.error('--root %s: expected a folder' % options.root)
    findings, noise = diagnose(options.root)
    try:
        if options.json:
            json.dump(report.as_dict(findings), sys.stdout, indent=2)
            print()
        else:
            print(report.as_text(findings, shutil.get_terminal_size((100, 24)).columns, options.verbose))
            if options.verbose and noise.strip():
                print('\nStandard error of the libraries:\n' + noise.rstrip())
        sys.stdout.flush()
    except BrokenPipeError:  # as in: doctor | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1 if any(finding.blocks_demo for finding in findings) else 0


if __name__ == '__main__':
    sys.exit(main())
