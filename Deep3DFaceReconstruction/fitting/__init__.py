"""Coefficients of one face without a network: a FaceCrop with landmarks enters, 257 coefficients and doubts leave.

`fitter` is the recipe: landmarks (`landmark_fit`), then colours (`shading_fit`). Everything is NumPy.
"""
