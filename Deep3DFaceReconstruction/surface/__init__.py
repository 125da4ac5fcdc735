"""What is where on a face: its mesh drawn as arrays, its texture atlas, its regions, its texture from a photo.

Enter: a FaceModel, a Camera, mesh points, a photo. Leave: triangle ids and values per pixel (`rasterizer`), texture
coordinates (`face_atlas`), names of regions (`regions`), a filled texture (`texture`).
"""
