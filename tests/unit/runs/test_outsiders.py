"""For every picture a model that has not seen it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskwright
from maskwright.data.dataset import Dataset
from maskwright.data.splits import split_dataset, write_split
from maskwright.errors import DataError
from maskwright.progress import ignore
from maskwright.recipe import Recipe, build_recipe
from maskwright.runs import outsiders
from maskwright.runs.folder import RunFolder
from maskwright.runs.folds import make_folds
from maskwright.runs.outsiders import Outsider, find_outsiders
from support.picture_folders import make_set

RECIPE = build_recipe({"model": {"encoder": "none", "weights": "none"}})
COUNT = 30


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return maskwright.read_dataset(make_set(tmp_path / "data", COUNT))


def finished(path: Path, recipe: Recipe = RECIPE, **record: Any) -> RunFolder:
    run = RunFolder(path)
    run.begin(recipe, record)
    run.plan.write_text("{}")
    run.events.add({"event": "finished"})
    return run


def who(dataset: Dataset, run: Path | None, recipe: Recipe = RECIPE) -> tuple[Outsider, ...]:
    return find_outsiders(dataset, run, ignore, recipe=recipe, rows=np.arange(len(dataset)))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Recipe, set[int]]]:
    """In the place of training: what was trained where, and on which rows."""
    done: list[tuple[Path, Recipe, set[int]]] = []

    def train(work: Any, run: RunFolder, rows: Any) -> None:
        done.append((run.path, work.recipe, {int(row) for row in rows}))
        run.path.mkdir(parents=True)
        run.model.write_bytes(b"")

    monkeypatch.setattr(outsiders, "_train_fold", train)
    monkeypatch.setattr(outsiders, "read_plan", lambda run: None)
    return done


def test_folds_of_a_run_are_asked_about_what_they_held_out(dataset: Dataset, tmp_path: Path) -> None:
    run = finished(tmp_path / "run", folds=3)
    make_folds(run, dataset, np.arange(COUNT - 4), 3, seed=0)
    found = who(dataset, run.path)
    assert [one.model for one in found] == [run.fold(number).model for number in (1, 2, 3)] + [run.model]
    assert sorted(int(row) for one in found for row in one.rows) == list(range(COUNT))
    assert set(found[-1].rows) == set(range(COUNT - 4, COUNT))


def test_the_run_s_model_is_asked_about_what_it_did_not_train_on(
    dataset: Dataset, tmp_path: Path, trained: list[tuple[Path, Recipe, set[int]]]
) -> None:
    run = finished(tmp_path / "run", folds=0)
    split = split_dataset(dataset, seed=0)
    write_split(split, dataset, run.split)
    first, *cheap = who(dataset, run.path)
    seen = {int(row) for row in split.indices("train")}
    assert first.model == run.model and set(first.rows) == set(range(COUNT)) - seen
    assert sorted(int(row) for one in cheap for row in one.rows) == sorted(seen)
    for one, (folder, _, rows) in zip(cheap, trained, strict=True):
        assert folder == one.model.parent and folder.is_relative_to(run.path / "suspects")
        assert rows == seen - set(one.rows)


def test_a_second_call_trains_nothing(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trained: list[tuple[Path, Recipe, set[int]]]
) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))
    first = who(dataset, None)
    assert len(trained) == outsiders.FOLDS
    assert [one.model for one in who(dataset, None)] == [one.model for one in first]
    assert len(trained) == outsiders.FOLDS


def test_cheap_folds_are_small_short_and_need_no_validation(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trained: list[tuple[Path, Recipe, set[int]]]
) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))
    phases = [{"epochs": 100, "schedule": "plateau"}, {"epochs": 300}]
    model = {"encoder": "none", "weights": "none", "size": [256, 384]}
    recipe = build_recipe({"model": model, "folds": 9, "training": {"phases": phases, "early_stopping": 3}})
    who(dataset, None, recipe)
    cheap = trained[0][1]
    assert cheap.model.size == (128, 192) and cheap.folds is None and cheap.training.early_stopping is None
    assert [phase.schedule for phase in cheap.training.phases] == ["cosine", "cosine"]
    epochs = [int(phase.epochs) for phase in cheap.training.phases]
    assert sum(epochs) < 200 and epochs[1] == pytest.approx(3 * epochs[0], abs=2)


def test_a_run_that_is_not_finished_is_an_error(dataset: Dataset, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(RECIPE, {"folds": 0})
    run.plan.write_text("{}")
    with pytest.raises(DataError, match="The run is not finished"):
        who(dataset, run.path)
