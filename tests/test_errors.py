"""One line for the user, whatever goes wrong."""
import pytest

from Deep3DFaceReconstruction import errors


def test_everything_a_user_can_put_right_is_a_user_error():
    from Deep3DFaceReconstruction.dataset.sample_files import DataError
    from Deep3DFaceReconstruction.dataset.task_pool import PoolError
    from Deep3DFaceReconstruction.meshes.obj import ObjError
    from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError
    from Deep3DFaceReconstruction.training.cluster import ClusterError

    for kind, base in ((errors.ImageError, errors.InputError), (errors.LandmarkError, errors.InputError),
                       (DataError, errors.InputError), (errors.FaceModelError, errors.AssetError),
                       (ObjError, errors.AssetError), (CheckpointError, errors.AssetError),
                       (ClusterError, errors.UserError), (PoolError, errors.UserError),
                       (errors.TrainingError, errors.UserError), (errors.InputError, errors.UserError),
                       (errors.AssetError, errors.UserError)):
        assert issubclass(kind, base)


@pytest.mark.parametrize('error, reason', [
    (OSError(13, 'Permission denied', '/a/b'), 'Permission denied'),
    (OSError('broken file'), 'broken file'),
    (ValueError('\n first  line \nsecond'), 'first line'),
    (EOFError(), 'EOFError'),
    (ValueError('Graph execution error:\n\nNode:\n/a; No room\n\t [[{{node SaveV2}}]]\nmore'), '/a; No room'),
])
def test_the_reason_is_one_line_without_the_path(error, reason):
    assert errors.one_line(error) == reason


def test_the_message_of_a_script_names_the_file():
    assert errors.message_of(errors.AssetError('a: expected b, got c')) == 'a: expected b, got c'
    with pytest.raises(OSError) as caught:
        open('/no/such/file')
    assert errors.message_of(caught.value) == '/no/such/file: No such file or directory'
    assert errors.message_of(OSError('d: expected e')) == 'd: expected e'
