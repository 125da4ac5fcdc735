"""Protocols whose truth is a scan without correspondence to the face model: MICC Florence, FaceWarehouse, BU-3DFE.

Enters: a dataset as its makers distribute it (`datasets`), results of demo.py. Leaves: distances of each scan from its
aligned reconstruction (`alignment`), the tables of a protocol (`protocol`), heat maps (`heat_maps`).
"""
