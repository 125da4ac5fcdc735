"""Files in the wrong place, and what to do with each."""
import os
import zipfile

import pytest

from Deep3DFaceReconstruction.doctor import catalogue, stray_files


@pytest.mark.parametrize('path, data, found, advice', [
    ('BFM/model2017-1_bfm_nomouth.h5', b'\x89HDF\r\n\x1a\n', 'the Basel Face Model 2017 (HDF5), not that of 2009',
     'This program reads the Basel Face Model of 2009 alone'),
    ('BFM/model.h5', b'\x89HDF\r\n\x1a\n', 'an HDF5 file (.h5), which is what BFM 2017 and BFM 2019 come as',
     'of 2009 alone'),
    ('BFM/CoarseData.zip', b'PK\x03\x04', 'a damaged zip archive: fetch it again, then unpack it',
     'Exp_Pca.bin goes to BFM/Exp_Pca.bin'),
    ('BFM/BaselFaceModel.tgz', b'\x1f\x8b', 'a gzip archive (.gz): unpack it', '01_MorphableModel.mat goes to BFM/'),
    ('weights/resnet_v1_50_2016_08_28.tar.gz', b'\x1f\x8b', 'a gzip archive (.gz): unpack it',
     'resnet_v1_50.ckpt goes to weights/resnet/resnet_v1_50.ckpt'),
    ('weights/id_net/20170512-110547.zip', b'PK\x03\x04', 'a damaged zip archive', 'goes to weights/id_net/'),
    ('network/epoch_20.pth', b'PK\x03\x04', 'a damaged zip archive', 'No program here reads it'),
    ('network/FaceReconModel.pb.crdownload', b'x', 'a download that was not finished', 'Fetch it again'),
    ('BFM/FaceReconModel.pb', b'x', 'this looks like FaceReconModel.pb, but nothing looks for it here',
     'mkdir -p network && mv BFM/FaceReconModel.pb network/FaceReconModel.pb'),
    ('BFM/PublicMM1/01_MorphableModel.mat', b'x', 'this looks like 01_MorphableModel.mat',
     'mv BFM/PublicMM1/01_MorphableModel.mat BFM/01_MorphableModel.mat'),
    ('BFM/exp_pca (1).bin', b'x', 'this looks like Exp_Pca.bin', "mv 'BFM/exp_pca (1).bin' BFM/Exp_Pca.bin"),
    ('01_MorphableModel.mat', b'x', 'this looks like 01_MorphableModel.mat', 'mv 01_MorphableModel.mat BFM/'),
    ('weights/resnet_v1_50.ckpt', b'x', 'this looks like resnet_v1_50.ckpt',
     'mkdir -p weights/resnet && mv weights/resnet_v1_50.ckpt weights/resnet/resnet_v1_50.ckpt'),
    ('weights/id_net/20170512-110547/model-20170512-110547.ckpt-250000.index', b'x',
     "FaceNet's checkpoint, but nothing looks for it here", "mv weights/id_net/20170512-110547/* weights/id_net/"),
])
def test_stray_files(tmp_path, path, data, found, advice):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    stray, = stray_files.find(str(tmp_path))
    assert stray.path == path and found in stray.found and advice in stray.advice


def test_a_zip_tells_what_is_in_it(tmp_path):
    (tmp_path / 'BFM').mkdir()
    with zipfile.ZipFile(str(tmp_path / 'BFM' / 'download.zip'), 'w') as archive:
        archive.writestr('Coarse_Dataset/Exp_Pca.bin', b'x')
    stray, = stray_files.find(str(tmp_path))
    assert stray.found == 'a zip archive: unpack it'
    assert stray.advice == 'Unpack it: Exp_Pca.bin goes to BFM/Exp_Pca.bin.'


def test_files_in_their_places_are_not_stray(tmp_path):
    for item in catalogue.ITEMS:
        if item.place and not item.place.endswith(os.sep):
            path = tmp_path / item.place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b'x')
    (tmp_path / 'BFM' / 'old').mkdir()
    (tmp_path / 'BFM' / 'old' / 'Exp_Pca.bin').write_bytes(b'x')  # a second one does no harm
    (tmp_path / 'BFM' / 'README.md').write_bytes(b'x')
    (tmp_path / 'BFM' / '.Exp_Pca.bin.zip').write_bytes(b'x')
    (tmp_path / 'BFM' / 'CoarseData.zip').write_bytes(b'x')  # unpacked already
    (tmp_path / 'BFM' / 'model2017-1_bfm_nomouth.h5').write_bytes(b'x')  # beside that of 2009
    assert stray_files.find(str(tmp_path), right={'exp_pca', 'bfm09'}) == []
    assert len(stray_files.find(str(tmp_path))) == 2  # what they would give is wrong itself
    assert stray_files.find(str(tmp_path / 'nowhere')) == []
