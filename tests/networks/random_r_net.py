"""An R-Net for tests: a random trunk, with heads that give identities of a sensible size and a face near the middle."""
import numpy as np

from Deep3DFaceReconstruction.networks import c_net, checkpoints, r_net
from Deep3DFaceReconstruction.tf1 import tf


def write_r_net(folder, seed=0):
    """Writes FOLDER/iter_1.ckpt; returns its prefix."""
    prefix = str(folder / 'iter_1.ckpt')
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(seed)
        r_net.R_Net(tf.zeros([1, 224, 224, 3]))
        session.run(tf.global_variables_initializer())
        values = session.run({v.op.name: v for v in tf.global_variables()})
    for name in values:
        if name.endswith('/conv3/BatchNorm/gamma'):
            values[name] *= 0.1
    values['resnet_v1_50/conv1/BatchNorm/gamma'] *= 0.01  # of maps about 1 in size, as trained ones are
    random = np.random.RandomState(seed)
    values['fc-id/weights'] = random.randn(*values['fc-id/weights'].shape).astype(np.float32)
    checkpoints.save_checkpoint(prefix, values)
    with tf.Graph().as_default(), tf.Session() as session:
        coeff = c_net.FrozenRNet(prefix).features(random.uniform(0, 255, [2, 224, 224, 3]).astype(np.float32)).coeff
        values['fc-id/weights'] *= np.float32(2 / session.run(coeff)[:, :80].std())
    checkpoints.save_checkpoint(prefix, values)
    return prefix
