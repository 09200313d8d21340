"""The house: floors import downwards only, read from the source."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import fetchlab

ROOT = Path(fetchlab.__file__).parent
ORDER = [
    {"patterns", "shape", "wire_memory"},
    {"redaction"},
    {"errors"},
    {"httpx_bridge"},
    {"model"},
    {"policy"},
    {"loop"},
    {"transport"},
    {"store"},
    {"frame", "reference"},
    {"plot"},
    {"engine"},
    {"studies"},
    {"bench"},
    {"cluster"},
    {"notebook"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(ORDER) for room in rooms}
TESTBED_GUESTS = {"", "cli", "bench", "notebook", "__main__"}
FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    """Name the room of a file: its first folder or its own name, empty for the facade."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


ROOMS = {room_of(path) for path in FILES}


@cache
def modules(path: Path) -> set[str]:
    """Return every module that a file imports, lazily too; what only a type checker reads is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    package = ["fetchlab", *path.relative_to(ROOT).parent.parts]
    found = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(part for part in (base, node.module) if part)
            found |= {f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def rooms(path: Path) -> set[str]:
    """Return the rooms of ours that a file imports."""
    parts = [module.split(".") for module in modules(path)]
    return {part[1] for part in parts if part[0] == "fetchlab" and len(part) > 1 and part[1] in ROOMS}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_room_has_a_floor():
    """A new room must be given its place before it is used."""
    assert ROOMS - {"", "testbed"} <= set(FLOOR)


def test_floors_import_downwards_only():
    """An import upwards is the beginning of a knot."""
    wrong = {}
    for path in FILES:
        room = room_of(path)
        if room in {"", "testbed"}:
            continue
        above = {other for other in rooms(path) - {room, "testbed"} if FLOOR[other] >= FLOOR[room]}
        if above:
            wrong[name(path)] = above
    assert not wrong


def test_the_testbed_is_a_separate_building():
    """It imports nothing but errors; and only those who offer it import it."""
    guests = {name(path): room_of(path) for path in FILES if "testbed" in rooms(path)}
    assert set(guests.values()) <= TESTBED_GUESTS | {"testbed"}, guests
    wanted = {name(path): rooms(path) for path in FILES if room_of(path) == "testbed"}
    assert set().union(*wanted.values()) <= {"testbed", "errors"}, wanted


def test_httpx_is_imported_in_one_place():
    """It costs more than the whole of fetchlab, and is frozen: one door, easily exchanged."""
    importers = {name(path) for path in FILES if any(m.split(".")[0] == "httpx" for m in modules(path))}
    assert importers == {"httpx_bridge.py"}


def test_playwright_is_imported_in_one_place():
    """A browser is started by one hand, with one set of arguments, or it is left running."""
    importers = {name(path) for path in FILES if any(m.split(".")[0] == "playwright" for m in modules(path))}
    assert importers == {"transport/chromium.py"}


def test_the_reader_sees_lazy_and_relative_imports(tmp_path):
    """The test itself must not be blind."""
    probe = ROOT / "engine" / "probe.py"
    source = "def f():\n    from fetchlab import studies\n    from ..plot import theme\n    import httpx\n"

    class Probe(type(probe)):
        def read_text(self, encoding=None):
            return source

    assert modules(Probe(probe)) == {"fetchlab.studies", "fetchlab.plot.theme", "httpx"}
