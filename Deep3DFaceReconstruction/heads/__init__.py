"""The head around the open face model: ears, scalp, neck and shoulders, hair and clothes.

Enter: the open FaceModel, BFM/open_head.npz, coefficients. Leave: vertices and albedo of the whole head (`head_model`),
accessories (`head_file`), what each vertex sees of the sky (`shadows`).
"""
