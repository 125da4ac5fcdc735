"""Curves as a PNG, with nothing but Pillow."""
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SIZE, _SCALE = (460, 300), 2
_MARGIN = (58, 34, 14, 30)  # left, top, right, bottom
_COLOURS = ((31, 90, 180), (220, 100, 30))
_NAMES = ('training', 'validation')


def draw_curves(panels, path):
    """Draws panels side by side, two in a row.

    Args:
      panels: [(title, (steps, values) of training, (steps, values) of validation)]; axes start from 0.
      path: the PNG.
    """
    width, height = (_SCALE * s for s in _SIZE)
    rows = -(-len(panels) // 2)
    picture = Image.new('RGB', (2 * width, rows * height), 'white')
    for i, panel in enumerate(panels):
        picture.paste(_panel(*panel), ((i % 2) * width, (i // 2) * height))
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    picture.resize((2 * _SIZE[0], rows * _SIZE[1]), Image.LANCZOS).save(path)


def _panel(title, *curves):
    width, height = (_SCALE * s for s in _SIZE)
    left, top, right, bottom = (_SCALE * m for m in _MARGIN)
    image = Image.new('RGB', (width, height), 'white')
    draw, font = ImageDraw.Draw(image), _font(12 * _SCALE)
    last = max(max(steps) for steps, _ in curves) or 1
    # A first value far above the rest would flatten everything: the axis ends at the 98th percentile.
    highest = max(np.percentile(values, 98) for _, values in curves) * 1.08 or 1.0

    def point(step, value):
        return (left + (width - left - right) * step / last,
                height - bottom - (height - top - bottom) * min(value / highest, 1.0))

    for tick in np.linspace(0, highest, 5):
        _, y = point(0, tick)
        draw.line([(left, y), (width - right, y)], fill=(225, 225, 225), width=_SCALE)
        draw.text((4 * _SCALE, y - 8 * _SCALE), '%.3g' % tick, fill='black', font=font)
    for tick in np.linspace(0, last, 5):
        x, _ = point(tick, 0)
        draw.text((x - 12 * _SCALE, height - bottom + 6 * _SCALE), '%d' % tick, fill='black', font=font)
    draw.text((left, 8 * _SCALE), title, fill='black', font=font)
    for number, ((steps, values), colour) in enumerate(zip(curves, _COLOURS)):
        draw.line([point(s, v) for s, v in zip(steps, values)], fill=colour, width=2 * _SCALE, joint='curve')
        draw.text((width - right - (2 - number) * 75 * _SCALE, 8 * _SCALE), _NAMES[number], fill=colour, font=font)
    return image


def _font(size):
    try:
        return ImageFont.truetype('DejaVuSans.ttf', size)
    except OSError:
        return ImageFont.load_default()
