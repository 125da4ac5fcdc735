"""The programs that README.md shows run as they stand there."""
import os
import re

import numpy as np
import pytest

from tests import ROOT


@pytest.mark.slow
def test_the_ten_lines(tmp_path, monkeypatch, capsys):
    import skimage.data
    from PIL import Image
    with open(os.path.join(ROOT, 'README.md')) as readme:
        blocks = re.findall(r'```python\n(.*?)```', readme.read(), re.DOTALL)
    assert len(blocks) == 2 and all(len(block.splitlines()) <= 12 for block in blocks)
    Image.fromarray(skimage.data.astronaut()).save(str(tmp_path / 'photo.jpg'))
    monkeypatch.chdir(str(tmp_path))
    names = {}
    exec(blocks[0], names)
    assert names['vertices'].shape == names['colors'].shape and names['triangles'].max() == len(names['vertices']) - 1
    names = {}
    exec(blocks[1], names)
    assert names['image'].shape == (1, 256, 256, 4) and 0.1 < names['image'][..., 3].mean() < 0.9
    assert names['gradient'].shape == names['cube'].shape and np.abs(names['gradient']).max() > 0
