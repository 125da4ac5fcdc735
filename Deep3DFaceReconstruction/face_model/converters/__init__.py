"""Other people's face models in the layout of BFM_model_front.mat.

Enters: the files of a model as its authors publish them. Leaves: a dict of arrays in that layout, written as a .mat.
"""
