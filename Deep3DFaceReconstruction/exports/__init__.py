"""Files that people use of a reconstructed face: camera, images, texture, position map, meshes for other programs.

Enter: a FaceModel, coefficients, the decoded mesh and the photo (`outputs.Face`). Leave: files, each whole or not
there. The writers of single formats take arrays and can be used alone (docs/outputs.md has an example of each):
`glb.write_glb`, `meshes.ply.write_ply`, `meshes.textured_obj.write_obj`, `system.png.write_png`.
"""
