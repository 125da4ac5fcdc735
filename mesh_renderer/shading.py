"""Light at the vertices of a batch of meshes: one op with its gradient."""
from mesh_renderer import checks
from mesh_renderer.dispatch import mesh_op


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
    albedo, normals, lights = [checks.float_input(value, name, 3, last, kernel_checks=True) for name, value, last in (
        ('albedo', albedo, 3), ('normals', normals, 3), ('lights', lights, 9))]
    return mesh_op('shade', albedo, normals, lights)
