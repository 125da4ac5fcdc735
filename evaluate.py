"""Measures reconstructions against the truth, or against another port: python evaluate.py -h"""
import sys

from Deep3DFaceReconstruction.errors import UserError, message_of
from Deep3DFaceReconstruction.evaluation.options import parse_evaluate
from Deep3DFaceReconstruction.system.process import prepare_process


def main(arguments=None):
    options = parse_evaluate(arguments)
    prepare_process()
    # NumPy reads those settings when it is imported.
    from Deep3DFaceReconstruction.evaluation import aflw2000, challenges, compare, synthetic
    from Deep3DFaceReconstruction.evaluation.scans import protocol
    run = {'aflw2000': aflw2000.evaluate, 'synthetic': synthetic.evaluate, 'now': challenges.evaluate_now,
           'realy': challenges.evaluate_realy, 'compare': compare.compare_folders,
           'reference': compare.compare_figures}.get(options.protocol, protocol.evaluate)
    try:
        return run(options)
    except (UserError, OSError) as error:
        print('evaluate.py: %s' % message_of(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
