"""demo.py: a folder of photos -> what each face looks like in 3D.

Enters: photos (with or without NAME.txt beside them), the face model, and network weights where there are any.
Leaves: NAME.mat, NAME_mesh.obj and NAME.png of each face, and summary.csv.
On the way (`pipeline.run`): photos -> crops -> batches -> coefficients -> decoder -> results.
"""
