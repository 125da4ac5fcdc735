"""Pictures of whole synthetic heads.

Enter: the open face model, coefficients, a seed and a number. Leave: `picture.Picture`, an image that looks like a
photo, with exact labels. Nothing is written here.
"""
