"""Frozen networks in the formats of other programs.

Enters: the frozen graph of R-Net (`networks.frozen_graph`); photos or aligned crops for the calibration of int8.
Leaves: a SavedModel, TensorFlow Lite (float16, int8) or ONNX file, with the input `input_imgs` [B,224,224,3] BGR 0-255
and the output `coeff` [B,257] of the published graph; and functions that run them (`runners.load`).
"""
