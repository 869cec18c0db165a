"""The walls of the house: imports point down only, and some rooms have no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gamdss"
# Rooms by floor; a room may use its own modules and the rooms of lower floors.
FLOORS = [
    {"errors", "records"},
    {"config", "files"},
    {"reselection", "metrics", "arguments", "features"},
    {"layers", "analysis"},
    {"data", "models", "losses"},
    {"align", "engine", "report", "demo"},
    {"bench"},
    {"tables"},
    {"commands"},
    {"cli"},
    {"__init__", "__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
WITHOUT_TORCH = {
    "records",
    "errors",
    "config",
    "files",
    "reselection",
    "features",
    "metrics",
    "analysis",
    "report",
    "arguments",
    "align",
}
MODULES = sorted(PACKAGE.rglob("*.py"))
FACADE = "gamdss"  # `from gamdss import __version__` reads the facade's first lines only


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == FACADE:
                names = {alias.name for alias in node.names}
                found |= {f"{FACADE}.{n}" for n in names if n in FLOOR}
            else:
                found.add(node.module or "")
    return found


def test_every_room_has_a_floor():
    assert {room_of(path) for path in MODULES} == set(FLOOR)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    here = room_of(path)
    for module in imports(path):
        if module.split(".")[0] != "gamdss":
            continue
        there = room(module)
        assert there == here or FLOOR[there] < FLOOR[here], f"{here} imports {there}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_torch_where_none_is_needed(path):
    if room_of(path) in WITHOUT_TORCH:
        tops = {module.split(".")[0] for module in imports(path)}
        assert not tops & {"torch", "torchvision", "timm"}


def test_nothing_imports_scripts():
    for path in MODULES:
        tops = {module.split(".")[0] for module in imports(path)}
        assert not tops & {"cas2", "samm", "cas3", "visual", "tests"}


def test_importing_has_no_side_effect_and_light_rooms_stay_light(tmp_path):
    code = (
        "import sys, gamdss.config, gamdss.reselection, gamdss.metrics, gamdss.report\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:gamdss", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_functions_fit_a_screen_and_files_hold_one_idea():
    for path in MODULES:
        text = path.read_text("utf-8")
        assert text.count("\n") <= 300, f"{path} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                first = node.body[0]
                words = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
                start = (first.end_lineno or 0) if words else node.lineno
                assert (node.end_lineno or 0) - start <= 45, f"{path}: {node.name} is too long"
