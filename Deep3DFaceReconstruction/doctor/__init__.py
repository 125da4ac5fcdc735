"""What the program has, what is wrong with it and what to do: `python -m Deep3DFaceReconstruction.doctor`.

Enters: this machine, and the folders BFM/, network/ and weights/.
Leaves: a table with advice, or JSON; exit code 0 where demo.py can run. Starts without NumPy or TensorFlow.
"""
