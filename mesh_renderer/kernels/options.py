"""The command line of `python -m mesh_renderer.kernels.build`."""
import argparse


def build_parser():
    """The command line as an argparse parser."""
    parser = argparse.ArgumentParser(prog='python -m mesh_renderer.kernels.build',
                                     description='Compile the renderer for the installed TensorFlow.')
    parser.add_argument('--portable', action='store_true', help='for any x86-64, not just this machine')
    parser.add_argument('--force', action='store_true', help='build even where nothing changed')
    return parser
