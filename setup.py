"""What pyproject.toml cannot say: the open face model lies in BFM/, outside the package that it is installed in."""
from setuptools import find_packages, setup

MODEL = 'Deep3DFaceReconstruction.BFM'

setup(
    packages=find_packages(include=['Deep3DFaceReconstruction*', 'mesh_renderer*']) + [MODEL],
    package_dir={MODEL: 'BFM'},
    # The C++ sources: the renderer is compiled on the user's machine, for the user's TensorFlow.
    package_data={'': ['*.cc', '*.h', '*.html', '*.js'], 'Deep3DFaceReconstruction.detection': ['face_mesh.npz'],
                  MODEL: ['open_model.npz', 'open_head.npz']},
)
