"""demo.py --sets with R-Net and C-Net in files: the identity of SET.mat is C-Net's."""
import csv

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat
from skimage import data

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.networks import c_net, checkpoints, frozen_graph, r_net
from Deep3DFaceReconstruction.networks.backbones import MOBILENET, Backbone
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf
from tests.demo.demo_run import run


def write_networks(folder):
    """Writes R-Net (a small MobileNet) and C-Net with random weights; returns the paths of the two .pb."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        r_net.R_Net(tf.zeros([1, 224, 224, 3]), backbone=Backbone(MOBILENET, 0.25, 224))
        session.run(tf.global_variables_initializer())
        values = session.run({v.op.name: v for v in tf.global_variables()})
    values['fc-id/weights'] = 0.3 * np.random.RandomState(0).randn(*values['fc-id/weights'].shape).astype(np.float32)
    checkpoints.save_checkpoint(str(folder / 'r.ckpt'), values)
    paths = [str(folder / name) for name in ('r.pb', 'c.pb')]
    frozen_graph.save(frozen_graph.load_any(str(folder / 'r.ckpt')), paths[0])
    frozen = c_net.FrozenRNet(paths[0])
    with tf.Graph().as_default(), tf.Session() as session:
        features = frozen.features(tf.zeros([1, 224, 224, 3]))
        c_net.C_Net(features.maps, features.pooled)
        variables = [v for v in tf.global_variables() if v.op.name.startswith(c_net.SCOPE)]
        session.run(tf.variables_initializer(variables))
        values = session.run({v.op.name: v for v in variables})
    last = values[c_net.SCOPE + '/fc2/weights']
    values[c_net.SCOPE + '/fc2/weights'] = np.random.RandomState(1).randn(*last.shape).astype(np.float32)
    frozen_graph.save(c_net.freeze(values, 'made', frozen), paths[1])
    return paths


@pytest.mark.slow
def test_auto_merges_by_c_net_where_both_networks_are(tmp_path, monkeypatch):
    for name, path in zip(('FACE_RECON_PB', 'C_NET_PB'), write_networks(tmp_path)):
        monkeypatch.setattr(assets, name, path)
    (tmp_path / 'in' / 'her').mkdir(parents=True)
    portrait = Image.fromarray(data.astronaut()[:300, 80:380])
    portrait.save(str(tmp_path / 'in' / 'her' / 'a.png'))
    portrait.point(lambda value: value // 3).save(str(tmp_path / 'in' / 'her' / 'b.png'))
    out = tmp_path / 'out'
    assert run(tmp_path / 'in', out, '--sets', '--texture_size', '64', '--outputs', 'mat') == 0
    with open(str(out / 'summary.csv')) as stream:
        assert [row['coefficients_from'] for row in csv.DictReader(stream)] == ['network, cnet'] * 2
    person, photos = loadmat(str(out / 'her' / 'her.mat')), [loadmat(str(out / 'her' / name)) for name in (
        'a.mat', 'b.mat')]
    with c_net.SetNetwork(assets.C_NET_PB) as network:
        answer = network(np.stack([photo['cropped_img'][..., ::-1] for photo in photos]))
    np.testing.assert_allclose(person['coeff'][0, COEFF_SLICES['id']], answer.identity, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(person['certainty'][:, COEFF_SLICES['id']], answer.confidence, rtol=1e-3, atol=1e-4)
    assert np.abs(answer.confidence[0] - answer.confidence[1]).max() > 1e-3
    for photo in photos:
        np.testing.assert_array_equal(photo['coeff'][0, COEFF_SLICES['id']], person['coeff'][0, COEFF_SLICES['id']])
