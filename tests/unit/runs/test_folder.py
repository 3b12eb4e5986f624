"""A run's folder: where it stands, and what may go on in it."""

from pathlib import Path

import pytest

from maskwright.errors import ConfigError, DataError
from maskwright.recipe import build_recipe
from maskwright.runs.folder import RunFolder, State, next_folder, open_run, same_training

RECIPE = build_recipe({"training": {"seed": 3}})
RECORD = {"data": "d", "fingerprint": "f", "minutes": None, "device": "cpu"}


def _begun(path: Path) -> RunFolder:
    run = RunFolder(path)
    run.begin(RECIPE, RECORD)
    run.plan.write_text("{}")
    return run


def test_a_run_is_new_until_it_has_a_plan_and_finished_when_its_diary_says_so(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    assert run.state() is State.NEW
    run.begin(RECIPE, RECORD)
    assert run.state() is State.NEW
    run.plan.write_text("{}")
    assert run.state() is State.UNFINISHED
    run.events.add({"event": "finished"})
    assert run.state() is State.FINISHED


def test_the_recipe_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert _begun(tmp_path / "run").read_recipe() == RECIPE


def test_another_recipe_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    run = _begun(tmp_path / "run")
    same_training(run, RECIPE, RECORD)
    with pytest.raises(ConfigError, match="training.seed is 3 there and 4 here"):
        same_training(run, build_recipe({"training": {"seed": 4}}), RECORD)


@pytest.mark.parametrize(("key", "words"), [("fingerprint", "pictures or masks"), ("minutes", "--minutes")])
def test_other_data_or_options_are_refused(tmp_path: Path, key: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        same_training(_begun(tmp_path / "run"), RECIPE, {**RECORD, key: "other"})


def test_a_failed_start_is_taken_away_and_strange_files_are_not(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(RECIPE, RECORD)
    run.discard()
    assert not run.path.exists()
    run.begin(RECIPE, RECORD)
    (run.path / "notes.txt").write_text("mine")
    run.discard()
    assert [entry.name for entry in run.path.iterdir()] == ["notes.txt"]


def test_a_folder_without_a_run_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such run"):
        open_run(tmp_path / "missing")
    with pytest.raises(DataError, match="holds no run"):
        open_run(tmp_path)


def test_runs_are_numbered(tmp_path: Path) -> None:
    assert next_folder("cars", tmp_path).name == "cars-1"
    (tmp_path / "cars-1").mkdir()
    assert next_folder("cars", tmp_path).name == "cars-2"
