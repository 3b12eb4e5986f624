"""Whole trainings in small: folds, tiles, several and overlapping classes, 16 bits, official parts."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import maskwright
from maskwright.data.pebbles import make_pebbles
from maskwright.errors import ConfigError, DataError
from maskwright.recipe import DataOptions
from maskwright.runs.folder import RunFolder
from maskwright.runs.folds import read_folds
from maskwright.runs.train import TrainResult

TINY = {
    "model.encoder": "none", "model.weights": "none", "model.size": 64, "training.phases.0.epochs": 1,
    "training.precision": "fp32", "model.decoder_channels": [8, 8, 8, 8],
}  # fmt: skip


def _train(data: Path, run: Path, **changes: Any) -> TrainResult:
    overrides = {**TINY, **{key.replace("__", "."): value for key, value in changes.items()}}
    return maskwright.train(data, output=run, overrides=overrides)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures: too few for a test part."""
    folder = tmp_path_factory.mktemp("few") / "pebbles"
    make_pebbles(folder, 12, size=(64, 96), seed=3)
    return folder


@pytest.fixture(scope="module")
def folded(few: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return _train(few, tmp_path_factory.mktemp("folded") / "run", folds=3)


def test_too_few_pictures_are_folded_and_each_is_scored_once(folded: TrainResult) -> None:
    assert folded.scores["images"] == 12
    assert len({row["id"] for row in folded.scores["pictures"]}) == 12
    assert "each scored by the model of the fold that held it out" in folded.scores["part"]
    assert any("trained on all 12 pictures" in note for note in folded.scores["notes"])
    assert folded.model.exists()


def test_no_fold_has_trained_on_what_it_is_scored_on(folded: TrainResult, few: Path) -> None:
    held_out = read_folds(RunFolder(folded.run), maskwright.read_dataset(few))
    assert sorted(np.concatenate(held_out).tolist()) == list(range(12))
    assert [len(rows) for rows in held_out] == [4, 4, 4]


def test_evaluate_scores_folds_again_with_the_same_result(folded: TrainResult) -> None:
    again = maskwright.evaluate(folded.run)
    assert again.to_json()["per_image"] == folded.scores["per_image"]


def test_folds_that_were_stopped_go_on_with_the_same_folds(few: Path, folded: TrainResult, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(folded.run, run)
    events = (run / "events.jsonl").read_text().splitlines()
    (run / "events.jsonl").write_text("".join(line + "\n" for line in events if '"finished"' not in line))
    (run / "fold-2" / "model.onnx").unlink()
    for name in ("model.onnx", "evaluation.json"):
        (run / name).unlink()
    kept = (run / "split.csv").read_text(), (run / "fold-1" / "model.onnx").stat().st_mtime_ns
    again = _train(few, run, folds=3)
    assert kept == ((run / "split.csv").read_text(), (run / "fold-1" / "model.onnx").stat().st_mtime_ns)
    assert again.scores["per_image"] == folded.scores["per_image"]


def test_a_recipe_that_needs_validation_gets_it_in_each_fold_and_in_the_last_training(tmp_path: Path) -> None:
    make_pebbles(tmp_path / "data", 60, size=(64, 96), seed=3)
    result = _train(tmp_path / "data", tmp_path / "run", training__early_stopping=1, folds=2)
    run = RunFolder(result.run)
    for folder in (run.fold(1), run.fold(2), run):
        assert all(event["score"] is not None for event in folder.events.of_kind("epoch"))
    assert any("of which only chose its best epoch" in note for note in result.scores["notes"])


def test_an_official_test_part_is_in_no_fold(tmp_path: Path) -> None:
    make_pebbles(tmp_path / "data" / "train", 8, size=(64, 96), seed=1)
    make_pebbles(tmp_path / "data" / "test", 4, size=(64, 96), seed=2)
    result = _train(tmp_path / "data", tmp_path / "run", folds=2)
    assert result.scores["images"] == 8
    assert not any("test" in row["id"] for row in result.scores["pictures"])


def test_the_run_s_own_folder_is_scored_on_its_held_out_part_only(tmp_path: Path) -> None:
    make_pebbles(tmp_path / "data", 60, size=(64, 96), seed=5)
    result = _train(tmp_path / "data", tmp_path / "run")
    by_folder = maskwright.evaluate(result.run, tmp_path / "data")
    assert by_folder.images == result.scores["images"] < 12
    assert by_folder.to_json()["per_image"] == result.scores["per_image"]
    with pytest.raises(ConfigError, match="was trained on this data"):
        maskwright.evaluate(result.model, tmp_path / "data")


def test_tiles_and_three_classes(tmp_path: Path) -> None:
    make_pebbles(tmp_path / "data", 10, size=(160, 200), seed=4, classes=3)
    result = _train(tmp_path / "data", tmp_path / "run", model__mode="tile", folds=2)
    description = maskwright.load(result.model).description
    assert (description.mode, description.size, len(description.classes.names)) == ("tile", (64, 64), 3)
    assert "background included" in result.scores["mean_over"]
    prediction = maskwright.load(result.model).predict(next((tmp_path / "data" / "images").iterdir()))
    assert prediction.mask.shape == (160, 200)
    assert prediction.probabilities.shape == (3, 160, 200)


def test_overlapping_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("images", "masks/left", "masks/top"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for number in range(10):
        image = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        left, top = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
        left[:, : 20 + number], top[: 30 - number] = 255, 255
        for folder, array in (("images", image), ("masks/left", left), ("masks/top", top)):
            Image.fromarray(array).save(tmp_path / "data" / folder / f"{number:02}.png")
    result = _train(tmp_path / "data", tmp_path / "run", folds=2)
    prediction = maskwright.load(result.model).predict(tmp_path / "data" / "images" / "00.png")
    assert set(result.scores["per_class"]) == {"left", "top"}
    assert prediction.mask.shape == (64, 64, 2)


def test_sixteen_bits_are_kept_from_the_file_to_the_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for number in range(10):
        mask = np.zeros((64, 64), np.uint8)
        mask[10 : 40 + number, 20:50] = 255
        image = (rng.integers(0, 1500, (64, 64)) + (mask > 0) * 1500).astype(np.uint16)
        Image.fromarray(image).save(tmp_path / "data" / "images" / f"{number:02}.png")
        Image.fromarray(mask).save(tmp_path / "data" / "masks" / f"{number:02}.png")
    result = _train(tmp_path / "data", tmp_path / "run", folds=2)
    description = maskwright.load(result.model).description
    assert (description.dtype, description.bands, description.value_range) == ("uint16", 1, 4095.0)
    brighter = np.full((64, 64, 1), 9000, np.uint16)
    clipped = np.full((64, 64, 1), 4095, np.uint16)
    model = maskwright.load(result.model)
    np.testing.assert_array_equal(model.probabilities(brighter), model.probabilities(clipped))


def test_a_dataset_that_was_read_by_hand_can_be_trained_on_and_scored_again(few: Path, tmp_path: Path) -> None:
    dataset = maskwright.read_dataset(few, DataOptions(classes=("gravel", "pebble")))
    result = maskwright.train(dataset, output=tmp_path / "run", overrides={**TINY, "folds": 2})
    assert maskwright.evaluate(result.run).classes.names == ("gravel", "pebble")
    with pytest.raises(ConfigError, match="has been read already"):
        maskwright.train(dataset, output=tmp_path / "other", overrides={**TINY, "data.masks": "masks"})


def test_a_split_of_an_earlier_run_is_kept_when_pictures_are_added(tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_pebbles(data, 60, size=(64, 96), seed=5)
    first = _train(data, tmp_path / "first")
    before = dict(line.split(",")[::2] for line in (first.run / "split.csv").read_text().splitlines()[1:])
    make_pebbles(tmp_path / "more", 6, size=(64, 96), seed=6)
    for kind in ("images", "masks"):
        for path in (tmp_path / "more" / kind).iterdir():
            shutil.copy(path, data / kind / f"new_{path.name}")
    second = _train(data, tmp_path / "second", data__previous=str(first.run / "split.csv"))
    after = dict(line.split(",")[::2] for line in (second.run / "split.csv").read_text().splitlines()[1:])
    assert len(after) == 66
    assert all(after[image] == part for image, part in before.items())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training__early_stopping": 3}, "early_stopping"),
        ({"training__phases": [{"epochs": 1, "schedule": "plateau"}]}, "plateau"),
        ({"model__scale": 0.5}, "A scale is for tiles"),
        ({"loss": "dise"}, "did you mean 'dice'"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    few: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises((ConfigError, DataError)) as error:
        _train(few, tmp_path / "run", **changes)
    assert words in str(error.value)
    assert not (tmp_path / "run").exists()


def test_minutes_and_epochs_cannot_both_decide(few: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Both minutes and epochs"):
        maskwright.train(few, output=tmp_path / "run", overrides=TINY, minutes=1)
    assert not (tmp_path / "run").exists()
