"""What pyproject.toml cannot say: the open face model and network lie outside the package."""
from setuptools import find_packages, setup

MODEL, NETWORK = 'Deep3DFaceReconstruction.BFM', 'Deep3DFaceReconstruction.network'

setup(
    packages=find_packages(include=['Deep3DFaceReconstruction*', 'mesh_renderer*']) + [MODEL, NETWORK],
    package_dir={MODEL: 'BFM', NETWORK: 'network'},
    # The C++ sources: the renderer is compiled on the user's machine, for the user's TensorFlow.
    package_data={'': ['*.cc', '*.h', '*.html', '*.js'], 'Deep3DFaceReconstruction.detection': ['face_mesh.npz'],
                  'Deep3DFaceReconstruction.fitting': ['dlib_bias.npz'],
                  MODEL: ['open_model.npz', 'open_head.npz', 'open_attributes.npz'], NETWORK: ['open_r_net.pb']},
)
