"""The recipes of the write-ups: their pages are up to date, and what a page tells the reader to run runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import maskwright
from maskwright.runs.folder import read_json
from maskwright.runs.recipes import load_recipe, recipe_names
from support.picture_folders import disc, make_set

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "recipes"
OURS = ("default", "demo")
RECIPES = [name for name in recipe_names() if name not in OURS]


def commands(name: str) -> list[list[str]]:
    """The commands that a recipe's page shows, in order."""
    blocks = re.findall(r"```console\n(.*?)```", (PAGES / f"{name}.md").read_text(), re.DOTALL)
    return [shlex.split(line.removeprefix("$ ")) for block in blocks for line in block.splitlines()]


def three_classes(seed: int, size: tuple[int, int]) -> np.ndarray:
    return np.maximum(disc(seed, size, value=1), disc(seed + 99, size, value=2))


def small(name: str) -> list[str]:
    """Settings with which a recipe ends within seconds: an epoch a phase on small pictures, nothing fetched."""
    recipe = load_recipe(name)
    epochs = [f"training.phases.{at}.epochs=1" for at in range(len(recipe.training.phases))]
    settings = [*epochs, "model.weights=none", "model.size=32"]
    if recipe.model.name == "plain_unet":
        settings.append("model.filters=4")
    return [f"--set={setting}" for setting in settings]


def test_the_pages_are_what_the_script_writes() -> None:
    done = subprocess.run([sys.executable, str(PAGES / "make_pages.py"), "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


def test_every_recipe_has_a_page_and_a_row() -> None:
    table = (PAGES / "README.md").read_text()
    for name in RECIPES:
        assert f"[{name}]({name}.md)" in table


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_a_set_that_fetch_knows(name: str) -> None:
    wanted = load_recipe(name).needs.fetch
    assert wanted is None or wanted in {entry.name for entry in maskwright.public_sets()}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_as_its_page_says(name: str, tmp_path: Path) -> None:
    needs = load_recipe(name).needs
    draw = three_classes if needs.classes == 3 else disc
    make_set(tmp_path / "pictures", max(100, needs.pictures), draw=draw, size=(48, 64))
    told = commands(name)
    assert ["maskwright", "train", "pictures", "--recipe", name, "-o", f"runs/{name}"] in told
    for words in told:
        if words[1] == "fetch":
            assert words == ["maskwright", "fetch", needs.fetch, "-o", "pictures"]
            continue
        done = subprocess.run(
            [sys.executable, "-m", *words, *(small(name) if words[1] == "train" else [])],
            cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    run = tmp_path / "runs" / name
    assert read_json(run / "evaluation.json")["images"] > 0
    assert maskwright.load(run / "model.onnx").description.network == load_recipe(name).model.name
