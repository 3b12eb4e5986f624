"""From pictures to an augmented set to a scored model: scores are of originals only, and no one can make it leak."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskwright
from maskwright.data.pebbles import make_pebbles
from maskwright.data.splits import read_split
from maskwright.report.sheet import LINE
from maskwright.runs.folder import RunFolder
from maskwright.runs.folds import read_folds
from maskwright.runs.train import TrainResult
from support.program import check_document, run_program

TINY = {
    "model.encoder": "none", "model.weights": "none", "model.size": 32, "training.phases.0.epochs": 1,
    "training.precision": "fp32", "model.decoder_channels": [4, 4, 4, 4], "evaluation.threshold": 0.5,
}  # fmt: skip


def thing(name: str) -> str:
    return name.partition("~")[0]


@pytest.fixture(scope="module")
def augmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty-two pictures, split, and a copy of each that trains, made by the program."""
    folder = tmp_path_factory.mktemp("augmented")
    make_pebbles(folder / "pebbles", 52, size=(32, 48), seed=5)
    made = run_program("augment", folder / "pebbles", "-o", folder / "new", "--copies", 1, "--json", "-q")
    document = check_document(made.stdout, "augment")
    assert made.returncode == 0
    assert document["pictures"] == 52
    assert document["copies"] == document["parts"]["train"]
    return folder / "new"


def test_the_new_set_passes_the_check_without_a_word_about_its_copies(augmented: Path) -> None:
    report = maskwright.check(augmented)

    kinds = {found.kind for found in report.findings}
    assert not kinds & {"duplicate", "near-duplicate", "label-conflict", "split-leak", "group-suggested"}
    assert not report.errors


@pytest.fixture(scope="module")
def trained(augmented: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return maskwright.train(augmented, output=tmp_path_factory.mktemp("trained") / "run", overrides=TINY)


def test_a_training_scores_originals_only(augmented: Path, trained: TrainResult) -> None:
    result, dataset = trained, maskwright.read_dataset(augmented)

    split = read_split(RunFolder(result.run).split, dataset)
    trains = {dataset[int(row)].id for row in split.indices("train")}
    scored = {row["id"] for row in result.scores["pictures"]}
    assert scored == {dataset[int(row)].id for row in split.indices("test")}
    assert not [name for name in scored if "~copy" in name]
    assert not {thing(name) for name in trains} & scored
    assert sum("~copy" in name for name in trains) == len(trains) // 2
    assert (result.run / "curves.svg").exists()
    everything = maskwright.evaluate(result.run, part="all").to_json()
    assert everything["images"] == 52


def test_a_training_that_splits_anew_leaks_nothing_either(augmented: Path, tmp_path: Path) -> None:
    overrides = {**TINY, "data.split": "hash", "data.group": "none", "training.seed": 4}

    result = maskwright.train(augmented, output=tmp_path / "run", overrides=overrides)

    dataset = maskwright.read_dataset(augmented)
    split = read_split(RunFolder(result.run).split, dataset)
    trains = {thing(dataset[int(row)].id) for row in split.indices("train")}
    assert not trains & {row["id"] for row in result.scores["pictures"]}
    assert not [row["id"] for row in result.scores["pictures"] if "~copy" in row["id"]]
    with open(RunFolder(result.run).split, newline="", encoding="utf-8") as file:
        copies = {row["image"]: row["part"] for row in csv.DictReader(file) if "~copy" in row["image"]}
    assert set(copies.values()) == {"train", ""}


def test_folds_train_on_copies_and_score_originals(tmp_path: Path) -> None:
    make_pebbles(tmp_path / "few", 6, size=(32, 48), seed=5)
    maskwright.augment(tmp_path / "few", tmp_path / "new", copies=2)

    result = maskwright.train(tmp_path / "new", output=tmp_path / "run", overrides=TINY, folds=2)

    assert result.scores["images"] == 6
    assert not [row["id"] for row in result.scores["pictures"] if "~copy" in row["id"]]
    assert any("on all 6 pictures and 12 copies of them" in note for note in result.scores["notes"])
    assert [len(rows) for rows in read_folds(RunFolder(result.run), maskwright.read_dataset(tmp_path / "new"))] == [
        3,
        3,
    ]
    assert all((result.run / f"fold-{number}/curves.svg").exists() for number in (1, 2))


def test_a_sheet_of_few_pictures_shows_all_of_them(trained: TrainResult) -> None:
    with Image.open(trained.run / "sheet.png") as sheet:
        pixels = np.asarray(sheet)

    above = [y for y in range(len(pixels)) if (pixels[y, 40:-40] == LINE).all(axis=1).mean() > 0.95]
    assert len(above) == trained.scores["images"] == 5
