"""Draws docs/images/conventions.svg: frames, units, the two directions of y, channel order, layout of arrays.

    .venv/bin/python tools/pictures/conventions.py [docs/images/conventions.svg]

The face in it is the open model's mean face, to scale, put where the decoder puts it.
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

import numpy as np  # noqa: E402  (needs the line above)

from Deep3DFaceReconstruction.conventions import (  # noqa: E402
    CAMERA_DISTANCE,
    CENTER,
    COEFF_DIM,
    COEFF_SLICES,
    FOCAL,
    IMAGE_SIZE,
)
from Deep3DFaceReconstruction.face_model import load_face_model  # noqa: E402
from Deep3DFaceReconstruction.numpy_decoder import mean_offset, project  # noqa: E402
from Deep3DFaceReconstruction.system import assets  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write  # noqa: E402

OUT = os.path.join(ROOT, 'docs', 'images', 'conventions.svg')
WIDTH, HEIGHT = 1060, 740
INK, FAINT, SKIN = '#222', '#999', '#f1d3c2'
X_COLOUR, Y_COLOUR, Z_COLOUR = '#c22', '#171', '#22c'
# The lines of the 68 landmarks, from 0; True: closed.
LINES = ((range(17), False), (range(17, 22), False), (range(22, 27), False), (range(27, 31), False),
         (range(31, 36), False), (range(36, 42), True), (range(42, 48), True), (range(48, 60), True),
         (range(60, 68), True))
NOSE_TIP = 30
PART_COLOURS = {'id': '#cde', 'ex': '#dec', 'tex': '#edc', 'angles': '#e9a', 'gamma': '#fe9', 'translation': '#b9d'}


class Drawing:
    """Shapes of one figure; pixels, y down."""

    def __init__(self):
        self._shapes = []

    def add(self, shape, *values):
        self._shapes.append(shape % values)

    def text(self, x, y, words, size=14, colour=INK, **style):
        """style: anchor ('start', 'middle', 'end'), weight ('normal', 'bold')."""
        self.add('<text x="%.1f" y="%.1f" font-size="%d" fill="%s" text-anchor="%s" font-weight="%s">%s</text>',
                 x, y, size, colour, style.get('anchor', 'start'), style.get('weight', 'normal'), words)

    def line(self, start, end, colour=INK, width=1.5, dashed=False, arrow=False):
        self.add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"%s%s/>', *start, *end,
                 colour, width, ' stroke-dasharray="5 4"' if dashed else '',
                 ' marker-end="url(#tip%s)"' % colour[1:] if arrow else '')

    def path(self, points, closed, fill='none', colour=INK, width=1.0):
        self.add('<path d="M%s%s" fill="%s" stroke="%s" stroke-width="%g" stroke-linejoin="round"/>',
                 ' L'.join('%.1f %.1f' % tuple(point) for point in points), ' Z' if closed else '', fill, colour, width)

    def box(self, x, y, width, height, fill, colour=INK):
        self.add('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" stroke="%s"/>',
                 x, y, width, height, fill, colour)

    def dot(self, x, y, radius=3.0, fill=INK, colour='none'):
        self.add('<circle cx="%.1f" cy="%.1f" r="%g" fill="%s" stroke="%s" stroke-width="1.5"/>',
                 x, y, radius, fill, colour)

    def toward_reader(self, x, y, colour):
        """The sign of an axis that comes out of the page."""
        self.dot(x, y, 8, 'white', colour)
        self.dot(x, y, 2.5, colour)

    def svg(self):
        tips = ''.join(
            '<marker id="tip%s" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 Z" fill="%s"/></marker>' % (colour[1:], colour)
            for colour in (INK, FAINT, X_COLOUR, Y_COLOUR, Z_COLOUR))
        return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
                'font-family="Helvetica, Arial, DejaVu Sans, sans-serif">\n<defs>%s</defs>\n'
                '<rect width="100%%" height="100%%" fill="white"/>\n%s\n</svg>\n' % (
                    WIDTH, HEIGHT, WIDTH, HEIGHT, tips, '\n'.join(self._shapes)))


def outline(across, up, bins=40):
    """[2*bins,2]: the outline of a shape seen from one side, its smallest and largest `across` at each height."""
    edges = np.linspace(up.min(), up.max(), bins + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    place = np.clip(np.searchsorted(edges, up) - 1, 0, bins - 1)
    inside = [across[place == k] for k in range(bins)]
    low, high = np.array([[part.min(), part.max()] for part in inside]).T
    return np.concatenate([np.stack([low, middle], axis=1), np.stack([high, middle], axis=1)[::-1]])


def seen_from_the_side(draw, shape, left, top):
    draw.text(left, top, 'The world, from its +x side', 16, weight='bold')
    scale, origin = 38.0, np.array([left + 410.0, top + 122.0])  # pixels per dm; the world's origin

    def put(z, y):
        return origin + scale * np.array([-z, -y])

    half_view = CENTER / FOCAL * CAMERA_DISTANCE
    camera = put(CAMERA_DISTANCE, 0)
    draw.path([camera, put(0, half_view), put(0, -half_view)], True, '#f4f6fb', FAINT)
    draw.line(camera, put(-0.9, 0), FAINT, dashed=True)
    draw.path([put(z, y) for z, y in outline(shape[:, 2], shape[:, 1])], True, SKIN)
    draw.box(camera[0] - 22, camera[1] - 10, 22, 20, INK)
    draw.text(camera[0] - 22, camera[1] + 34, 'camera (0, 0, %g)' % CAMERA_DISTANCE)
    draw.text(camera[0] - 22, camera[1] + 52, 'looks along &#8722;z, up is +y')
    draw.text(camera[0] + 120, camera[1] - 52, 'f = %g px' % FOCAL, colour='#555')
    draw.line(origin, put(2.2, 0), Z_COLOUR, 2, arrow=True)
    draw.text(*(put(2.2, 0) + [-16, 5]), words='z', colour=Z_COLOUR, weight='bold')
    draw.line(origin, put(0, 1.75), Y_COLOUR, 2, arrow=True)
    draw.text(*(put(0, 1.75) + [8, 6]), words='y', colour=Y_COLOUR, weight='bold')
    draw.toward_reader(origin[0], origin[1], X_COLOUR)
    draw.text(*(origin + [12, 18]), words='x', colour=X_COLOUR, weight='bold')
    base = origin[1] + 78
    draw.line([origin[0], base], [camera[0], base], FAINT, arrow=True)
    draw.line([camera[0] + 1, base], [origin[0], base], FAINT, arrow=True)
    draw.text((camera[0] + origin[0]) / 2 + 60, base - 6, '10 dm = 1 m', 13, '#555', anchor='middle')
    draw.text(left, top + 228, 'Decimetres, right-handed. The origin is the mean vertex of the')
    draw.text(left, top + 248, 'mean face (the decoder subtracts it); near 0.01, far 50.')


def seen_from_the_camera(draw, shape, landmarks, left, top):
    draw.text(left, top, 'The world, from the camera', 16, weight='bold')
    scale, origin = 100.0, np.array([left + 120.0, top + 118.0])

    def put(points):
        return origin + scale * np.asarray(points)[..., :2] * [1, -1]

    draw.path(put(outline(shape[:, 0], shape[:, 1])), True, SKIN)
    for numbers, closed in LINES:
        draw.path(put(landmarks[list(numbers)]), closed, colour='#a75')
    draw.line(origin, put([1.15, 0]), X_COLOUR, 2, arrow=True)
    draw.text(*(put([1.15, 0]) + [4, 5]), words='x', colour=X_COLOUR, weight='bold')
    draw.line(origin, put([0, 0.98]), Y_COLOUR, 2, arrow=True)
    draw.text(*(put([0, 0.98]) + [7, 4]), words='y', colour=Y_COLOUR, weight='bold')
    draw.toward_reader(origin[0], origin[1], Z_COLOUR)
    draw.text(*(origin + [-24, 16]), words='z', colour=Z_COLOUR, weight='bold')
    side = left + 262
    for number, (words, colour) in enumerate((
            ('Angles in radians; points are rows:', INK), ('S R + t, R the transpose of Rz Ry Rx', INK),
            ('x &gt; 0: the face looks down', X_COLOUR), ('y &gt; 0: it turns to the image&#8217;s right', Y_COLOUR),
            ('z &gt; 0: its crown tilts to the left', Z_COLOUR), ('&#8220;Left eye&#8221;: the one at smaller x,', INK),
            ('the person&#8217;s right eye', INK))):
        draw.text(side, top + 50 + 24 * number, words, 13, colour)
    draw.text(left, top + 228, 'Triangles turn counter-clockwise seen from outside.')


def crop(draw, shape, landmarks, left, top):
    draw.text(left, top, 'The crop: %d x %d pixels, y in two directions' % (IMAGE_SIZE, IMAGE_SIZE), 16, weight='bold')
    scale, corner = 1.1, np.array([left + 92.0, top + 52.0])
    side = IMAGE_SIZE * scale

    def put(points):
        return corner + scale * (np.stack([points[:, 0], IMAGE_SIZE - 1 - points[:, 1]], axis=1) + 0.5)

    draw.box(corner[0], corner[1], side, side, '#333')
    projected = project(shape)
    draw.path(put(outline(projected[:, 0], projected[:, 1])), True, SKIN)
    points = put(project(landmarks))
    for numbers, closed in LINES:
        draw.path(points[list(numbers)], closed, colour='#a75')
    centre = put(np.array([[CENTER, CENTER]]))[0]
    draw.line(centre - [6, 0], centre + [6, 0], INK)
    draw.line(centre - [0, 6], centre + [0, 6], INK)
    tip, (x, up) = points[NOSE_TIP], project(landmarks)[NOSE_TIP]
    draw.dot(tip[0], tip[1], 3.5, X_COLOUR)
    axes_of_the_crop(draw, corner, side)
    below = corner[1] + side + 24
    draw.text(left, below, 'y down: images, <tspan font-weight="bold">lm_5p</tspan>, NAME.txt, detectors', 13)
    draw.text(left, below + 20, 'y up = 223 &#8722; row: <tspan font-weight="bold">lm_68p</tspan>, lm_bin/NAME.bin, '
              'landmark_p, landmark loss', 13, Y_COLOUR)
    draw.text(left, below + 40, 'x = %g X/(10&#8722;Z) + %g, y likewise (y up); the cross is (%g, %g)' % (
        FOCAL, CENTER, CENTER, CENTER), 13)
    draw.text(left, below + 60, 'The nose tip here: (%.1f, %.1f) y down, (%.1f, %.1f) y up' % (
        x, IMAGE_SIZE - 1 - up, x, up), 13, X_COLOUR)


def axes_of_the_crop(draw, corner, side):
    """Columns, rows, and y in both directions, around a square."""
    right, bottom = corner + side
    draw.line([corner[0], corner[1] - 10], [right, corner[1] - 10], INK, arrow=True)
    draw.text(corner[0], corner[1] - 16, 'x = column: 0', 13)
    draw.text(right, corner[1] - 16, '223', 13, anchor='end')
    draw.line([corner[0] - 10, corner[1]], [corner[0] - 10, bottom], INK, arrow=True)
    draw.text(corner[0] - 16, corner[1] + 10, 'row 0', 13, anchor='end')
    draw.text(corner[0] - 16, corner[1] + side / 2 + 4, 'y down', 13, anchor='end', weight='bold')
    draw.text(corner[0] - 16, bottom, 'row 223', 13, anchor='end')
    draw.line([right + 10, bottom], [right + 10, corner[1]], Y_COLOUR, arrow=True)
    draw.text(right + 16, corner[1] + 10, 'y 223', 13, Y_COLOUR)
    draw.text(right + 16, corner[1] + side / 2 + 4, 'y up', 13, Y_COLOUR, weight='bold')
    draw.text(right + 16, bottom, 'y 0', 13, Y_COLOUR)


def channels(draw, left, top):
    draw.text(left, top, 'Channels: 0-255, nothing subtracted', 16, weight='bold')
    letters = {'R': '#d33', 'G': '#3a3', 'B': '#35d', 'A': '#ddd'}
    for row, (order, first, second) in enumerate((
            ('RGB', 'files, albedo, vertex colours (0-1 in .obj),', 'cropped_img'),
            ('BGR', 'inside networks and losses,', 'render_imgs in training (not clipped)'),
            ('RGBA', 'recon_img: colour clipped, alpha 0 or 1;', 'all images: row 0 at the top'))):
        y = top + 16 + 50 * row
        for place, letter in enumerate(order):
            draw.box(left + 30 * place, y, 30, 32, letters[letter])
            colour = INK if letter == 'A' else 'white'
            draw.text(left + 30 * place + 15, y + 21, letter, 15, colour, anchor='middle', weight='bold')
        draw.text(left + 132, y + 13, first, 13)
        draw.text(left + 132, y + 30, second, 13)


def arrays(draw, left, y):
    draw.text(left, y, 'Bases: [3N, K], a vertex&#8217;s three values side by side', 16, weight='bold')
    for place in range(9):
        colour = (X_COLOUR, Y_COLOUR, Z_COLOUR)[place % 3]
        draw.box(left + 34 * place, y + 12, 34, 26, 'white')
        words = '...' if place > 7 else '%s%d' % ('xyz'[place % 3], place // 3)
        draw.text(left + 34 * place + 17, y + 30, words, 13, colour, anchor='middle')
    draw.text(left + 316, y + 30, 'dm per deviation', 13)
    draw.text(left, y + 60, 'Indices: from 0 in memory, from 1 in .mat and .obj files.', 13)

    y += 94
    draw.text(left, y, 'coeff: %d numbers' % COEFF_DIM, 16, weight='bold')
    scale, cut = 440.0 / COEFF_DIM, 0.0
    for number, (name, part) in enumerate(sorted(COEFF_SLICES.items(), key=lambda item: item[1].start)):
        width = scale * (part.stop - part.start)
        draw.box(left + cut, y + 12, width, 26, PART_COLOURS[name])
        if part.stop - part.start > 20:
            draw.text(left + cut + width / 2, y + 30, name, 13, INK, anchor='middle')
        else:
            draw.text(left + cut + width / 2 + 4, y + 76, name, 13, INK,
                      anchor='end' if name == 'angles' else 'middle')
            draw.line([left + cut + width / 2, y + 38], [left + cut + width / 2, y + 62], FAINT, 1)
        anchor = 'start' if number == 0 else 'end' if name in ('angles', 'translation') else 'middle'
        draw.text(left + cut + (10 if name == 'gamma' else 0), y + 52, part.start, 11, '#555', anchor=anchor)
        cut += width
    draw.text(left + cut + 2, y + 52, COEFF_DIM, 11, '#555')


def figure(model):
    """The whole figure as the text of an .svg file."""
    shape = model.meanshape - mean_offset(model)
    landmarks = shape[model.keypoints]
    draw = Drawing()
    seen_from_the_side(draw, shape, 24, 36)
    seen_from_the_camera(draw, shape, landmarks, 540, 36)
    draw.line([24, 306], [WIDTH - 24, 306], '#999', 0.5)
    crop(draw, shape, landmarks, 24, 340)
    channels(draw, 580, 340)
    arrays(draw, 580, 536)
    return draw.svg()


def main(path=OUT):
    text = figure(load_face_model(assets.OPEN_MODEL))
    with atomic_write(path) as temporary, open(temporary, 'w') as stream:
        stream.write(text)


if __name__ == '__main__':
    main(*sys.argv[1:])
