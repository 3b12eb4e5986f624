"""A virtual environment with the core dependencies alone, as `pip install maskwright` makes it: no torch anywhere.

It is put together from links to the packages installed here, so that no test needs the network.
"""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskwright
from support.program import check_document, run_program

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows"),
]

SOURCE = Path(maskwright.__file__).parents[1]
ABSENT = ("torch", "timm", "segmentation_models_pytorch", "accelerate", "safetensors", "onnx", "openvino")


def core_distributions() -> set[str]:
    """Names of what maskwright needs without extras, and of what that needs in turn."""
    waiting, found = ["maskwright"], set()
    while waiting:
        name = waiting.pop()
        for line in metadata.requires(name) or ():
            requirement, _, marker = line.partition(";")
            needed = re.split(r"[ \[<>=!~(]", requirement.strip())[0].lower().replace("_", "-")
            if "extra" in marker or needed in found or not is_installed(needed):
                continue
            found.add(needed)
            waiting.append(needed)
    return found


def is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False  # for another platform or Python
    return True


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment without torch."""
    folder = tmp_path_factory.mktemp("core") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    for name in core_distributions():
        distribution = metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(sysconfig.get_path("purelib")) / top)
    (packages / "maskwright.pth").write_text(f"{SOURCE}\n")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder and, beside it, a run made here, with torch."""
    folder = tmp_path_factory.mktemp("made")
    maskwright.make_pebbles(folder / "data", 60, size=(72, 96), seed=3)
    tiny = ("--encoder", "none", "--weights", "none", "--size", "64", "--epochs", "1", "--device", "cpu")
    done = run_program("train", folder / "data", "-o", folder / "run", *tiny, "-q")
    assert done.returncode == 0, done.stderr
    return folder


def run(python: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL"))}
    line = [str(python), "-W", "error", "-m", "maskwright", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("module", ABSENT)
def test_the_environment_really_lacks_it(python: Path, module: str) -> None:
    done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, text=True, check=False)
    assert f"No module named '{module}'" in done.stderr


def test_check_evaluate_and_info_run(python: Path, trained: Path) -> None:
    for arguments in (("check", trained / "data"), ("evaluate", trained / "run"), ("info", trained / "run")):
        done = run(python, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        check_document(done.stdout, arguments[0])


def test_predict_gives_the_same_mask_as_with_torch_installed(python: Path, trained: Path, tmp_path: Path) -> None:
    picture = sorted((trained / "data" / "images").iterdir())[0]
    here = run_program("predict", trained / "run", picture, "-o", tmp_path / "here", "--json")
    there = run(python, "predict", trained / "run", picture, "-o", tmp_path / "there", "--json")
    assert there.returncode == 0, there.stderr
    masks = [check_document(done.stdout, "predict")["outputs"][0]["mask"] for done in (here, there)]
    np.testing.assert_array_equal(*[np.asarray(Image.open(mask)) for mask in masks])


def test_masks_made_elsewhere_are_scored_and_compared(python: Path, trained: Path, tmp_path: Path) -> None:
    masks = trained / "data" / "masks"
    for name, truth in (("alone", masks), ("pictures", trained / "data")):
        done = run(python, "evaluate", "--predictions", masks, "--truth", truth, "-o", tmp_path / name, "--json")
        assert done.returncode == 0, done.stderr
        assert check_document(done.stdout, "evaluate")["per_image"]["dice"]["value"] == 1
    done = run(python, "compare", tmp_path / "alone", tmp_path / "pictures", "--html", tmp_path / "c.html", "--json")
    assert done.returncode == 0, done.stderr
    assert "are the same on every picture" in check_document(done.stdout, "compare")["says"][0]


def test_train_says_what_to_install(python: Path, trained: Path, tmp_path: Path) -> None:
    done = run(python, "train", trained / "data", "-o", tmp_path / "run", "-q")
    assert done.returncode == 1
    assert "which is not installed." in done.stderr
    assert "pip install 'maskwright[train]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_and_recipe_keys_need_no_torch(python: Path) -> None:
    assert run(python, "--help").returncode == 0
    assert run(python, "recipes", "--fields").returncode == 0
