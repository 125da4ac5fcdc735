"""Makes docs/images/astronaut.png from the demo's result: the face in its pose, as clay, and turned to either side.

    make demo && .venv/bin/python tools/pictures/readme.py output/astronaut.mat docs/images/astronaut.png
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

SIZE = 400


def main(mat_path, out_path):
    prepare_process()
    import numpy as np
    from scipy.io import loadmat

    from Deep3DFaceReconstruction import pictures
    from Deep3DFaceReconstruction.face_decoder import Face3D
    from Deep3DFaceReconstruction.face_model import load_face_model
    from Deep3DFaceReconstruction.tf1 import tf

    with tf.Graph().as_default(), tf.Session() as session:
        face3d = Face3D(load_face_model(), image_size=SIZE)
        geometry = face3d.Geometry_block(tf.constant(loadmat(mat_path)['coeff'].astype(np.float32)))
        views = [(geometry.face_shape_t, geometry.face_color),
                 (geometry.face_shape_t, pictures.clay_shading(geometry.face_norm_r))]
        views += [(pictures.turned(geometry.face_shape, yaw), geometry.face_color)
                  for yaw in pictures.SIDE_YAWS_DEGREES]
        panels = [pictures.panel(face3d, shape, color) for shape, color in views]
        pictures.save_png(out_path, session.run(tf.cast(tf.concat(panels, axis=2)[0], tf.uint8)))


if __name__ == '__main__':
    main(*sys.argv[1:])
