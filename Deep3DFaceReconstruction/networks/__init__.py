"""The networks: layers, checkpoints and frozen graphs; `R_Net` and `Perceptual_Net` under their published names."""
