"""Evaluation protocols: results of this program or of another port, and a dataset's truth -> tables, plots, verdicts.

Enters: a folder of NAME.mat files as demo.py writes them, and a dataset laid out as its makers distribute it.
Leaves: table.csv, summary.md, plots and the configuration in an output folder.
"""
