"""Meshes from a position-map network: python tools/position_mesh.py network/position_map.pb --input PHOTOS --output DIR

Finds and aligns the largest face of each photo and writes NAME_mesh.obj, the face model's mesh in the pose of the photo
with the photo's colours, and NAME.png: the crop, then the landmarks and the mesh as the map has them. With --data, it
measures the landmark error on a training set instead.
"""
import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.system import exit_codes  # noqa: E402
from Deep3DFaceReconstruction.system.arguments import add_face_model_option  # noqa: E402
from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from scipy.ndimage import map_coordinates  # noqa: E402

from benchmarks.networks import mean_nme, samples_of  # noqa: E402
from Deep3DFaceReconstruction.conventions import IMAGE_SIZE  # noqa: E402
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder  # noqa: E402
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of  # noqa: E402
from Deep3DFaceReconstruction.face_model import load_face_model  # noqa: E402
from Deep3DFaceReconstruction.meshes import obj  # noqa: E402
from Deep3DFaceReconstruction.networks.position_maps.frozen import PositionNetwork  # noqa: E402
from Deep3DFaceReconstruction.photo import photo_files  # noqa: E402
from Deep3DFaceReconstruction.photo.crops import crops_of_photo  # noqa: E402
from Deep3DFaceReconstruction.supervision import position_texels  # noqa: E402
from Deep3DFaceReconstruction.system.files import check_writable  # noqa: E402
from Deep3DFaceReconstruction.system.own_files import check_replaceable, is_own_image  # noqa: E402
from Deep3DFaceReconstruction.system.png import write_png  # noqa: E402


class MeshReader:
    """Crops -> vertices by a position-map network.

    Args:
      path: its .pb file.  model: face_model.FaceModel.
    Raises:
      CheckpointError: see PositionNetwork.
    """

    def __init__(self, path, model):
        self._network = PositionNetwork(path, model)
        self._texels = position_texels.texels_of(model)

    def __call__(self, crops):
        """[B,N,3] vertices of crops [B,224,224,3] (BGR): pixels, y up; depth in pixels."""
        return np.stack([position_texels.vertices_of_map(found, self._texels) for found in self._network(crops)])


def colours(crop, vertices):
    """[N,3] RGB, 0-1: the pixels of a crop (BGR) at vertices."""
    places = [IMAGE_SIZE - 1 - vertices[:, 1], vertices[:, 0]]
    sampled = [map_coordinates(crop[..., channel].astype(np.float32), places, order=1, mode='nearest')
               for channel in (2, 1, 0)]
    return np.stack(sampled, axis=1) / 255.0


def picture(crop, vertices, model):
    """[224,672,3] uint8 RGB: the crop, its landmarks, every eighth vertex coloured by depth."""
    rgb = np.ascontiguousarray(crop[..., ::-1])
    panels = [rgb, rgb.copy(), rgb // 2]
    places = np.rint(np.stack([vertices[:, 0], IMAGE_SIZE - 1 - vertices[:, 1]], axis=1)).astype(int)
    for column, row in places[model.keypoints]:
        cv2.circle(panels[1], (int(column), int(row)), 2, (0, 255, 0), -1)
    depth = vertices[:, 2]
    shade = np.uint8(255 * (depth - depth.min()) / max(np.ptp(depth), 1e-6))
    tint = cv2.applyColorMap(shade[:, np.newaxis], cv2.COLORMAP_VIRIDIS)[:, 0, ::-1]
    for i in np.argsort(depth)[::8]:
        cv2.circle(panels[2], (int(places[i, 0]), int(places[i, 1])), 1, tuple(int(value) for value in tint[i]), -1)
    return np.concatenate(panels, axis=1)


def reconstruct(options, model, read):
    """Writes the files of each photo; returns the exit code."""
    found = photo_files.find_photos(options.input)
    if not found.paths:
        raise InputError('%s: expected photos, found none' % options.input)
    check_writable(options.output)
    finder, faces, failed = FaceFinder('auto'), obj.face_lines(model.triangles), False
    for path, name in zip(found.paths, photo_files.result_names(found.paths)):
        stem = os.path.join(options.output, name)
        try:
            check_replaceable(stem + '.png')
            is_own = is_own_image(stem + '.png')
            check_replaceable(stem + '_mesh.obj', lambda _, is_own=is_own: is_own)
            crop = crops_of_photo(path, name, finder)[0].bgr
            vertices = read(crop[np.newaxis].astype(np.float32))[0]
            obj.save_obj(stem + '_mesh.obj', position_texels.to_mesh_units(vertices), faces, colours(crop, vertices))
            write_png(stem + '.png', picture(crop, vertices, model))
            print(stem + '_mesh.obj')
        except (UserError, OSError) as error:
            failed = True
            print(message_of(error), file=sys.stderr)
    return exit_codes.SOME_FAILED if failed else exit_codes.ALL_DONE


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog=exit_codes.EPILOG)
    parser.add_argument('network', help='a .pb that train.py --network position_map exported')
    parser.add_argument('--input', default='input', metavar='DIR', help='folder of photos')
    parser.add_argument('--output', default='output', metavar='DIR', help='folder for the results')
    parser.add_argument('--data', metavar='DIR', help='training set to measure the landmark error on')
    parser.add_argument('--count', type=int, default=600, metavar='N', help='how many of its samples')
    add_face_model_option(parser)
    options = parser.parse_args(arguments)
    try:
        model = load_face_model(options.face_model)
        read = MeshReader(options.network, model)
        if options.data:
            images, truth = samples_of(options.data, options.count)
            print('NME of 68 landmarks on %d images: %.2f %%' % (
                len(images), mean_nme(read(images)[:, model.keypoints, :2], truth)))
            return exit_codes.ALL_DONE
        return reconstruct(options, model, read)
    except (UserError, OSError) as error:
        print('position_mesh.py: %s' % message_of(error), file=sys.stderr)
        return exit_codes.NOT_STARTED


if __name__ == '__main__':
    sys.exit(main())
