"""Which implementation of an op runs: the C++ kernel, or TensorFlow's own ops composed (fallback.py)."""
from mesh_renderer import fallback
from mesh_renderer.kernels import library


def mesh_op(name, *inputs):
    """The op mesh_NAME on checked inputs; composed of TensorFlow's own ops where it sees a GPU, to run there.

    Args:
        name: of a function in fallback.py; the kernel of the same op is mesh_NAME.
        *inputs: tensors.

    Raises:
        kernels.library.LibraryError: the kernels cannot be loaded.
    """
    if fallback.preferred():
        return getattr(fallback, name)(*inputs)
    return getattr(library.ops(), 'mesh_' + name)(*inputs)
