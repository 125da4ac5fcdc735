"""Training images with known answers: random faces of the face model in made-up scenes.

With the open model, whole heads (scenes.picture); with others, the decoded face alone. Landmarks, attention and
coefficients are exact; the layout is that of `sample_files`, with coeff/NAME.npy beside.
"""
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import CENTER, COEFF_DIM, IMAGE_SIZE
from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.random_faces import (
    DEFAULT_OPTIONS,
    CoefficientSampler,
    SynthesisOptions,
    random_of,
)
from Deep3DFaceReconstruction.dataset.scene_effects import degrade, draw_background, draw_occluder
from Deep3DFaceReconstruction.dataset.scenes import labels
from Deep3DFaceReconstruction.dataset.task_pool import task_pool
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.face_model import FaceModel, load_face_model
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.heads.head_model import has_head
from Deep3DFaceReconstruction.system.own_files import check_replaceable
from Deep3DFaceReconstruction.system.process import keep_freed_memory
from Deep3DFaceReconstruction.tf1 import tf

_WRITERS = 2
_NAME = '%06d'


class Scenes(NamedTuple):
    """An endless row of scenes. Scene n depends on the seed, the options, the face model and n alone.

    (Another batch size, or another version of TensorFlow, may change the last bit of a vertex, and so, here and there,
    which triangle a pixel on an edge sees.)

    With several views, scenes p * views to p * views + views - 1 show person p, and each person is a set of their own.
    """

    model: FaceModel
    seed: int = 0
    options: SynthesisOptions = DEFAULT_OPTIONS
    views: int = 1

    @property
    def recipe(self):
        """What the scenes are made of, in a line: the `source` of their samples."""
        recipe = 'synthesis seed=%d model=%s %s' % (
            self.seed, os.path.basename(self.model.path), tuple(self.options))
        return recipe if self.views == 1 else recipe + ' views=%d' % self.views

    @property
    def shows_heads(self):
        """Whether the images show whole heads."""
        return self.options.heads and has_head(self.model)

    def write(self, sample, index, face):
        """Puts a rendered face into its scene and writes the sample.

        Args:
          sample: sample_files.Sample; index: the scene's number; face: RenderedFace.
        Raises:
          OSError: the folder cannot be written. InputError: a file is in the way.
        """
        check_replaceable(sample.image)
        image, attention = compose(random_of(self.seed, index, 1), face.bgr, face.mask, self.options)
        sample_files.write_sample(sample, image, face.landmarks, attention, {'source': self.recipe}, face.coeff)


class RenderedFace(NamedTuple):
    """A face without a scene.

    Attributes:
      bgr: [224,224,3] float32, 0-255.
      mask: [224,224] bool, where the face is.
      landmarks: [68,2] y-up.
      coeff: [257].
    """

    bgr: np.ndarray
    mask: np.ndarray
    landmarks: np.ndarray
    coeff: np.ndarray


class HeadWriter:
    """Takes and writes pictures of whole heads; can be sent to another process, which loads the face model itself.

    Args:
      save_path: the set's folder.  scenes: Scenes.
    """

    def __init__(self, save_path, scenes):
        self._key = save_path, scenes.model.path, scenes.seed, scenes.options, scenes.views
        self._scenes, self._studio, self._sampler = scenes, None, None

    def __getstate__(self):
        return {'_key': self._key, '_scenes': None, '_studio': None, '_sampler': None}

    def __eq__(self, other):
        return isinstance(other, HeadWriter) and self._key == other._key

    def __hash__(self):
        return hash(self._key)

    def __call__(self, index):
        """Writes the sample of a number.

        Raises:
          OSError: the folder cannot be written. InputError: a file is in the way.
        """
        save_path, model_path, seed, options, views = self._key
        if self._studio is None:
            # TensorFlow loads only where pictures are made.
            from Deep3DFaceReconstruction.dataset.scenes.picture import Studio

            threads = 0
            if self._scenes is None:  # one of several processes
                keep_freed_memory()
                self._scenes, threads = Scenes(load_face_model(model_path), seed, options, views), 1
            self._studio = Studio(self._scenes.model, seed, options, views, threads)
            self._sampler = CoefficientSampler(self._scenes.model, seed, options, views)
        sample = sample_files.sample_named(save_path, sample_name(index, views))
        check_replaceable(sample.image)
        made = self._studio.picture(index, self._sampler([index])[0])
        sample_files.write_head_labels(sample, made.dense, made.parts, labels.PALETTE)
        sample_files.write_sample(sample, made.image, made.landmarks, made.attention,
                                  {'source': self._scenes.recipe}, made.coeff)


def synthesize(save_path, count, scenes, batch_size=16, progress=lambda: None, jobs=1):
    """Makes a set of the first `count` scenes, named 000000, 000001, ...; what is there already and whole is kept.

    Args:
      save_path: the set's folder; with several views, the folder of the sets, 000000/ for the first person.
      count: images.
      scenes: Scenes.
      batch_size: faces decoded at a time, where they are shown alone.
      progress: called without arguments after every image.
      jobs: processes that take pictures of whole heads.
    Returns:
      list of the samples' names, see `sample_names`.
    Raises:
      DataError, OSError: the folder cannot be written.
    """
    names = sample_names(count, scenes.views)
    samples = [sample_files.sample_named(save_path, name) for name in names]
    with sample_files.set_opened(save_path):
        for folder in sorted({os.path.dirname(sample.image) for sample in samples if scenes.views > 1}):
            # The lock on the folder above keeps other runs out.
            with sample_files.set_opened(folder):
                pass
        missing = []
        for index, sample in enumerate(samples):
            notes = sample_files.read_notes(sample)
            if notes is not None and notes.get('source') == scenes.recipe:
                progress()
            else:
                missing.append(index)
        if missing and scenes.shows_heads:
            _take(HeadWriter(save_path, scenes), missing, jobs, progress)
        elif missing:
            _make(scenes, samples, missing, batch_size, progress)
    return names


def sample_names(count, views=1):
    """NAMES of the first `count` samples of a synthetic set; with several views of a person, PERSON/NAME."""
    return [sample_name(index, views) for index in range(count)]


def sample_name(index, views=1):
    """NAME, or PERSON/NAME, of one sample."""
    return _NAME % index if views == 1 else os.path.join(_NAME % (index // views), _NAME % (index % views))


def _take(writer, indices, jobs, progress):
    with task_pool(jobs) as run:
        for result in run(writer, indices):
            if isinstance(result, Exception):
                raise result
            progress()


def _make(scenes, samples, indices, batch_size, progress):
    """Decodes faces a batch at a time; one batch is written while the next is decoded, and no more are held."""
    sampler = CoefficientSampler(scenes.model, scenes.seed, scenes.options, scenes.views)
    pending = deque()
    with renderer(scenes.model) as render, ThreadPoolExecutor(_WRITERS) as writers:
        try:
            for start in range(0, len(indices), batch_size):
                batch = indices[start:start + batch_size]
                coeff = sampler(batch)
                # The last batch is filled up, as its size may change the last bits of the matrix products.
                padded = np.concatenate([coeff, np.repeat(coeff[-1:], batch_size - len(batch), axis=0)])
                for index, face in zip(batch, zip(*render(coeff=padded), coeff)):
                    pending.append(writers.submit(scenes.write, samples[index], index, RenderedFace(*face)))
                while len(pending) > batch_size:
                    pending.popleft().result()
                    progress()
            while pending:
                pending.popleft().result()
                progress()
        finally:
            for future in pending:
                future.cancel()


def compose(random, face, mask, options):
    """Puts a rendered face into a scene.

    Args:
      random: RandomState.
      face: [224,224,3] float32 BGR, as rendered; mask: [224,224] bool, where it is.
      options: SynthesisOptions.
    Returns:
      (image [224,224,3] uint8 BGR, attention [224,224] uint8: 255 where the image shows the face, else 0).
    """
    image = draw_background(random, IMAGE_SIZE)
    image[mask] = face[mask]
    if random.uniform() < options.occluded:
        for _ in range(random.randint(1, 3)):
            mask = mask & ~draw_occluder(random, image, np.array([CENTER, CENTER]))
    image = degrade(random, image, options.blur, options.noise, options.compression)
    return image, np.uint8(mask) * 255


def renderer(model):
    """Coefficients to faces without a scene.

    Args:
      model: face_model.FaceModel.
    Returns:
      GraphFunction of coeff [B,257] -> (faces [B,224,224,3] float32 BGR 0-255, masks [B,224,224] bool, landmarks
      [B,68,2] y-up).
    """
    def build():
        face3d = Face3D(model)
        coeff = tf.placeholder(tf.float32, [None, COEFF_DIM], 'coeff')
        geometry = face3d.Geometry_block(coeff)
        rgba, mask, _ = face3d.Render_block(geometry.face_shape_t, geometry.face_color)
        return {'coeff': coeff}, (tf.reverse(rgba[..., :3], axis=[3]), mask[..., 0] > 0.5, geometry.landmark_p)
    return GraphFunction(build)
