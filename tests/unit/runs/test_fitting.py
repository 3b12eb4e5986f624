"""A training that goes on says what is no longer as it was when it began."""

import time
from pathlib import Path

import numpy as np
import pytest

from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.files import write_json
from maskwright.progress import Step
from maskwright.recipe import Recipe
from maskwright.runs.fitting import make_ready
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.work import Work

ROWS = np.arange(8)


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Work, RunFolder, list[Step]]:
    """A run that has its plan and stopped in the middle."""
    make_pebbles(tmp_path / "data", 8, size=(32, 32), seed=0)
    told: list[Step] = []
    recipe = Recipe()
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"encoder": "none", "weights": "none"})})
    work = Work(read_dataset(tmp_path / "data"), recipe, "cpu", None, told.append, begun=time.monotonic())
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    make_ready(work, run, ROWS, ROWS[:0])
    run.checkpoint.mkdir()
    (run.checkpoint / "state.safetensors").touch()
    return work, run, told


def _notes(told: list[Step]) -> list[str]:
    return [step.text for step in told if step.text and step.text.startswith("note")]


def test_layers_that_are_computed_as_before_are_no_news(begun: tuple[Work, RunFolder, list[Step]]) -> None:
    work, run, told = begun
    told.clear()
    make_ready(work, run, ROWS, ROWS[:0])
    assert not _notes(told)


def test_other_layers_than_at_the_beginning_are_told(
    begun: tuple[Work, RunFolder, list[Step]], monkeypatch: pytest.MonkeyPatch
) -> None:
    work, run, told = begun
    told.clear()
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")
    make_ready(work, run, ROWS, ROWS[:0])
    (note,) = _notes(told)
    assert "otherwise (PyTorch's: MASKWRIGHT_NO_TUNING is set) than when the training began (" in note
    assert "will not end with the very same bits" in note


def test_a_plan_of_a_version_that_did_not_note_its_layers_goes_on(begun: tuple[Work, RunFolder, list[Step]]) -> None:
    work, run, told = begun
    plan = read_json(run.plan)
    del plan["reasons"]["layers"]
    write_json(run.plan, plan)
    told.clear()
    make_ready(work, run, ROWS, ROWS[:0])
    assert not _notes(told)
