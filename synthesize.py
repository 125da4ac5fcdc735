"""Training pictures with known coefficients, from the face model alone: no photos needed."""
import argparse
import sys

from Deep3DFaceReconstruction.errors import UserError, message_of
from Deep3DFaceReconstruction.system.arguments import add_face_model_option, positive
from Deep3DFaceReconstruction.system.process import prepare_process


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description='Makes pictures of random faces. Identity, expression, skin, pose, light, background, things '
                    'before the face, blur and noise are drawn at random; the true landmarks, mask and coefficients '
                    'lie beside each picture (SAVE/NAME.png, lm/, lm_bin/, mask/, coeff/NAME.npy), as train.py '
                    'reads them. SAVE/contact_sheet.png shows them. A run that was stopped goes on where it was.',
        epilog='Exit code: 0 when all pictures are there, 2 when they could not be made.')
    parser.add_argument('--save_path', required=True, metavar='SAVE', help='folder of the training set')
    parser.add_argument('--count', type=positive, default=1000, metavar='N', help='pictures')
    add_face_model_option(parser)
    parser.add_argument('--seed', type=int, default=0, help='another seed gives other pictures, such as for validation')
    parser.add_argument('--max_yaw', type=float, default=75.0, metavar='DEG', help='largest turn to either side')
    parser.add_argument('--max_pitch', type=float, default=30.0, metavar='DEG', help='largest nod up or down')
    parser.add_argument('--max_roll', type=float, default=20.0, metavar='DEG', help='largest tilt to either side')
    parser.add_argument('--plain', action='store_true', help='nothing before the face, no blur, no noise')
    parser.add_argument('--batch_size', type=positive, default=16, metavar='N', help='pictures decoded at a time')
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    prepare_process()
    # NumPy reads those settings when it is imported.
    try:
        return run(options)
    except (UserError, OSError) as error:
        print(message_of(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('stopped; the same command goes on from here', file=sys.stderr)
        return 130


def run(options):
    """Makes the pictures; returns the exit code."""
    from tqdm import tqdm

    # TensorFlow takes seconds to load; a mistyped flag should not.
    from Deep3DFaceReconstruction.dataset import synthesis
    from Deep3DFaceReconstruction.dataset.contact_sheet import write_contact_sheet
    from Deep3DFaceReconstruction.face_model import load_face_model

    base = synthesis.PLAIN_OPTIONS if options.plain else synthesis.DEFAULT_OPTIONS
    chosen = base._replace(max_yaw=options.max_yaw, max_pitch=options.max_pitch, max_roll=options.max_roll)
    model = load_face_model(options.face_model)
    with tqdm(total=options.count, unit='image', smoothing=0.05) as bar:
        names = synthesis.synthesize(options.save_path, options.count, model, options.seed, chosen,
                                     batch_size=options.batch_size, progress=bar.update)
    write_contact_sheet(options.save_path, names)
    print('%s: %d pictures' % (options.save_path, len(names)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
