"""A face in motion.

Enters: the frames of a clip, one by one. Leaves: for each person one identity and albedo, and for each frame pose,
expression and light, followed and smoothed. people: who is in the clip, from its best frames; tracking: where each face
is; frame_fit and photometric: pose, expression and light of one frame; smoothing; following: all that for one track.
"""
