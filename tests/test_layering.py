"""The arrows of the house: which room may import which. See docs/explanation/architecture.md."""

import ast
from pathlib import Path

import pytest

import spatialdrama

CORE = Path(spatialdrama.__file__).parent
REPOSITORY = CORE.parent

#: room -> the rooms of the core that it may import from. `errors` and `conventions` are open to
#: all; a method that opens a door (Pose.read) imports `io` when it is called, never at the top.
MAY_IMPORT = {
    "errors": set(),
    "conventions": set(),
    "protocols": {"types"},
    "types": {"types"},
    "io": {"types", "io"},
    "dsp": {"types", "dsp"},
    "plot": {"types", "io", "dsp", "plot"},
    "registry": {"registry"},
    "runtime": {"runtime", "registry"},
    "stats": {"stats"},
    "scoring": {"types", "io", "registry", "runtime", "stats", "scoring"},
    "staging": {"types", "io", "runtime", "staging"},
    "pipeline": {"types", "registry"},
    "testing": {"types", "io", "dsp", "registry", "runtime", "pipeline", "testing", "protocols"},
    "cli": {"cli_corpus", "cli_drama", "cli_plugins", "cli_score"},
    "cli_corpus": {"registry", "io", "cli_drama"},
    "cli_score": {"registry", "scoring", "cli_drama"},
    "cli_drama": {"types", "io", "plot", "registry", "runtime", "pipeline", "scoring"},
    "cli_plugins": {"registry", "runtime"},
    "__main__": {"cli"},
    "__init__": set(),
}
#: doors that types open from inside a method: value types must know how to save themselves.
LAZY_DOORS = {("types", "io")}

HEAVY_ROOMS = {
    "torch": {"runtime"},
    "matplotlib": {"plot"},
    "ipywidgets": {"widgets"},
    "anywidget": {"widgets"},
    "sofar": {"io"},
    "pyroomacoustics": set(),
}


def room_of(path: Path) -> str:
    relative = path.relative_to(CORE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path: Path):
    """Yield (module, at the top of the file) for every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set()
    for node in tree.body:
        guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        top |= set() if guarded else set(ast.walk(node)) if not _is_scope(node) else {node}
        if guarded:
            continue
    hidden = {
        inner
        for node in tree.body
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in top
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node)
            names = [f"{base}.{a.name}" for a in node.names] if base == "spatialdrama" else [base]
            for name in names:
                yield name, node in top


def _is_scope(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts[: -node.level]
    return ".".join([*parts, *([node.module] if node.module else [])])


FILES = sorted(CORE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_arrows_point_one_way(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is a new room: say in MAY_IMPORT what it may import"
    for module, at_top in imports(path):
        parts = module.split(".")
        if parts[0].startswith("spatialdrama_"):
            pytest.fail(f"{path} imports the plugin {parts[0]}; ask the registry for it by name")
        if parts[0] != "spatialdrama" or len(parts) < 2:
            continue
        target = parts[1]
        if target in {"errors", "conventions", "__version__", room}:
            continue
        if (room, target) in LAZY_DOORS and not at_top:
            continue
        assert target in MAY_IMPORT[room], f"{path}: {room} must not import {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_heavy_libraries_stay_in_their_rooms(path):
    for module, _ in imports(path):
        top = module.split(".")[0]
        if top in HEAVY_ROOMS:
            assert room_of(path) in HEAVY_ROOMS[top], f"{path} imports {top}"


def test_no_plugin_imports_another():
    for path in sorted((REPOSITORY / "plugins").glob("*/src/*/**/*.py")):
        own = path.relative_to(REPOSITORY / "plugins").parts[2]
        for module, _ in imports_of_plugin(path):
            top = module.split(".")[0]
            assert not top.startswith("spatialdrama_") or top == own, f"{path} imports {top}"


def imports_of_plugin(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, True) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", True


def test_every_room_says_what_lives_there():
    for init in CORE.glob("*/__init__.py"):
        doc = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
        assert len(doc) > 80, f"{init} must say in a paragraph what lives there and what may not"


def test_files_stay_readable():
    for path in [*FILES, *(REPOSITORY / "plugins").glob("*/src/**/*.py")]:
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= 600, f"{path} has {lines} lines; split it"
