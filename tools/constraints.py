"""Prints what this Python has installed as constraints for pip, so that none of it is replaced or shadowed.

    PYTHON tools/constraints.py >constraints.txt

`make TF=system` runs it with the Python that brings its own TensorFlow. Needs nothing but Python itself.
"""
import re

# Installers, which nothing imports at run time and which may have to be newer.
_FREE = ('pip', 'setuptools', 'wheel')


def installed():
    """The distributions that this Python finds: {name: version}; of two of one name, the one that is imported."""
    try:
        from importlib.metadata import distributions
        pairs = [(found.metadata['Name'], found.version) for found in distributions()]
    except ImportError:  # Python 3.7
        import pkg_resources
        pairs = [(found.project_name, found.version) for found in pkg_resources.working_set]
    versions = {}
    for name, version in pairs:
        if name and version:
            versions.setdefault(re.sub(r'[-_.]+', '-', name).lower(), version)
    return versions


def constraints(versions):
    """Lines for pip --constraint: `name==version` for each of {name: version}, sorted."""
    return ['%s==%s' % (name, version) for name, version in sorted(versions.items())
            if name not in _FREE and re.match(r'[0-9][0-9A-Za-z.!+_-]*$', version)]


if __name__ == '__main__':
    print('\n'.join(constraints(installed())))
