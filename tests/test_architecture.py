"""The rules of docs/architecture.md: imports go down, nothing reaches into another module, sizes stay small."""
import ast
import functools
import os
import re
import subprocess
import sys

import pytest

from tests import ROOT

PACKAGE = 'Deep3DFaceReconstruction'
SCRIPTS = ('demo.py', 'train.py', 'preprocess_img.py', 'skin.py', 'synthesize.py', 'evaluate.py', 'video.py',
           'edit.py')
# From the bottom up: a module imports from its own line or from lines above it, never from one below.
LEVELS = (
    ('mesh_renderer',),
    ('errors', 'conventions', 'tf1'),
    ('bounded_steps', 'numpy_decoder', 'graph_function'),
    ('face_decoder', 'losses', 'system'),
    ('photo', 'detection', 'pictures', 'meshes'),
    ('networks', 'face_model'),
    ('surface', 'heads'),
    ('exports', 'fitting'),
    ('demo', 'dataset', 'reconstruction_model'),
    ('set_reconstruction_model', 'supervision'),
    ('training', 'doctor', 'evaluation', 'motion', 'editing'),
    ('video', 'sets'),
    ('scripts', 'tools', 'benchmarks'),
)
RANK = {room: rank for rank, rooms in enumerate(LEVELS) for room in rooms}
# Signatures of the published programs, which people call by position.
PUBLISHED_SIGNATURES = {
    'mesh_renderer', 'phong_shader', 'rasterize', 'rasterize_clip_space', 'render_attributes',
}
# Signals between parts of the program, which never reach the user.
INTERNAL_ERRORS = {'WorkerDiedError', 'InterruptedWaitError'}
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 300, 40, 6


def _python_files():
    for folder in (PACKAGE, 'mesh_renderer', 'tools', 'benchmarks'):
        for parent, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [name for name in folders if name != '__pycache__']
            for name in sorted(names):
                if name.endswith('.py'):
                    yield os.path.relpath(os.path.join(parent, name), ROOT)
    yield from SCRIPTS


FILES = tuple(sorted(_python_files()))


def _module(path):
    """photo/crops.py -> Deep3DFaceReconstruction.photo.crops"""
    name = os.path.splitext(path)[0].replace(os.sep, '.')
    return name[:-len('.__init__')] if name.endswith('.__init__') else name


MODULES = {_module(path): path for path in FILES}


def room_of(module):
    """The room of a module, or the module's own name where it stands at the door."""
    parts = module.split('.')
    if parts[0] == PACKAGE:
        return parts[1] if len(parts) > 1 else 'map'
    if module + '.py' in SCRIPTS:
        return 'scripts'
    return parts[0] if parts[0] in RANK else 'scripts'


@functools.lru_cache(maxsize=None)
def tree_of(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as stream:
        return ast.parse(stream.read())


def imported_by(path):
    """(line, imported module of this repository, imported name or None), wherever in the file the import stands."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                full = '%s.%s' % (node.module, alias.name)
                if full in MODULES:
                    yield node.lineno, full, None
                elif node.module in MODULES:
                    yield node.lineno, node.module, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in MODULES:
                    yield node.lineno, alias.name, None


def test_every_room_has_a_level():
    assert {room_of(module) for module in MODULES} <= set(RANK) | {'map'}


@pytest.mark.parametrize('path', FILES)
def test_imports_go_down(path):
    importer = room_of(_module(path))
    wrong = ['%s:%d imports %s' % (path, line, module) for line, module, _ in imported_by(path)
             if importer != 'map' and room_of(module) not in (importer, 'map')
             and RANK[room_of(module)] > RANK[importer]]
    assert not wrong


def test_nothing_imports_the_map():
    """`Deep3DFaceReconstruction` itself holds only the docstring that says where everything is."""
    importers = [path for path in FILES for _, module, name in imported_by(path) if module == PACKAGE and name]
    assert not importers


def test_no_circles():
    """Depth-first search over all imports, those inside functions included."""
    edges = {module: sorted({imported for _, imported, _ in imported_by(path)} - {module})
             for module, path in MODULES.items()}
    done, circles = set(), []

    def visit(module, way):
        if module in way:
            circles.append(' -> '.join(way[way.index(module):] + [module]))
        elif module not in done:
            for imported in edges[module]:
                visit(imported, way + [module])
            done.add(module)

    for module in sorted(edges):
        visit(module, [])
    assert not circles


@pytest.mark.parametrize('path', FILES)
def test_no_module_reads_another_ones_privates(path):
    tree = tree_of(path)
    aliases = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
               for alias in node.names if '%s.%s' % (node.module, alias.name) in MODULES}
    wrong = ['%s:%d %s' % (path, line, name) for line, _, name in imported_by(path) if name and name.startswith('_')]
    wrong += ['%s:%d %s.%s' % (path, node.lineno, node.value.id, node.attr) for node in ast.walk(tree)
              if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases
              and node.attr.startswith('_') and not node.attr.startswith('__')]
    assert not wrong


def test_photo_builds_no_graph():
    """Reading, finding and aligning faces must not cost TensorFlow's start-up."""
    modules = [module for module in MODULES if module.startswith((PACKAGE + '.photo', PACKAGE + '.detection'))]
    program = 'import sys; sys.path.insert(0, %r)\n%s\nprint("tensorflow" in sys.modules)' % (
        ROOT, '\n'.join('import ' + module for module in modules))
    assert subprocess.check_output([sys.executable, '-c', program], text=True).split() == ['False']
    graph_makers = [path for module, path in MODULES.items() if module in modules
                    for _, imported, _ in imported_by(path) if imported.endswith(('.tf1', '.graph_function'))]
    assert not graph_makers


@pytest.mark.parametrize('path', FILES)
def test_files_and_functions_are_short(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as stream:
        lines = len(stream.readlines())
    wrong = ['%s: %d lines' % (path, lines)] if lines > MAX_FILE_LINES else []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            length = _last_line(node) - _first_line(node) + 1
            if length > MAX_FUNCTION_LINES and node.name not in PUBLISHED_SIGNATURES:
                wrong.append('%s:%d %s: %d lines' % (path, node.lineno, node.name, length))
            parameters = [arg.arg for arg in node.args.args + node.args.kwonlyargs if arg.arg not in ('self', 'cls')]
            if len(parameters) > MAX_PARAMETERS and node.name not in PUBLISHED_SIGNATURES:
                wrong.append('%s:%d %s: %d parameters' % (path, node.lineno, node.name, len(parameters)))
    assert not wrong


def test_test_files_are_short():
    long = []
    for parent, _, names in os.walk(os.path.join(ROOT, 'tests')):
        for path in (os.path.join(parent, name) for name in sorted(names) if name.endswith('.py')):
            with open(path, encoding='utf-8') as stream:
                lines = len(stream.readlines())
            if lines > MAX_FILE_LINES:
                long.append('%s: %d lines' % (os.path.relpath(path, ROOT), lines))
    assert not long


def _first_line(function):
    """Where the code of a function begins: behind its docstring."""
    documented = ast.get_docstring(function) is not None and len(function.body) > 1
    return function.body[1].lineno if documented else function.lineno


def _last_line(node):
    """Python 3.7 does not record where a node ends."""
    return max(getattr(child, 'lineno', 0) for child in ast.walk(node))


@pytest.mark.parametrize('path', FILES)
def test_parsers_live_in_options_or_main(path):
    home = os.path.basename(path) in ('options.py', '__main__.py') or room_of(_module(path)) in (
        'scripts', 'tools', 'benchmarks') or path == 'mesh_renderer/kernels/build.py'
    makes = [node.lineno for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)
             and node.attr == 'ArgumentParser']
    assert home or not makes


@pytest.mark.parametrize('path', [path for path in FILES if path.startswith(PACKAGE)])
def test_errors_are_user_errors(path):
    """An exception class of the program derives, over however many steps, from errors.UserError."""
    from Deep3DFaceReconstruction import errors

    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef) and node.name.endswith('Error') and node.name not in INTERNAL_ERRORS:
            module = __import__(_module(path), fromlist=[node.name])
            assert issubclass(getattr(module, node.name), errors.UserError)


def test_rooms_say_what_enters_and_what_leaves():
    rooms = [path for path in FILES if path.startswith(PACKAGE) and path.endswith('__init__.py')]
    assert len(rooms) > 8
    for path in rooms:
        assert len(ast.get_docstring(tree_of(path)) or '') > 60, path


def test_the_map_names_every_room():
    with open(os.path.join(ROOT, 'docs', 'architecture.md'), encoding='utf-8') as stream:
        text = stream.read()
    rooms = {room_of(module) for module in MODULES if module.startswith(PACKAGE + '.')}
    assert not [room for room in sorted(rooms) if not re.search(r'\b%s\b' % room, text)]
