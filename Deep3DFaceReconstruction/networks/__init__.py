"""The neural networks and their files; `R_Net` and `Perceptual_Net` under their published names.

Enters: aligned crops (BGR, 0-255) and weights (checkpoints .ckpt, frozen graphs .pb, dlib's .dat).
Leaves: coefficients [B,257], C-Net's confidences [B,80], identity features [B,128], 68 landmarks; checkpoints and
frozen graphs.
"""
from Deep3DFaceReconstruction.networks.identity.perceptual_net import Perceptual_Net
from Deep3DFaceReconstruction.networks.r_net import R_Net

__all__ = ['Perceptual_Net', 'R_Net']
