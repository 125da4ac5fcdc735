"""Makes docs/images/outputs_*.jpg: the files of --outputs all for the astronaut's portrait.

    .venv/bin/python tools/pictures/outputs.py [docs/images]
"""
import json
import os
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

NAME, HEIGHT, QUALITY = 'astronaut', 300, 88
YAWS = (-70, -35, 0, 35, 70)
# What the .glb's morph targets are set to: {name: weight}, from the neutral face; None is the file as it opens.
EXPRESSIONS = (None, {}, {'jawOpen': 1.0}, {'eyeBlinkLeft': 1.0, 'mouthSmileLeft': 1.0, 'mouthSmileRight': 1.0},
               {'browInnerUp': 1.0, 'mouthPucker': 1.0})


def main(out_dir):
    """Runs the demo in a temporary folder and draws its files."""
    prepare_process()
    import demo
    from tools import sample_photo

    with tempfile.TemporaryDirectory() as folder:
        photos, results = os.path.join(folder, 'in'), os.path.join(folder, 'out')
        sample_photo.main(photos)
        demo.main(['--input', photos, '--output', results, '--outputs', 'all'])
        stem = os.path.join(results, NAME)
        for name, image in (('photo', photo_row(stem)), ('maps', map_row(stem)), ('texture', texture_row(stem)),
                            ('position', position_row(stem)), ('glb', glb_row(stem))):
            image.save(os.path.join(out_dir, 'outputs_%s.jpg' % name), quality=QUALITY)


def row(images):
    """PIL images side by side, at one height."""
    from PIL import Image
    images = [image.convert('RGB').resize((max(HEIGHT * image.width // image.height, 1), HEIGHT), Image.LANCZOS)
              for image in images]
    sheet = Image.new('RGB', (sum(image.width for image in images), HEIGHT))
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width
    return sheet


def face_box(stem):
    """(left, top, right, bottom) around the face in the photo, square."""
    import numpy as np
    from PIL import Image
    rows, columns = np.nonzero(np.asarray(Image.open(stem + '_segmentation.png')))
    side = 0.62 * max(np.ptp(rows), np.ptp(columns))
    x, y = columns.mean(), rows.mean()
    return tuple(int(value) for value in (x - side, y - side, x + side, y + side))


def photo_row(stem):
    """Overlay, landmarks, pose."""
    from PIL import Image
    return row([Image.open(stem + suffix).crop(face_box(stem)) for suffix in (
        '_overlay.png', '_landmarks.png', '_pose.png')])


def map_row(stem):
    """Depth, normals, PNCC, segmentation."""
    from PIL import Image
    return row([Image.open(stem + suffix).convert('RGB').crop(face_box(stem)) for suffix in (
        '_depth_preview.png', '_normals.png', '_pncc.png', '_segmentation.png')])


def texture_row(stem):
    """The texture and the textured mesh from five sides."""
    from PIL import Image
    from scipy.io import loadmat
    texture, atlas = Image.open(stem + '_texture.png'), open_atlas()
    shape = loadmat(stem + '.mat')['face_shape']
    return row([texture] + [textured(shape[atlas.vertices], atlas.uv, atlas.triangles, texture, yaw) for yaw in YAWS])


def position_row(stem):
    """The position map and PRNet's weights."""
    import numpy as np
    from PIL import Image

    from Deep3DFaceReconstruction.exports.position import weight_mask
    from Deep3DFaceReconstruction.face_model import load_face_model
    from Deep3DFaceReconstruction.surface.regions import build_regions
    from Deep3DFaceReconstruction.system import assets
    model = load_face_model(assets.OPEN_MODEL)
    mask = weight_mask(model, open_atlas(), build_regions(model))
    return row([Image.open(stem + '_position.png'), Image.fromarray(np.uint8(mask / mask.max() * 255))])


def glb_row(stem):
    """The .glb's mesh as the file opens, neutral, and with some of its shapes."""
    import io

    import numpy as np
    from PIL import Image
    document, arrays = read_glb(stem + '.glb')
    mesh = document['meshes'][0]
    primitive = mesh['primitives'][0]
    base, uv = (arrays(primitive['attributes'][name]) for name in ('POSITION', 'TEXCOORD_0'))
    uv = np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1)
    triangles = arrays(primitive['indices']).reshape(-1, 3)
    view = document['bufferViews'][document['images'][0]['bufferView']]
    texture = Image.open(io.BytesIO(arrays(None, view)))
    names = mesh['extras']['targetNames']
    images = []
    for expression in EXPRESSIONS:
        weights = mesh['weights'] if expression is None else [expression.get(name, 0.0) for name in names]
        moved = base.copy()
        for target, weight in zip(primitive['targets'], weights):
            if weight:
                moved += weight * arrays(target['POSITION'])
        images.append(textured(10 * moved, uv, triangles, texture, 15))
    return row(images)


def read_glb(path):
    """(the JSON part, function from an accessor's number to its values, or with a view to its bytes)."""
    import numpy as np
    with open(path, 'rb') as stream:
        data = stream.read()
    length, = struct.unpack('<I', data[12:16])
    document, binary = json.loads(data[20:20 + length].decode()), data[28 + length:]

    def view_bytes(view):
        return binary[view['byteOffset']:view['byteOffset'] + view['byteLength']]

    def values(number, view=None):
        if view is not None:
            return view_bytes(view)
        accessor = document['accessors'][number]
        kind = '<f4' if accessor['componentType'] == 5126 else '<u4'
        width = int(accessor['type'][3:]) if accessor['type'] != 'SCALAR' else 1
        views = document['bufferViews']
        if 'sparse' not in accessor:
            return np.frombuffer(view_bytes(views[accessor['bufferView']]), kind).reshape(-1, width)
        result, sparse = np.zeros([accessor['count'], width], kind), accessor['sparse']
        moved = np.frombuffer(view_bytes(views[sparse['values']['bufferView']]), kind).reshape(-1, width)
        result[np.frombuffer(view_bytes(views[sparse['indices']['bufferView']]), '<u4')] = moved
        return result
    return document, values


def open_atlas():
    """The open model's FaceAtlas."""
    from Deep3DFaceReconstruction.face_model import load_face_model
    from Deep3DFaceReconstruction.surface.face_atlas import face_atlas
    from Deep3DFaceReconstruction.system import assets
    return face_atlas(load_face_model(assets.OPEN_MODEL))


def textured(points, uv, triangles, texture, yaw, size=2 * HEIGHT):
    """A textured mesh turned by `yaw` degrees, before white, as a PIL image."""
    import cv2
    import numpy as np
    from PIL import Image

    from Deep3DFaceReconstruction.photo.camera import crop_camera
    from Deep3DFaceReconstruction.surface.rasterizer import rasterize, resized
    coeff = np.zeros(257)
    coeff[225] = np.radians(yaw)
    drawn = rasterize(resized(crop_camera(coeff), size / 224.0), points - points.mean(axis=0), uv, triangles)
    pixels = np.asarray(texture.convert('RGB'))
    at = drawn.values * np.float32([1, -1]) + np.float32([0, 1])
    image = cv2.remap(pixels, at * np.float32(len(pixels)) - np.float32(0.5), None, cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)
    image[drawn.triangle_ids < 0] = 255
    return Image.fromarray(image).crop((size // 14, size // 14, size - size // 14, size - size // 14))


if __name__ == '__main__':
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join('docs', 'images'))
