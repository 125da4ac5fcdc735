"""Finding faces and their landmarks: an RGB image enters; boxes with confidences and landmarks (5, 68, 468) leave.

`face_finder` is the entry; `mediapipe_models` runs Google's networks, `dlib_models` dlib's. No graph of our own is
built.
"""
