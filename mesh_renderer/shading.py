"""Light at the vertices of a batch of meshes, one op with its gradient (composed of TensorFlow's own ops where
it sees a GPU).
"""
from mesh_renderer import camera_utils, fallback
from mesh_renderer.kernels import library


def shade(albedo, normals, lights):
    """Albedo under light given as second-order spherical harmonics (Ramamoorthi & Hanrahan 2001).

    color_c = albedo_c * sum_k lights_ck basis_k(normal); harmonics.py has the nine terms of the basis.

    Args:
        albedo: [B,V,3] float32.
        normals: [B,V,3] float32, unit.
        lights: [B,3,9] float32: nine terms for each channel of the albedo.

    Returns:
        [B,V,3] float32, not clipped. The gradient flows to all three.

    Raises:
        ValueError, TypeError: a wrong rank, width or type.
        tf.errors.InvalidArgumentError (when run): sizes that do not match.
    """
    albedo = camera_utils._float_tensor(albedo, 'albedo')
    normals = camera_utils._float_tensor(normals, 'normals')
    lights = camera_utils._float_tensor(lights, 'lights')
    for name, tensor, width in (('albedo', albedo, 3), ('normals', normals, 3), ('lights', lights, 9)):
        camera_utils._require_rank(tensor, 3, width, name)
    return (fallback.shade if fallback.preferred() else library.ops().mesh_shade)(albedo, normals, lights)
