"""Every entry is complete."""
from Deep3DFaceReconstruction.doctor import catalogue


def test_every_entry_says_where_to_get_it():
    for item in catalogue.ITEMS:
        assert item.purpose
        if item.key not in ('python', 'gpu'):
            assert item.without and item.source and item.licence, item
    assert len(catalogue.BY_KEY) == len(catalogue.ITEMS)
