"""demo.py --sets: photos of a person, or of several with a folder each -> one identity and one albedo for each person.

Enters: folders of photos, the coefficients of each photo alone, and C-Net where there is one.
Leaves: each photo's files with the shared identity and albedo and its own pose, expression and light; of each person
SET.mat, SET_mesh.obj and SET.glb, the neutral face with a texture merged from the photos; and one summary.csv.
On the way (`pipeline.run`): folders -> crops -> coefficients of each photo -> strangers left out -> shared coefficients
(`merging`) -> decoder -> files.
"""
