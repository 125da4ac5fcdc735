"""From a clip to a clip: what video.py does.

Enters: a video file, a folder of frames or a camera, and the options. Leaves: the overlay video with the clip's sound,
tables of coefficients and ARKit weights, a plot; whole files after Ctrl-C too. `pipeline.run` is the recipe: people ->
tracks -> rows of each face, smoothed (all three in motion/) -> sink.
"""
