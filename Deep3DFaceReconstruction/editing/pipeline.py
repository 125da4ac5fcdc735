"""What edit.py does, in one way: photos -> Subjects -> the command's Edited -> files, all of them or none."""
import os
import sys

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.demo.library import Reconstructor
from Deep3DFaceReconstruction.editing import expression, lighting
from Deep3DFaceReconstruction.editing.commands import COMMANDS
from Deep3DFaceReconstruction.editing.editor import Editor
from Deep3DFaceReconstruction.editing.subject import read_subject
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.face_model.named_shapes import load_named_shapes
from Deep3DFaceReconstruction.meshes.textured_obj import TexturedMesh, write_obj
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.system.files import PNG_COMPRESSION, check_writable
from Deep3DFaceReconstruction.system.mat_file import save_mat
from Deep3DFaceReconstruction.system.own_files import marked_info
from Deep3DFaceReconstruction.system.png import encode_png
from Deep3DFaceReconstruction.system.result_folder import ResultFolder

SUFFIXES = ('.png', '.mat', '_mesh.obj', '_mesh.mtl', '_mesh_texture.png')


def run(options):
    """Edits one photo.

    Args:
      options: options.EditOptions.
    Returns:
      The exit code: 0 when it is done, 1 when it could not be, 2 when nothing could be started.
    """
    try:
        source_path = _checked(options)
        folder = _folder(options)
        reconstruct = Reconstructor(face_model=options.face_model)
    except (UserError, OSError) as error:
        print('edit.py: %s' % message_of(error), file=sys.stderr)
        return exit_codes.NOT_STARTED
    try:
        _edit(options, source_path, folder, reconstruct)
    except (UserError, OSError) as error:
        print('edit.py: %s' % message_of(error), file=sys.stderr)
        return exit_codes.SOME_FAILED
    return exit_codes.ALL_DONE


def _checked(options):
    """The path of a second photo, or None, once what the command line says is known to be right.

    Raises:
      InputError: a photo that is not there, an unknown shape or light. FaceModelError: a model without named shapes.
    """
    source_path = options.source
    if options.command == 'relight' and options.light and os.path.isfile(options.light):
        source_path = options.light
    elif options.command == 'relight' and options.light:
        lighting.check_light(options.light)
    for path in (options.target, source_path):
        if path is not None and not os.path.isfile(path):
            raise InputError('%s: expected a photo, got %s' % (
                path, 'a folder' if os.path.isdir(path) else 'nothing'))
    if options.command == 'express':
        expression.check_names(options.set, load_named_shapes(load_face_model(options.face_model)).names, '--set')
    return source_path


def _result_name(options):
    return '%s_%s' % (os.path.splitext(os.path.basename(options.target))[0], options.command)


def _folder(options):
    """The ResultFolder, in which nothing foreign is in the way."""
    check_writable(options.output)
    folder = ResultFolder(options.output)
    for suffix in SUFFIXES:
        folder.check(_result_name(options) + suffix)
    return folder


def _edit(options, source_path, folder, reconstruct):
    target = read_subject(options.target, reconstruct, options.face)
    source = None if source_path is None else read_subject(source_path, reconstruct)
    editor = Editor(reconstruct.model, reconstruct.finder)
    edited = COMMANDS[options.command](editor, target, options, source)
    stem = _result_name(options)
    _, names = folder.write(lambda staging: _write(os.path.join(staging, stem), editor, target, edited))
    doubts = ['%s: doubtful: %s' % (subject.name, doubt) for subject in (target, source) if subject is not None
              for doubt in subject.crop.doubts]
    for line in doubts + list(edited.notes):
        print('edit.py: note: %s' % line)
    print('%s: wrote %s' % (options.target, ', '.join(os.path.join(options.output, name) for name in names)))


def _write(stem, editor, target, edited):
    """Writes the files of an Edited photo; stem: folder and name of them."""
    look = editor.look(target, edited.coeff, edited.shape)
    atlas = editor.surface.atlas
    Image.fromarray(edited.image).save(stem + '.png', format='PNG', compress_level=PNG_COMPRESSION,
                                       pnginfo=marked_info())
    save_mat(stem + '.mat', {
        'coeff': np.float32(edited.coeff)[None], 'face_shape': np.float32(edited.shape),
        'face_texture': np.float32(look.albedo), 'face_color': np.float32(look.albedo * look.shading),
        'trans_params': target.crop.trans_params})
    mesh = TexturedMesh(edited.shape, look.placed.normals, editor.model.triangles, atlas.uv, atlas.triangles)
    write_obj(stem + '_mesh.obj', mesh, encode_png(editor.texture(edited.image, look)))
