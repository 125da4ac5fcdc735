"""A batched, differentiable triangle renderer for TensorFlow 1.x graphs. Knows nothing of faces."""
