"""A face in motion.

Enters: a clip (a video file, a folder of frames, a camera). Leaves: for each person one identity and albedo, and for
each frame pose, expression and light, followed and smoothed; an overlay video and tables of all that.

`pipeline.run` is the recipe: people (who is in the clip, from its best frames) -> tracking (where each face is) ->
frame_fit and photometric (pose, expression, light of one frame) -> smoothing -> overlay, trajectories.
"""
