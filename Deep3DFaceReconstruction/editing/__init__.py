"""edit.py: a photo with a face -> the same photo with another expression, pose, light or makeup, and the edited mesh.

Enter: photos and a command. Leave: NAME_COMMAND.png, .mat and _mesh.obj. On the way (`pipeline.run`): photo -> Subject
-> a command's Edited (`commands`), whose photo `rendering/` draws -> files.
"""
