"""python -m Deep3DFaceReconstruction.face_model convert|check: see -h."""
import argparse
import sys

from Deep3DFaceReconstruction.errors import UserError, message_of
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.process import prepare_process


def parse_arguments(arguments=None):
    """The options as an argparse namespace; exits with code 2 on a mistake."""
    parser = argparse.ArgumentParser(
        prog='python -m Deep3DFaceReconstruction.face_model',
        description='Makes face model files (.mat) and checks them.',
        epilog='Exit code: 0 when done and sound, 1 when a check found something doubtful, 2 when it failed.')
    commands = parser.add_subparsers(dest='command', metavar='convert|check')
    commands.required = True
    convert = commands.add_parser(
        'convert', help='make a face model file',
        description='Makes a face model file in the layout of BFM_model_front.mat: from the Basel Face Model 2009 and '
                    "its expression basis (the default, from the files in BFM/), from ICT-FaceKit's FaceXModel, from "
                    "Google's GNM head, or from the open model. A file at BFM/BFM_model_front.mat is used from then "
                    'on; use any other with --face_model FILE.')
    source = convert.add_mutually_exclusive_group()
    source.add_argument('--bfm', metavar='DIR', help='folder with 01_MorphableModel.mat, Exp_Pca.bin and the four '
                                                     'public files (default: BFM/)')
    source.add_argument('--ict', metavar='DIR', help='FaceXModel of ICT-FaceKit, or the folder that holds it')
    source.add_argument('--gnm', metavar='FILE', help='gnm_head.npz of GNM')
    source.add_argument('--open', action='store_true', help='the open model, for other programs')
    convert.add_argument('--landmarks', metavar='FILE', help="with --ict: a text file with the 68 landmarks' vertex "
                                                             'numbers, from 0 (default: as in its README); with '
                                                             '--gnm: its head_sparse_68.txt (default: where its '
                                                             'repository has it, or beside FILE)')
    convert.add_argument('--out', metavar='FILE', help='the .mat file to write (default: in BFM/, BFM_model_front.mat, '
                                                       'ict_model_front.mat, gnm_model_front.mat or '
                                                       'open_model_front.mat)')
    check = commands.add_parser(
        'check', help='check a face model file',
        description='Loads a face model, decodes its mean face and prints its name, licence and sizes, and facts '
                    'that a wrong unit, axis or index would change.')
    check.add_argument('file', nargs='?', metavar='FILE',
                       help='the .mat file (default: the one that demo.py would take)')
    check.add_argument('--picture', metavar='PNG', help='draw the mean face: with landmarks, plain, its geometry from '
                                                        'two sides')
    options = parser.parse_args(arguments)
    if options.command == 'convert' and options.landmarks and not (options.ict or options.gnm):
        convert.error('--landmarks goes with --ict or --gnm')
    return options


def main(arguments=None):
    options = parse_arguments(arguments)
    prepare_process()
    try:
        return {'convert': _convert, 'check': _check}[options.command](options)
    except (UserError, OSError) as error:
        print(message_of(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _convert(options):
    from Deep3DFaceReconstruction.face_model import load_face_model

    if options.ict is not None:
        from Deep3DFaceReconstruction.face_model import open_model
        from Deep3DFaceReconstruction.face_model.converters import ict_facekit
        path = options.out or assets.ICT_MODEL_FRONT
        ict_facekit.convert(options.ict, path, open_model.load_open_model(), landmark_file=options.landmarks)
    elif options.gnm is not None:
        from Deep3DFaceReconstruction.face_model import open_model
        from Deep3DFaceReconstruction.face_model.converters import gnm
        path = options.out or assets.GNM_MODEL_FRONT
        gnm.convert(options.gnm, path, open_model.load_open_model(), landmark_file=options.landmarks)
    elif options.open:
        from Deep3DFaceReconstruction.face_model import open_model
        path = options.out or assets.OPEN_MODEL_FRONT
        open_model.write_open_model_front(path)
    else:
        from Deep3DFaceReconstruction.face_model.converters import bfm09
        path = options.out or assets.BFM_MODEL
        bfm09.convert(path, options.bfm or assets.BFM_DIR)
    print('wrote %s' % path)
    _describe(load_face_model(path))
    return 0


def _check(options):
    from Deep3DFaceReconstruction.face_model import check, load_face_model

    model = load_face_model(options.file)
    print(model.path)
    _describe(model)
    found = check.facts(model)
    decoded, picture = check.decode_mean(model)
    found += decoded
    width = max(len(fact.what) for fact in found)
    for fact in found:
        print('%-8s %-*s  %s%s' % ('' if fact.ok else 'DOUBTFUL', width, fact.what, fact.got,
                                   '' if fact.ok else ' (expected %s)' % fact.expected))
    if options.picture:
        from Deep3DFaceReconstruction.pictures import save_png
        save_png(options.picture, picture)
        print('drew %s' % options.picture)
    doubtful = sum(not fact.ok for fact in found)
    print('%d of %d facts are doubtful' % (doubtful, len(found)) if doubtful else 'sound')
    return 1 if doubtful else 0


def _describe(model):
    print('%s; licence: %s' % (model.name, model.licence))
    print('%d vertices, %d triangles; %d identity, %d expression, %d albedo components' % (
        len(model.meanshape), len(model.triangles), model.id_dim, model.ex_dim, model.tex_dim))


if __name__ == '__main__':
    sys.exit(main())
