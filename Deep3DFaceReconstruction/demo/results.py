"""The results of one face: its arrays and files, how far it is from the photo, and its line of summary.csv."""
import csv
import os
from typing import Any, Dict, NamedTuple, Tuple

import cv2
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import COEFF_SLICES, LUMA
from Deep3DFaceReconstruction.demo.landmark_error import landmark_distances
from Deep3DFaceReconstruction.exports import catalogue
from Deep3DFaceReconstruction.face_model.eyes import EyeState
from Deep3DFaceReconstruction.fitting.crop_colors import is_grey
from Deep3DFaceReconstruction.meshes import obj
from Deep3DFaceReconstruction.photo.camera import lm_68p_to_photo
from Deep3DFaceReconstruction.photo.crops import FaceCrop, landmarks_apart
from Deep3DFaceReconstruction.system.files import PNG_COMPRESSION, atomic_write
from Deep3DFaceReconstruction.system.mat_file import save_mat
from Deep3DFaceReconstruction.system.own_files import marked_info
from Deep3DFaceReconstruction.system.result_folder import final_folder

# The status of a face. A doubtful one is done, but may not be a face, or not where the landmarks say.
OK, DOUBTFUL, FAILED = 'ok', 'doubtful', 'failed'
_DOUBTFUL_COLOUR = (255, 80, 0)
FORMULA_STARTS = ('=', '+', '-', '@', '\t', '\r')


class FaceResult(NamedTuple):
    """One reconstructed face.

    Attributes:
      crop: FaceCrop.
      coeff: [257] float32.
      arrays: what NAME.mat holds, by name.
      strip: [224,1120,3] uint8 RGB, what NAME.png shows.
      landmark_error: mean distance of the mesh's landmarks from the photo's, in pixels of the crop; of the jaw, from
        the mesh's outline or jaw line (landmark_error.landmark_distances).
      landmarks_compared: as many of 68 as the photo shows, or 5 where only the five points are known.
      photometric_error: mean absolute colour difference, 0-255, where the photometric loss looks: region times
        attention; NaN where it looks at nothing.
      doubts: why this may not be a face, or not where the mesh is.
      eyes: the EyeState that the mesh shows.
    """

    crop: FaceCrop
    coeff: np.ndarray
    arrays: Dict[str, Any]
    strip: np.ndarray
    landmark_error: float
    landmarks_compared: int
    photometric_error: float
    doubts: Tuple[str, ...]
    eyes: EyeState


class SummaryRow(NamedTuple):
    """One line of summary.csv: a face, or a photo that gave none. All texts; '' where there is no value.

    Attributes:
      status: ok, doubtful or failed; reason says why.
      detector, score, box: what found the face, how sure it was, and left, top, right, bottom in the photo.
      yaw_degrees: by which the face is turned, to the image's right where positive.
      agreement_px: distance between the landmarks of two networks, where two were asked.
      note: what the landmark file was taken for.
      files: names of the files that were written.
    """

    image: str
    name: str
    status: str
    faces_found: str
    detector: str
    score: str
    box: str
    coefficients_from: str
    landmark_error_px: str
    landmarks_compared: str
    photometric_error: str
    yaw_degrees: str
    agreement_px: str
    seconds: str
    reason: str
    note: str
    files: str


def face_result(crop, coeff, decoded, eyes):
    """The FaceResult of a decoded face.

    Args:
      crop: FaceCrop.
      coeff: [257] float32.
      decoded: dict of what the decoder made of it: strip [224,1120,3], recon [224,224,4], region [224,224],
        face_shape, face_texture and face_color [N,3], landmarks [68,2] y-up; deviation [257] of the coefficients; and
        face_model, the name of the face model.
      eyes: the EyeState that was decoded with it.
    """
    distances = landmark_distances(crop, decoded['landmarks'], decoded['recon'][:, :, 3] > 0)
    error, doubts = _photometric_error(crop, decoded['recon'], decoded['region'])
    doubts = crop.doubts + doubts
    strip = _marked(decoded['strip']) if doubts else decoded['strip']
    return FaceResult(crop, coeff, _arrays(crop, coeff, decoded, eyes), strip, float(distances.mean()), len(distances),
                      error, doubts, eyes)


def _marked(strip):
    """The strip [224,1120,3] of a doubtful face: framed, and saying so."""
    strip = np.ascontiguousarray(strip)
    cv2.rectangle(strip, (0, 0), (strip.shape[1] - 1, strip.shape[0] - 1), _DOUBTFUL_COLOUR, 3)
    cv2.putText(strip, 'doubtful', (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _DOUBTFUL_COLOUR, 1, cv2.LINE_AA)
    return strip


def _arrays(crop, coeff, decoded, eyes):
    """What NAME.mat holds: the published arrays, what found the face, and what its eyes do."""
    return {
        'cropped_img': np.ascontiguousarray(crop.bgr[:, :, ::-1]), 'recon_img': decoded['recon'], 'coeff': coeff[None],
        'face_shape': decoded['face_shape'], 'face_texture': decoded['face_texture'],
        'face_color': decoded['face_color'],
        'id_deviation': decoded['deviation'][None, COEFF_SLICES['id']],
        'tex_deviation': decoded['deviation'][None, COEFF_SLICES['tex']],
        'lm_68p': decoded['landmarks'], 'lm_5p': crop.lm_5p, 'trans_params': crop.trans_params,
        'lm_68p_photo': lm_68p_to_photo(decoded['landmarks'], crop.trans_params),
        'detector': crop.detector, 'detector_score': np.nan if crop.score is None else float(crop.score),
        'detector_box': np.full(4, np.nan) if crop.box is None else np.array(crop.box, np.float64),
        'gaze': eyes.gaze, 'eye_blink': eyes.blink, 'face_model': decoded['face_model']}


def photo_place(image_path, folder):
    """The path of a photo as the .mat files in a folder have it: relative to where they come to lie, with slashes.

    Args:
      image_path: the photo.  folder: theirs; a staging folder of result_folder.ResultFolder stands for the final one.
    """
    try:
        path = os.path.relpath(image_path, final_folder(folder))
    except ValueError:  # on another drive of Windows
        path = os.path.abspath(image_path)
    return path.replace(os.sep, '/')


def _photometric_error(crop, recon, region):
    """(mean absolute difference of colours, of a grey photo that of brightness; doubts about it)."""
    weight = region * crop.attention
    total = weight.sum()
    if total <= 0:
        return np.nan, ('the mesh covers %s of the photo' % ('no skin' if region.any() else 'nothing'),)
    got, expected = recon[:, :, :3], crop.bgr[:, :, ::-1]
    if is_grey(crop.bgr):
        got, expected = (image.dot(np.float32(LUMA))[:, :, np.newaxis] for image in (got, expected))
    difference = np.abs(got - expected).mean(axis=2)
    return float((difference * weight).sum() / total), ()


def write_result(result, path_stem, faces_text, outputs=catalogue.DEFAULT):
    """Writes NAME.mat, NAME_mesh.obj and NAME.png, each to a temporary file that is then renamed.

    Args:
      result: FaceResult.
      path_stem: output folder and NAME.
      faces_text: meshes.obj.face_lines of the model.
      outputs: which of mat, obj and png; others are passed over.
    Returns:
      catalogue.Outcome: a folder that cannot be written, or a mesh with coordinates that are not finite, is a failure.
    """
    colors = np.clip(result.arrays['face_color'], 0, 255) / 255

    def write_strip():
        with atomic_write(path_stem + '.png') as temporary:
            Image.fromarray(result.strip).save(temporary, format='PNG', compress_level=PNG_COMPRESSION,
                                               pnginfo=marked_info())

    writers = {
        'obj': lambda: obj.save_obj(path_stem + '_mesh.obj', result.arrays['face_shape'], faces_text, colors),
        'mat': lambda: save_mat(path_stem + '.mat', dict(
            result.arrays, photo=photo_place(result.crop.image_path, os.path.dirname(path_stem)))),
        'png': write_strip}
    return catalogue.try_writers(writers, outputs, result.crop.name)


def result_row(result, label, seconds):
    """The SummaryRow of a FaceResult; label: where its coefficients come from."""
    crop = result.crop
    apart = landmarks_apart(crop)
    return SummaryRow(
        image=os.path.basename(crop.image_path), name=crop.name, status=DOUBTFUL if result.doubts else OK,
        faces_found='' if crop.faces_found is None else str(crop.faces_found), detector=crop.detector,
        score='' if crop.score is None else '%.3g' % crop.score,
        box='' if crop.box is None else ' '.join('%.0f' % edge for edge in crop.box), coefficients_from=label,
        landmark_error_px='%.2f' % result.landmark_error, landmarks_compared=str(result.landmarks_compared),
        photometric_error='' if np.isnan(result.photometric_error) else '%.2f' % result.photometric_error,
        yaw_degrees='%.0f' % np.degrees(result.coeff[COEFF_SLICES['angles']][1]),
        agreement_px='' if apart is None else '%.1f' % apart,
        seconds='%.2f' % seconds, reason='; '.join(result.doubts), note=crop.landmark_note, files='')


def finished_row(row, outcome):
    """The SummaryRow of a face with the names of its files, and what could not be written.

    Args:
      row: SummaryRow; outcome: catalogue.Outcome.
    """
    row = row._replace(files=catalogue.FILE_SEPARATOR.join(outcome.files))
    if not outcome.failures:
        return row
    reasons = sorted(set(outcome.failures.values()))
    return row._replace(status=FAILED, reason='%s: %s of %s could not be written: %s' % (
        row.image, ', '.join(outcome.failures), row.name, '; '.join(reasons)))


def failure_row(image_path, name, seconds, reason):
    """The SummaryRow of a photo or a face that gave no results."""
    empty = dict.fromkeys(SummaryRow._fields, '')
    return SummaryRow(**dict(empty, image=os.path.basename(image_path), name=name, status=FAILED,
                             seconds='%.2f' % seconds, reason=reason))


def summary_line(row):
    """A SummaryRow for people."""
    if row.status == FAILED:
        return row.reason
    found = ''
    if row.faces_found:
        found = '%s face%s found, ' % (row.faces_found, '' if row.faces_found == '1' else 's')
    photometric = 'no colours compared'
    if row.photometric_error:
        photometric = 'photometric error %s of 255' % row.photometric_error
    line = '%s: %slandmark error %s px (%s points), %s, %s s' % (
        row.name, found, row.landmark_error_px, row.landmarks_compared, photometric, row.seconds)
    if row.note:
        line += '; landmark file: %s' % row.note
    return '%s; DOUBTFUL: %s' % (line, row.reason) if row.status == DOUBTFUL else line


def counts_line(rows):
    """How many faces are reconstructed, doubtful and failed, in words."""
    count = {status: sum(row.status == status for row in rows) for status in (OK, DOUBTFUL, FAILED)}
    doubtful = ' (%d of them doubtful)' % count[DOUBTFUL] if count[DOUBTFUL] else ''
    return '%d reconstructed%s, %d failed' % (count[OK] + count[DOUBTFUL], doubtful, count[FAILED])


def write_summary(path, rows, columns=SummaryRow._fields):
    """Writes summary.csv, one line a face, to a temporary file that is then renamed.

    Args:
      path: the file.  rows: tuples of texts.  columns: what they are called.
    """
    with atomic_write(path) as temporary, open(temporary, 'w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows([_harmless(text) for text in row] for row in rows)


def _harmless(text):
    """A cell that a spreadsheet shows and does not compute: the name of a file may begin as a formula does."""
    is_number = text[1:].isdigit() and text[0] in '+-'
    return "'" + text if text.startswith(FORMULA_STARTS) and not is_number else text
