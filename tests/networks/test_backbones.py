"""R-Net's trunks: shapes, names, the public MobileNet's structure, equality of frozen graphs."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import backbones, checkpoints, frozen_graph, layers, mobilenet_v1, notes, r_net
from Deep3DFaceReconstruction.tf1 import tf
from tests.networks.reference import filled, new_session

SMALL = backbones.Backbone(backbones.MOBILENET, 0.25, 112)


def variables_of(backbone):
    """{name: shape} of R-Net on a backbone."""
    with tf.Graph().as_default():
        r_net.R_Net(tf.zeros([1, 224, 224, 3]), backbone=backbone)
        return checkpoints.shapes_of(tf.global_variables())


def values_of(backbone):
    """{name: array} of R-Net on a backbone, filled by the rule of the reference."""
    return {name: filled(name, shape).astype(np.float32) for name, shape in variables_of(backbone).items()}


def images(count=3):
    return np.random.RandomState(5).uniform(0, 255, [count, 224, 224, 3]).astype(np.float32)


def test_the_default_is_the_published_network():
    assert variables_of(backbones.DEFAULT)['fc-id/weights'] == [1, 1, 2048, 80]


def test_mobilenet_has_the_public_variables():
    shapes = variables_of(backbones.Backbone(backbones.MOBILENET, 0.5))
    assert shapes['MobilenetV1/Conv2d_0/weights'] == [3, 3, 3, 16]
    assert shapes['MobilenetV1/Conv2d_1_depthwise/depthwise_weights'] == [3, 3, 16, 1]
    assert shapes['MobilenetV1/Conv2d_1_depthwise/BatchNorm/moving_variance'] == [16]
    assert shapes['MobilenetV1/Conv2d_13_pointwise/weights'] == [1, 1, 512, 512]
    assert shapes['fc-ex/weights'] == [1, 1, 512, 64]
    trunk = {name: shape for name, shape in shapes.items() if not r_net.is_head(name)}
    assert trunk.pop('MobilenetV1/pooling/depthwise_weights') == [7, 7, 512, 1]
    # TF-Slim's mobilenet_v1_050 has 1,331,592 trained parameters, 513,000 of them the classifier's (512 * 1000 + 1000).
    assert sum(np.prod(shape) for name, shape in trunk.items() if 'moving_' not in name) == 1331592 - 513000


def test_pooling_starts_as_the_mean():
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        pooled = backbones.features_of(tf.constant(images(2)), SMALL).pooled
        session.run(tf.global_variables_initializer())
        last = [t for t in tf.get_default_graph().get_operations() if t.type == 'Relu6'][-1].outputs[0]
        got, maps = session.run([pooled, last])
    np.testing.assert_allclose(got[:, 0, 0], maps.mean((1, 2)), rtol=1e-5)


@pytest.mark.parametrize('backbone', [SMALL, backbones.Backbone(backbones.MOBILENET, 1.0, 224),
                                      backbones.Backbone(input_size=112)])
def test_shapes_of_the_features(backbone):
    with tf.Graph().as_default():
        features = backbones.features_of(tf.zeros([2, 224, 224, 3], tf.uint8), backbone)
    side = backbone.input_size // 8
    channels = int(256 * backbone.width)
    assert features.maps.shape.as_list() == [2, side, side, channels]
    assert features.pooled.shape.as_list() == [2, 1, 1, backbone.features]
    assert backbones.of_variables(variables_of(backbone), backbone.input_size) == backbone


@pytest.mark.parametrize('backbone,message', [
    (backbones.Backbone('vgg'), "backbone: expected resnet_v1_50 or mobilenet_v1, got 'vgg'"),
    (backbones.Backbone(input_size=100), 'input_size: expected 112 or 224, got 100'),
    (backbones.Backbone(width=0.5), r'width: expected 1 \(ResNet-50 has one width\), got 0.5'),
    (SMALL._replace(width=0), 'width: expected more than 0 and at most 4, got 0')])
def test_others_are_refused(backbone, message):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        r_net.R_Net(tf.zeros([1, 224, 224, 3]), backbone=backbone)


def test_a_smaller_input_is_the_mean_of_pixels():
    crops = images(2)
    halves = crops.reshape(2, 112, 2, 112, 2, 3).mean((2, 4))
    with tf.Graph().as_default(), new_session() as session:
        whole = backbones.features_of(tf.constant(crops), SMALL).pooled
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            half = mobilenet_v1.mobilenet_v1(tf.constant(halves), 0.25, None, 0.9)[1]
        session.run(tf.global_variables_initializer())
        got, expected = session.run([whole, half])
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_a_frozen_graph_equals_its_variables_and_knows_its_backbone():
    values = values_of(SMALL)
    with tf.Graph().as_default(), new_session() as session:
        coeff = r_net.R_Net(tf.constant(images()), backbone=SMALL)
        checkpoints.assign(session, tf.global_variables(), values)
        expected = session.run(coeff)
    known = notes.Notes('a model', 112)
    graph_def = frozen_graph.freeze_r_net(dict(values, **notes.as_values(known)), 'it')
    assert notes.of_graph(graph_def) == known
    with frozen_graph.CoefficientNetwork(graph_def, 'it') as network:
        np.testing.assert_allclose(network(images()), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    assert np.abs(expected).max() > 0.1


def test_notes_survive_a_checkpoint(tmp_path):
    prefix, known = str(tmp_path / 'iter_1.ckpt'), notes.Notes('Gesichtsmodell ä', 112)
    checkpoints.save_checkpoint(prefix, dict(notes.as_values(known), x=np.float32(1)))
    checkpoint = checkpoints.Checkpoint(prefix)
    assert notes.of_values(checkpoint) == known
    assert notes.of_values({}) == notes.Notes()
    notes.check_same(checkpoint, prefix, known)
    for other, what in ((known._replace(face_model='B'), 'face model B, got one for Gesichtsmodell'),
                        (known._replace(input_size=224), 'input size 224, got one for 112')):
        with pytest.raises(checkpoints.CheckpointError, match='iter_1.ckpt: expected a network for the ' + what):
            notes.check_same(checkpoint, prefix, other)
    notes.check_same({'x': np.float32(1)}, 'of an older version', known)


def test_a_network_is_refused_for_another_face_model(open_model):
    notes.check_face_model(notes.Notes(), 'x.pb', open_model)
    notes.check_face_model(notes.Notes(open_model.name), 'x.pb', open_model)
    with pytest.raises(checkpoints.CheckpointError, match='x.pb: expected a network for the face model Open face '
                                                          'model .*, got one for BFM_model_front'):
        notes.check_face_model(notes.Notes('BFM_model_front'), 'x.pb', open_model)


def test_depthwise_and_transposed_convolutions_by_hand():
    random = np.random.RandomState(0)
    x = random.randn(2, 4, 4, 3).astype(np.float32)
    style = layers.Style(layers.BatchNorm(0.9, 0.0))
    with tf.Graph().as_default(), new_session() as session:
        depthwise = layers.depthwise_conv2d(tf.constant(x), layers.Window((3, 3)), 'd', style)
        transposed = layers.conv2d_transpose(tf.constant(x), 5, layers.Window((2, 2), 2), 't', style)
        session.run(tf.global_variables_initializer())
        variables = session.run({v.op.name: v for v in tf.global_variables()})
        got, larger = session.run([depthwise, transposed])
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], 'constant')
    kernel = variables['d/depthwise_weights'][..., 0]
    expected = sum(padded[:, i:i + 4, j:j + 4] * kernel[i, j] for i in range(3) for j in range(3))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    # Windows of 2 and stride 2 do not overlap: each pixel becomes a square of its products with the kernel.
    expected = np.einsum('bhwc,ijcf->bhiwjf', x, variables['t/weights']).reshape(2, 8, 8, 5)
    np.testing.assert_allclose(larger, expected, rtol=1e-4, atol=1e-5)
