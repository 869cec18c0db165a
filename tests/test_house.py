"""The layout of the package: imports point down, without cycles; some packages have no torch."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gamdss"
# Packages by layer; a package may use its own modules and those of lower layers.
LAYERS = [
    {"version", "errors", "records"},
    {"checksums"},
    {"files"},
    {"config"},
    {"reselection", "metrics", "features"},
    {"losses", "models", "data"},
    {"training"},
    {"runs"},
    {"align", "synthetic"},
    {"demo", "report"},
    {"experiment", "prediction"},
    {"studies", "tsne"},
    {"cli"},
    {"__init__", "__main__"},
]
LAYER = {package: number for number, packages in enumerate(LAYERS) for package in packages}
WITHOUT_TORCH = {
    "version",
    "records",
    "errors",
    "config",
    "files",
    "checksums",
    "reselection",
    "features",
    "metrics",
    "report",
    "align",
}
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = {
    ".".join(("gamdss", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in MODULES
}


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(path: Path) -> set[str]:
    """Modules that `path` imports; `from package import module` names the module."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in whole if known(name)} or {node.module or ""}
    return found


def known(module: str) -> str | None:
    """The name of the file of a module of this package; None for other names."""
    return next((n for n in (module, f"{module}.__init__") if n in NAMES), None)


def test_every_package_has_a_layer():
    assert {package_of(path) for path in MODULES} == set(LAYER)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    here = package_of(path)
    for module in imports(path):
        if module.split(".")[0] != "gamdss":
            continue
        there = module.split(".")[1] if "." in module else "__init__"
        assert there == here or LAYER[there] < LAYER[here], f"{here} imports {there}"


def test_no_import_cycle():
    graph = {
        name: {known(module) for module in imports(path)} - {None} for name, path in NAMES.items()
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_torch_where_none_is_needed(path):
    if package_of(path) in WITHOUT_TORCH:
        tops = {module.split(".")[0] for module in imports(path)}
        assert not tops & {"torch", "torchvision", "timm"}


def test_nothing_imports_scripts():
    for path in MODULES:
        tops = {module.split(".")[0] for module in imports(path)}
        assert not tops & {"cas2", "samm", "cas3", "visual", "tests"}


@pytest.mark.slow
def test_importing_has_no_side_effect_and_does_not_load_torch(tmp_path):
    code = (
        "import sys\n"
        "import gamdss, gamdss.config.load, gamdss.reselection.spotting\n"
        "import gamdss.metrics.comparison\n"
        "import gamdss.features.flow, gamdss.report.tables, gamdss.cli\n"
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
        assert text.count("\n") <= 400, f"{path} is too long"
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                first = node.body[0]
                words = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
                start = (first.end_lineno or 0) if words else node.lineno
                assert (node.end_lineno or 0) - start <= 45, f"{path}: {node.name} is too long"
