"""What the tests of files share."""
import os

import pytest

from Deep3DFaceReconstruction.doctor import catalogue


@pytest.fixture
def put(tmp_path):
    """Function of a key and the file's bytes (or None) -> the file's path in an empty checkout."""
    def put(key, data=None):
        path = tmp_path / catalogue.BY_KEY[key].place
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is not None:
            path.write_bytes(data)
        return os.path.join(str(tmp_path), catalogue.BY_KEY[key].place)  # with the separator of a folder
    return put
