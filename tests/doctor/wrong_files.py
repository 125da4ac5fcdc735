"""The doctor's verdict on a file, and a wrong file that people put in."""
from Deep3DFaceReconstruction.doctor import asset_checks, catalogue, child_checks

WEB_PAGE = b'<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head></html>'


def verdict(key, path):
    """As the doctor comes to it: what is visible, else what is inside."""
    return asset_checks.visible(path, catalogue.BY_KEY[key].kind) or child_checks.check(key, path)
