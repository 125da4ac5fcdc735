"""What edit.py does, in one way: photos -> Subjects -> the command's Edited -> files, all of them or none."""
import os
import sys

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.demo.library import Reconstructor
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.editing import expression, lighting
from Deep3DFaceReconstruction.editing.commands import COMMANDS
from Deep3DFaceReconstruction.editing.editor import Editor
from Deep3DFaceReconstruction.editing.mat_subject import is_mat, read_mat_subject
from Deep3DFaceReconstruction.editing.subject import read_subject
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of
from Deep3DFaceReconstruction.exports.catalogue import SUFFIXES
from Deep3DFaceReconstruction.exports.outputs import Face, OutputOptions, OutputWriter
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.face_model.attributes import load_attributes
from Deep3DFaceReconstruction.face_model.named_shapes import load_named_shapes
from Deep3DFaceReconstruction.meshes.textured_obj import TexturedMesh, write_obj
from Deep3DFaceReconstruction.photo.alignment import align_img, from_crop
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.system.files import PNG_COMPRESSION, check_writable
from Deep3DFaceReconstruction.system.mat_file import save_mat
from Deep3DFaceReconstruction.system.own_files import marked_info
from Deep3DFaceReconstruction.system.png import encode_png
from Deep3DFaceReconstruction.system.result_folder import ResultFolder, file_facts

# What every edit writes.
EDIT_SUFFIXES = ('.png', '.mat', '_mesh.obj', '_mesh.mtl', '_mesh_texture.png')


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
        reader = _Reader(options, source_path)
    except (UserError, OSError) as error:
        print('edit.py: %s' % message_of(error), file=sys.stderr)
        return exit_codes.NOT_STARTED
    try:
        _edit(options, reader, folder)
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
    for path in (options.target, source_path, options.photo, options.source_photo):
        if path is not None and not os.path.isfile(path):
            raise InputError('%s: expected a photo, got %s' % (
                path, 'a folder' if os.path.isdir(path) else 'nothing'))
    for flag, given, path in (('--photo', options.photo, options.target),
                              ('--source_photo', options.source_photo, source_path)):
        if given is not None and not is_mat(path):
            raise InputError('%s: expected the photo of a .mat file, got it beside %s' % (flag, path))
    if options.face > 1 and is_mat(options.target):
        raise InputError('--face: expected 1 for %s, which holds one face, got %d' % (options.target, options.face))
    if options.command in ('express', 'attributes'):
        load_names = load_named_shapes if options.command == 'express' else load_attributes
        expression.check_names(options.set, load_names(load_face_model(options.face_model)).names, '--set')
    return source_path


class _Reader:
    """Reads the photos and .mat files of a command; what reconstructs is loaded only where there is a photo.

    Attributes:
      target_path, source_path: the files; source_path is None where there is one photo.
      model: face_model.FaceModel.  finder: face_finder.FaceFinder.
    """

    def __init__(self, options, source_path):
        self._options, self.target_path, self.source_path = options, options.target, source_path
        if all(path is None or is_mat(path) for path in (options.target, source_path)):
            self._reconstruct, self.model, self.finder = None, load_face_model(options.face_model), FaceFinder()
        else:
            self._reconstruct = Reconstructor(face_model=options.face_model)
            self.model, self.finder = self._reconstruct.model, self._reconstruct.finder

    def target(self):
        """The Subject of the target."""
        if is_mat(self.target_path):
            return read_mat_subject(self.target_path, self.model, self._options.photo)
        return read_subject(self.target_path, self._reconstruct, self._options.face)

    def source(self):
        """The Subject of the source, or None."""
        if self.source_path is None:
            return None
        if is_mat(self.source_path):
            return read_mat_subject(self.source_path, self.model, self._options.source_photo,
                                    self._options.command == 'swap')
        return read_subject(self.source_path, self._reconstruct)


def _result_name(options):
    return '%s_%s' % (os.path.splitext(os.path.basename(options.target))[0], options.command)


def _folder(options):
    """The ResultFolder, in which nothing foreign is in the way."""
    check_writable(options.output)
    folder = ResultFolder(options.output, 'edit.py')
    for suffix in EDIT_SUFFIXES + tuple(suffix for name in options.outputs for suffix in SUFFIXES[name]):
        folder.check(_result_name(options) + suffix)
    return folder


def _edit(options, reader, folder):
    target, source = reader.target(), reader.source()
    editor = Editor(reader.model, reader.finder)
    edited = COMMANDS[options.command](editor, target, options, source)
    _, names = folder.write(lambda staging: _write(staging, editor, target, edited, options))
    # Files of the same edit by an earlier run, with other outputs, go.
    folder.finish_photo('edit.py %s %s' % (options.command, os.path.basename(options.target)), _result_name(options),
                        _facts(options, reader), [], names)
    doubts = ['%s: doubtful: %s' % (subject.name, doubt) for subject in (target, source) if subject is not None
              for doubt in subject.crop.doubts]
    for line in doubts + list(edited.notes):
        print('edit.py: note: %s' % line)
    print('%s: wrote %s' % (options.target, ', '.join(os.path.join(options.output, name) for name in names)))


def _facts(options, reader):
    """What an edit was made from, for the record: its files and what the command line said."""
    defaults = type(options)._field_defaults
    said = {name: value for name, value in options._asdict().items() if name not in defaults or value != defaults[name]}
    return {'files': [file_facts(path) for path in (reader.target_path, reader.source_path)], 'options': said}


def _write(folder, editor, target, edited, options):
    """Writes the files of an Edited photo into a folder.

    Raises:
      InputError: one of options.outputs cannot be written.
    """
    name = _result_name(options)
    stem = os.path.join(folder, name)
    look = editor.look(target, edited.coeff, edited.shape)
    atlas = editor.surface.atlas
    Image.fromarray(edited.image).save(stem + '.png', format='PNG', compress_level=PNG_COMPRESSION,
                                       pnginfo=marked_info(options.command))
    arrays = _arrays(edited, look, target, editor.model.name)
    save_mat(stem + '.mat', dict(arrays, photo=name + '.png'))
    mesh = TexturedMesh(edited.shape, look.placed.normals, editor.model.triangles, atlas.uv, atlas.triangles)
    write_obj(stem + '_mesh.obj', mesh, encode_png(editor.texture(edited.image, look)))
    if options.outputs:
        face = Face(name, edited.coeff, target.crop.trans_params, edited.shape, look.albedo,
                    look.albedo * look.shading)
        writer = OutputWriter(editor.model, OutputOptions(options.outputs))
        outcome, = writer.write(folder, name, name + '.png', edited.image, [face])
        for output, reason in outcome.failures.items():
            raise InputError('--outputs: %s of %s could not be written: %s' % (output, name, reason))


def _arrays(edited, look, target, model_name):
    """What NAME_COMMAND.mat holds but its photo's place: as much of demo.py's as an edit of the edited photo needs."""
    crop = target.crop
    points = from_crop(crop.lm_5p, crop.trans_params)
    cropped, lm_5p, trans_params = align_img(Image.fromarray(edited.image), points, standard_five_points())
    return {'cropped_img': np.ascontiguousarray(cropped[0, :, :, ::-1]), 'coeff': np.float32(edited.coeff)[None],
            'face_shape': np.float32(edited.shape), 'face_texture': np.float32(look.albedo),
            'face_color': np.float32(look.albedo * look.shading), 'lm_5p': lm_5p, 'trans_params': trans_params,
            'eye_blink': target.blink, 'face_model': model_name}
