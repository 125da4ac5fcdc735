"""Training of R-Net, or of C-Net on image sets.

Enters: training sets, TrainOptions. Leaves: the folder of a run (`RunFolder`) and a frozen graph.

`run.run(options)` is the entry, `chief.Run.train` the loop. A process by itself is a cluster of one: chief, worker and
parameter servers run the same code.
"""
