"""Training sets: photos or the face model -> samples on disk -> batches.

Enters: a folder of photos (`preparation`), or coefficients drawn at random (`synthesis`).
Leaves: NAME.png with its landmarks and its attention (`sample_files`), and batches of them (`data_loader`).
"""
