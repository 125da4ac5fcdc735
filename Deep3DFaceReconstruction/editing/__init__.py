"""edit.py: a photo with a face -> the photo with another expression, face, pose, light or makeup, and the edited mesh.

Enter: photos, or the .mat files that demo.py made of them, and a command. Leave: NAME_COMMAND.png, .mat and _mesh.obj,
and other outputs. On the way (`pipeline.run`): photo -> Subject -> a command's Edited (`commands`), whose photo
`rendering/` draws -> files.
"""
