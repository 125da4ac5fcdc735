"""Networks that compare people, for the perceptual loss: the published FaceNet and dlib's face-recognition network.

Enters: crops [B,224,224,3] (BGR, 0-255), landmarks [B,68,2] that place dlib's chip; FaceNet's checkpoint, dlib's .dat.
Leaves: identity features [B,128], and the scale that makes one loss weight suit both networks.
"""
