"""The house of the design: imports point down, rooms of one floor stay apart, torch stays where it belongs."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "maskwright"

FLOORS = (
    ("errors", "progress", "recipe", "files", "download"),
    ("images",),
    ("data", "models", "losses", "metrics", "runtime"),
    ("audit", "planning", "training", "evaluation", "export", "report"),
    ("runs",),
    ("cli", "serve", "cluster", "studio"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
GROUND = FLOORS[0]
TORCH_FREE = ("images", "data", "metrics", "runtime", "audit", "planning", "evaluation", "report", *GROUND)
WITH_TORCH = ("models", "losses", "training", "export")
PICKLES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")

FILES = sorted(SOURCE.rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())


def room(path: Path) -> str:
    """The room that a file stands in: its folder, or itself on the ground floor."""
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(tree: ast.AST, *, at_import_time: bool = False) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of each import; `at_import_time`: only those that run when the file is imported."""
    for node in ast.iter_child_nodes(tree):
        if at_import_time and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)):
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
        yield from imports(node, at_import_time=at_import_time)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_every_file_stands_in_a_room_of_the_house() -> None:
    assert {room(path) for path in FILES} - set(FLOOR) <= {"__init__", "__main__"}


@each_file
def test_imports_point_down_and_never_sideways(path: Path) -> None:
    here = room(path)
    if here.startswith("__"):
        return
    for line, module in imports(parse(path)):
        assert not module.startswith("."), f"line {line}: relative import {module}; write it out"
        if not module.startswith("maskwright."):
            continue
        there = module.split(".")[1]
        down = there == here or FLOOR[there] < FLOOR[here]
        assert down or {here, there} <= set(GROUND), f"line {line}: {here} imports {module}"


@each_file
def test_torch_is_imported_only_where_networks_are(path: Path) -> None:
    here, tree = room(path), parse(path)
    if here in WITH_TORCH:
        return
    found = imports(tree, at_import_time=here == "runs")
    heavy = [(line, module) for line, module in found if module.split(".")[0] in ("torch", "timm", "accelerate")]
    assert heavy == []


@each_file
def test_runs_reach_training_and_export_only_inside_functions(path: Path) -> None:
    if room(path) != "runs":
        return
    rooms = [f"maskwright.{name}" for name in WITH_TORCH]
    early = [(line, module) for line, module in imports(parse(path), at_import_time=True)]
    assert [found for found in early if any(found[1].startswith(name) for name in rooms)] == []


@each_file
def test_only_the_command_line_prints(path: Path) -> None:
    calls = (node for node in ast.walk(parse(path)) if isinstance(node, ast.Call))
    prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert prints == [] or room(path) == "cli"


@each_file
def test_nothing_is_pickled(path: Path) -> None:
    tree = parse(path)
    assert [found for found in imports(tree) if found[1].split(".")[0] in PICKLES] == []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load"]
    assert calls == []
    allowed = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "allow_pickle"]
    assert all(isinstance(value, ast.Constant) and value.value is False for value in allowed)


@each_file
def test_no_except_is_broad(path: Path) -> None:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ExceptHandler):
            kinds = ast.unparse(node.type) if node.type else "BaseException"
            assert not {"Exception", "BaseException"} & set(kinds.strip("()").split(", ")), f"line {node.lineno}"


@each_file
def test_asserts_are_not_used_for_what_a_user_may_get_wrong(path: Path) -> None:
    assert [node.lineno for node in ast.walk(parse(path)) if isinstance(node, ast.Assert)] == []


@each_file
def test_every_file_says_what_it_knows(path: Path) -> None:
    assert path.read_text(encoding="utf-8").strip() == "" or ast.get_docstring(parse(path))


def run_python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)


def test_the_torch_free_rooms_are_imported_with_torch_blocked() -> None:
    files = [path for path in FILES if room(path) in (*TORCH_FREE, "runs", "cli") and path.stem != "__main__"]
    names = [".".join(("maskwright", *path.relative_to(SOURCE).with_suffix("").parts)) for path in files]
    modules = [name.removesuffix(".__init__") for name in names]
    code = f"""
import importlib, sys
for blocked in ("torch", "timm", "segmentation_models_pytorch", "accelerate", "safetensors", "onnx", "h5py"):
    sys.modules[blocked] = None
for name in {modules!r}:
    importlib.import_module(name)
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import maskwright",
        "from maskwright.cli.main import run_command; run_command(['--help'])",
        "from maskwright.cli.main import run_command; run_command(['train', '--help'])",
        "import maskwright; maskwright.MaskwrightError, maskwright.Recipe",
    ],
)
def test_importing_and_asking_for_help_load_nothing_heavy(code: str) -> None:
    heavy = ("torch", "numpy", "scipy", "matplotlib", "onnxruntime", "PIL", "timm", "sklearn")
    done = run_python(f"{code}\nimport sys\nsys.exit(' '.join(m for m in {heavy!r} if m in sys.modules) or 0)")
    assert done.returncode == 0, done.stderr


def test_importing_changes_nothing_outside() -> None:
    code = """
import logging, os, sys, warnings
before = dict(os.environ), list(logging.root.handlers), list(warnings.filters), sys.excepthook
import maskwright
assert before == (dict(os.environ), list(logging.root.handlers), list(warnings.filters), sys.excepthook)
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
