"""Alignment of photos to the 224x224 crop."""
from Deep3DFaceReconstruction.alignment import POS, align_img, standard_five_points

__all__ = ['POS', 'align_img', 'standard_five_points']
