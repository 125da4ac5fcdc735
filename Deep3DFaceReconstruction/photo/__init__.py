"""Photos: from the files in a folder to the aligned crops of their faces. No TensorFlow graph is built here.

Enters: a folder (`photo_files`), images (`image_io`), landmark files (`landmark_files`).
Leaves: a `crops.FaceCrop` of each face: the 224x224 crop with its attention and landmarks, what found the face, and why
it may be doubtful (`five_points_check`).
"""
