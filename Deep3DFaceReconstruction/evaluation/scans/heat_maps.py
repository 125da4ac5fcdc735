"""Errors as colours on the meshes of the best, the median and the worst sample."""
import os
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import MM_PER_DM
from Deep3DFaceReconstruction.evaluation.scans.alignment import Mesh
from Deep3DFaceReconstruction.evaluation.scans.measuring import measurement_path
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.meshes.ply import write_ply
from Deep3DFaceReconstruction.numpy_decoder import rotation_matrix
from Deep3DFaceReconstruction.photo.camera import Camera
from Deep3DFaceReconstruction.surface.rasterizer import rasterize
from Deep3DFaceReconstruction.system.files import atomic_write

LIMIT_MM = 5.0
_COLORS = 'turbo'
_SIDE, _FOCAL, _DISTANCE = 480, 2200.0, 10.0
_YAWS = (0.0, 45.0)
_SHADOW = 0.45


class Scale(NamedTuple):
    """What the colours mean: label of the errors; errors of `limit` and more have the last colour."""

    label: str
    limit: float = LIMIT_MM


def chosen_samples(rows, column):
    """{'best', 'median', 'worst': row} of the rows that were measured; fewer where there are fewer rows."""
    rows = sorted((row for row in rows if np.isfinite(row[column])), key=lambda row: row[column])
    places = {'best': 0, 'median': len(rows) // 2, 'worst': len(rows) - 1}
    return {name: rows[place] for name, place in places.items()} if rows else {}


def write_heat_maps(output, measured, rows, column):
    """Writes OUTPUT/heat_maps/best.png, median.png, worst.png, and the coloured scans as .ply.

    Args:
      output: folder.
      measured: folder of measurements.
      rows: dicts of the table.
      column: what they are ordered by.
    """
    for name, row in chosen_samples(rows, column).items():
        with np.load(measurement_path(measured, row['name'])) as arrays:
            mesh = Mesh(arrays['vertices'].astype(np.float64), arrays['triangles'])
            draw_heat_map(os.path.join(output, 'heat_maps', name), mesh, arrays['plane'],
                          Scale('point-to-plane distance, mm'), title_of(name, row, column))


def title_of(name, row, column):
    """'worst: NAME, COLUMN 1.23'."""
    return '%s: %s, %s %.2f' % (name, row['name'], column, row[column])


def draw_heat_map(stem, mesh, errors, scale, title):
    """Writes STEM.png, a mesh in the colours of its errors from the front and from the side, and STEM.ply.

    Args:
      stem: path without ending.
      mesh: alignment.Mesh whose face looks along z, y up.
      errors: [N] of its vertices.
      scale: Scale.
      title: of the figure.
    """
    normals, colors = vertex_normals(mesh.vertices, mesh.triangles), heat_colors(errors, scale.limit)
    write_ply(stem + '.ply', mesh.vertices, normals, colors, mesh.triangles)
    views = [_view(mesh.vertices / MM_PER_DM, normals, colors, mesh.triangles, yaw) for yaw in _YAWS]
    _write_figure(stem + '.png', views, scale, title)


def heat_colors(errors, limit=LIMIT_MM):
    """[M,3] RGB 0-255 of errors [M]; `limit` and more are the last colour."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colors = ScalarMappable(Normalize(0, limit, clip=True), _COLORS).to_rgba(errors, bytes=True)
    return colors[:, :3].astype(np.float64)


def _view(points, normals, colors, triangles, yaw):
    """[H,W,3] uint8: the scan from the front or turned, lit from the camera."""
    turn = rotation_matrix(np.radians([0.0, yaw, 0.0]))
    center = _SIDE / 2 - 0.5
    camera = Camera(np.array([[_FOCAL, 0, center], [0, _FOCAL, center], [0, 0, 1]]), np.diag([1.0, -1, -1]),
                    np.array([0.0, 0, _DISTANCE]), (_SIDE, _SIDE))
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    light = _SHADOW + (1 - _SHADOW) * np.abs(normals.dot(turn)[:, 2:])
    raster = rasterize(camera, (points - middle).dot(turn), (colors * light).astype(np.float32), triangles)
    image = np.where(raster.triangle_ids[..., np.newaxis] >= 0, raster.values, 255.0)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _write_figure(path, views, scale, title):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), constrained_layout=True)
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(1, len(views), number + 1) for number in range(len(views))]
    for one, view in zip(axes, views):
        one.imshow(view)
        one.axis('off')
    figure.suptitle(title)
    figure.colorbar(ScalarMappable(Normalize(0, scale.limit), _COLORS), ax=axes, label=scale.label, extend='max')
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format='png', dpi=100)
