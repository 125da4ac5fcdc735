"""Triangle meshes as NumPy arrays, whatever they show.

In: vertices [N,3], triangles [F,3] counted from 0, or files of them (obj). Out: refined, registered or flattened
meshes, normals and closest points as arrays, and mesh files (obj, textured_obj, ply). Knows nothing of face models.
"""
