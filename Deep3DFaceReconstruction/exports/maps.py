"""Images of a face's geometry at the photo's pixels: depth, normals, projected normalised coordinates, regions."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.photo.camera import in_camera
from Deep3DFaceReconstruction.surface.rasterizer import mesh_window, rasterize, tiles
from Deep3DFaceReconstruction.surface.regions import region_of

MAP_NAMES = ('depth', 'normals', 'pncc', 'segmentation')
# Depth is written in 16 bits: 0 where there is no face, else 1-65535 from the nearest to the farthest point.
DEPTH_STEPS = 65534


def depth_range(camera, points):
    """(nearest, step) in decimetres: depth = nearest + step * (value - 1) for values 1-65535 of the depth image."""
    depth = in_camera(camera, points)[:, 2]
    nearest, farthest = float(depth.min()), float(depth.max())
    return nearest, max(farthest - nearest, 1e-6) / DEPTH_STEPS


def draw_maps(camera, points, normals, model, regions, names=MAP_NAMES):
    """Images of the size of the camera's image, drawn tile by tile.

    Args:
      camera: camera.Camera.
      points: [N,3] mesh points, dm; normals: [N,3] unit normals in the mesh's frame.
      model: face_model.FaceModel, whose mean face gives the coordinates.
      regions: regions.Regions of the model.
      names: of MAP_NAMES, which images.
    Returns:
      {name: image}; 0 where no face is:
      depth [H,W] uint16, see depth_range.
      normals [H,W,3] uint8: x right, y up, z to the camera, from -1 at 0 over 0 at 128 to 1 at 255.
      pncc [H,W,3] uint8: x, y, z of the same point on the mean face, 0-255 from its lowest to its highest coordinate.
      segmentation [H,W] uint8: numbers in regions.NAMES.
    """
    width, height = camera.size
    images = {name: np.zeros((height, width) + (() if name in ('depth', 'segmentation') else (3,)),
                             np.uint16 if name == 'depth' else np.uint8) for name in names}
    mean = model.meanshape
    facing = np.asarray(normals, np.float64).dot(camera.R.T) * [1, -1, -1]
    depth = in_camera(camera, points)[:, 2:]
    nearest, step = depth_range(camera, points)
    values = np.concatenate([depth - nearest, facing, mean, regions.hidden[:, None]], axis=1)
    low, span = mean.min(axis=0), np.ptp(mean, axis=0)
    for tile in tiles(mesh_window(camera, points)):
        drawn = rasterize(camera, points, values, model.triangles, tile)
        seen = drawn.triangle_ids >= 0
        found = drawn.values[seen]
        makers = {
            'depth': lambda found: 1 + np.clip(np.rint(found[:, 0] / step), 0, DEPTH_STEPS),
            'normals': lambda found: _signed_bytes(found[:, 1:4]),
            'pncc': lambda found: np.rint(np.clip((found[:, 4:7] - low) / span, 0, 1) * 255),
            'segmentation': lambda found: region_of(regions, found[:, 4:7], found[:, 7])}
        for name, image in images.items():
            image[tile.slices][seen] = makers[name](found)
    return images


def _signed_bytes(vectors):
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.rint(np.clip(vectors / np.maximum(length, 1e-6) * 127 + 128, 0, 255))


def depth_preview(depth):
    """[H,W,3] uint8 RGB: near is red, far is blue (OpenCV's turbo colours), black where no face is."""
    grey = np.where(depth > 0, 255 - np.minimum(depth, 65535) // 257, 0).astype(np.uint8)
    colours = cv2.applyColorMap(grey, cv2.COLORMAP_TURBO)[:, :, ::-1]
    return colours * (depth > 0)[:, :, None].astype(np.uint8)


