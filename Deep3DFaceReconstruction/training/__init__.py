"""Training of R-Net: training sets and TrainOptions in, the folder of a run (`RunFolder`) and a frozen graph out.

`run.run(options)` is the entry, `chief.Run.train` the loop. A process by itself is a cluster of one: chief, worker and
parameter servers run the same code.
"""
