"""The option --face_model, alike on every command line. No files, no NumPy."""


def add_face_model_option(parser):
    """Adds --face_model FILE to an argparse parser or group; None means what face_model.load_face_model() finds."""
    parser.add_argument('--face_model', default=None, metavar='FILE',
                        help='the face model, a .mat file in the layout of BFM_model_front.mat; without it, the one in '
                             'BFM/: BFM_model_front.mat, or the parts of the Basel Face Model, or the open model')
