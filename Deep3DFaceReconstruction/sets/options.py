"""The options of demo.py, those of image sets included."""
from typing import NamedTuple

from Deep3DFaceReconstruction.demo.options import DemoOptions, demo_parser

# How the photos of a person come to one identity and albedo.
MERGES = ('auto', 'mean', 'certainty', 'joint', 'cnet')
STRANGERS = ('leave_out', 'keep')


class SetOptions(NamedTuple):
    """What the command line of demo.py says of image sets, by the names of its flags."""

    sets: bool
    same_person: bool
    merge: str
    strangers: str

    @property
    def has_sets(self):
        """Whether photos are of the same person at all."""
        return self.sets or self.same_person


def parse(arguments=None):
    """(DemoOptions, SetOptions) of a list of words (the process's own by default); exits with code 2 on a mistake."""
    parser = demo_parser()
    group = parser.add_argument_group('image sets', 'several photos of a person share one identity and albedo '
                                                    '(docs/sets.md)')
    group.add_argument('--sets', action='store_true',
                       help='each subfolder of --input holds photos of one person. Besides the files of each photo '
                            'writes SET_mesh.obj and SET.glb (the neutral face, textured from all photos) and SET.mat '
                            'into OUTPUT/SET')
    group.add_argument('--same_person', action='store_true',
                       help='all photos of --input show one person; its files are called after the folder')
    group.add_argument('--merge', choices=MERGES, default='auto',
                       help='how photos are merged. mean, certainty: average of the coefficients of the photos, in the '
                            'latter weighted by how certain each is; joint: fitted to all photos together; cnet: '
                            'weighted by the network network/CNetModel.pb; auto: cnet where both networks are there, '
                            'mean with R-Net alone, else joint')
    group.add_argument('--strangers', choices=STRANGERS, default='leave_out',
                       help='what to do with photos whose face does not look like that of the others')
    values = vars(parser.parse_args(arguments))
    sets = SetOptions(*(values.pop(name) for name in SetOptions._fields))
    options = DemoOptions(**values)
    if sets.sets and sets.same_person:
        parser.error('--sets: expected --same_person or --sets, got both')
    if sets.has_sets and options.faces == 'all':
        parser.error('--faces: expected largest with image sets, got all; the largest face of a photo is the person')
    return options, sets
