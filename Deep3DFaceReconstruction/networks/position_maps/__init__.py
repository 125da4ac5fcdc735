"""A network that gives a face's position map, after PRNet (Feng et al. 2018), as a baseline beside R-Net.

Enters: aligned crops (BGR, 0-255) and weights (checkpoints, .pb).
Leaves: position maps [B,256,256,3], the image position of each texel of the face model's atlas; frozen graphs.
"""
