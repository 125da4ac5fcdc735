"""Converts R-Net to the formats of other programs: python tools/export_network.py network/open_r_net.pb --images PHOTOS

Writes NAME_saved_model/, NAME_float16.tflite, NAME_int8.tflite and NAME.onnx, or some of them. All have the interface
of the frozen graph: input_imgs [B,224,224,3], BGR, 0-255 -> coeff [B,257]. ONNX needs requirements-export.txt; int8
needs TensorFlow 2 and images to calibrate with. If a format fails, the others are still written.
"""
import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.errors import InputError, UserError, message_of  # noqa: E402
from Deep3DFaceReconstruction.system import exit_codes  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write, check_writable  # noqa: E402
from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

# What follows NAME in the name of each format's file.
SUFFIXES = {'saved_model': '_saved_model', 'float16': '_float16.tflite', 'int8': '_int8.tflite', 'onnx': '.onnx'}


def formats_list(text):
    """Names of SUFFIXES from 'a,b', or 'all'."""
    names = tuple(SUFFIXES) if text == 'all' else tuple(text.split(','))
    unknown = sorted(set(names) - set(SUFFIXES))
    if unknown:
        raise argparse.ArgumentTypeError("expected all, or some of %s, got '%s'" % (','.join(SUFFIXES), unknown[0]))
    return names


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog=exit_codes.EPILOG)
    parser.add_argument('network', help='a .pb that train.py exported, or a checkpoint of R-Net')
    parser.add_argument('--output', metavar='DIR', help='where to write; by default beside the network')
    parser.add_argument('--formats', type=formats_list, default=tuple(SUFFIXES), metavar='LIST',
                        help='all (default), or some of ' + ','.join(SUFFIXES))
    parser.add_argument('--images', metavar='DIR',
                        help='photos or aligned crops for the calibration of int8; a few hundred like those to come')
    return parser.parse_args(arguments)


def write(kind, graph_def, options, path):
    """Writes one format of a frozen graph to `path`, which must not exist.

    Raises:
      UserError, OSError: it cannot be made or written.
    """
    from Deep3DFaceReconstruction.networks.formats import calibration, onnx_model, saved_model, tflite
    if os.path.lexists(path):
        raise InputError('%s: expected no file, got one; it is left as it is: move it away or give another --output'
                         % path)
    source = options.network
    if kind == 'saved_model':
        saved_model.save(graph_def, source, path)
        return
    if kind == 'int8' and options.images is None:
        raise InputError('--formats int8: expected --images DIR with images to calibrate with, got none')
    data = {'float16': lambda: tflite.float16(graph_def, source),
            'int8': lambda: tflite.int8(graph_def, source, calibration.crops_of_folder(options.images)),
            'onnx': lambda: onnx_model.onnx_bytes(graph_def, source)}[kind]()
    with atomic_write(path) as temporary, open(temporary, 'wb') as file:
        file.write(data)


def main(arguments=None):
    options = parse_arguments(arguments)
    prepare_process()
    from Deep3DFaceReconstruction.networks import frozen_graph
    folder = options.output or os.path.dirname(os.path.abspath(options.network))
    name = os.path.splitext(os.path.basename(options.network))[0]
    try:
        check_writable(folder)
        graph_def = frozen_graph.load_any(options.network)
    except (UserError, OSError) as error:
        print('export_network.py: %s' % message_of(error), file=sys.stderr)
        return exit_codes.NOT_STARTED
    failed = False
    for kind in options.formats:
        path = os.path.join(folder, name + SUFFIXES[kind])
        try:
            write(kind, graph_def, options, path)
            print('%s: %s' % (kind, path))
        except (UserError, OSError) as error:
            failed = True
            print('export_network.py: %s: %s' % (kind, message_of(error)), file=sys.stderr)
    return exit_codes.SOME_FAILED if failed else exit_codes.ALL_DONE


if __name__ == '__main__':
    sys.exit(main())
