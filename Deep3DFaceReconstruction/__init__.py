"""Accurate 3D face reconstruction with weakly-supervised learning (Deng et al. 2019)."""
