"""What a fold sets aside to choose its epoch by, and the folds' models as one model file."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import maskwright
from maskwright.data.copies import only_originals, originals
from maskwright.data.dataset import Dataset
from maskwright.data.pebbles import make_pebbles
from maskwright.errors import ConfigError, DataError
from maskwright.export.graph import update_description
from maskwright.files import write_json
from maskwright.planning.facts import Facts, gather_facts
from maskwright.progress import Progress, Step, ignore
from maskwright.recipe import build_recipe
from maskwright.runs import planning
from maskwright.runs.ensemble import deliver_ensemble, ensemble_of
from maskwright.runs.fitting import MIN_VALIDATION, Work, read_facts
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.folds import _set_aside
from maskwright.runs.train import TrainResult
from maskwright.runtime.metadata import read_description
from support.picture_folders import make_set

STOPPING = {"training": {"early_stopping": 2}}


def work(dataset: Dataset, recipe: dict[str, object]) -> Work:
    return Work(dataset, build_recipe(recipe), "cpu", None, ignore)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Thirty pictures, and three copies of each."""
    folder = tmp_path_factory.mktemp("copied")
    make_set(folder / "plain", 30)
    maskwright.augment(folder / "plain", folder / "copied", copies=3)
    return maskwright.read_dataset(folder / "copied")


def test_few_pictures_all_train_however_many_copies_they_have(copied: Dataset) -> None:
    train, val = _set_aside(work(copied, {}), np.arange(len(copied)))
    assert (len(train), len(val)) == (120, 0)


def test_a_recipe_that_needs_validation_gets_originals_and_trains_on_no_copy_of_them(copied: Dataset) -> None:
    train, val = _set_aside(work(copied, STOPPING), np.arange(len(copied)))
    assert len(val) >= MIN_VALIDATION
    assert len(only_originals(copied.columns, val)) == len(val)
    assert not {copied[int(i)].group for i in val} & {copied[int(i)].group for i in train}
    assert len(only_originals(copied.columns, train)) + len(val) == len(originals(copied.columns))


def test_too_few_for_a_recipe_that_needs_validation_is_an_error(copied: Dataset) -> None:
    with pytest.raises(ConfigError, match="A fold of 12 pictures leaves too few for validation"):
        _set_aside(work(copied, STOPPING), originals(copied.columns)[:12])


def test_many_pictures_set_a_tenth_aside(tmp_path: Path) -> None:
    dataset = maskwright.read_dataset(make_set(tmp_path, 100))
    train, val = _set_aside(work(dataset, {}), np.arange(100))
    assert (len(train), len(val)) == (90, 10)


TINY = {
    "model.encoder": "none", "model.weights": "none", "model.size": 64, "training.phases.0.epochs": 1,
    "training.precision": "fp32", "model.decoder_channels": [8, 8, 8, 8],
}  # fmt: skip


def train(data: Path, run: Path) -> TrainResult:
    return maskwright.train(data, output=run, overrides=TINY, folds=2)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures, and a copy of the first one's files under another name."""
    data = tmp_path_factory.mktemp("few") / "pebbles"
    make_pebbles(data, 10, size=(64, 96), seed=3)
    for folder in ("images", "masks"):
        first = sorted((data / folder).iterdir())[0]
        shutil.copy(first, first.with_name(f"again{first.suffix}"))
    return data


@pytest.fixture(scope="module")
def folded(few: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return train(few, tmp_path_factory.mktemp("folded") / "run")


@pytest.fixture
def copy(folded: TrainResult, tmp_path: Path) -> RunFolder:
    """A copy of the run, to be spoilt."""
    return RunFolder(Path(shutil.copytree(folded.run, tmp_path / "run")))


def unfinish(run: RunFolder) -> None:
    lines = run.events.path.read_text().splitlines(keepends=True)
    run.events.path.write_text("".join(line for line in lines if '"finished"' not in line))


def test_the_folds_models_are_one_file_too(folded: TrainResult, few: Path) -> None:
    path = ensemble_of(RunFolder(folded.run))
    assert path is not None
    picture = sorted((few / "images").iterdir())[0]
    assert maskwright.load(path).predict(picture).mask.shape == (64, 96)
    parity = read_json(folded.run / "ensemble-parity.json")
    assert (parity["passed"], parity["pictures"]) == (True, 11)


def test_later_folds_rest_on_the_facts_of_the_first_and_look_at_no_picture_again(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered: list[int] = []

    def count(dataset: Dataset, rows: np.ndarray, progress: Progress) -> Facts:
        gathered.append(len(rows))
        return gather_facts(dataset, rows, progress)

    monkeypatch.setattr(planning, "gather_facts", count)
    run = RunFolder(train(few, tmp_path / "run").run)
    first, second = (read_json(run.fold(number).plan)["facts"] for number in (1, 2))
    assert gathered == [first["pictures"]]
    assert second == {**first, "pictures": 11 - first["pictures"]}  # of eleven; each fold holds the other's out


def test_a_fold_s_plan_without_facts_gives_none(copy: RunFolder) -> None:
    plan = read_json(copy.fold(1).plan)
    assert read_facts(copy.fold(1)) == Facts(**plan["facts"])
    write_json(copy.fold(1).plan, {key: value for key, value in plan.items() if key != "facts"})
    assert read_facts(copy.fold(1)) is None


def test_the_ensemble_says_that_the_scores_are_not_its_own(folded: TrainResult) -> None:
    unscored = "the ensemble itself has not been scored on pictures that it had not seen"
    description = read_description(folded.run / "ensemble.onnx")
    assert unscored in description.scores["part"]
    assert description.scores["per_image"] == folded.scores["per_image"]
    assert any(unscored in note for note in folded.scores["notes"])
    assert description.network.startswith("2 x ")
    assert description.trained["models"] == 2


def test_the_ensemble_scores_other_data_and_refuses_its_own(folded: TrainResult, few: Path, tmp_path: Path) -> None:
    make_pebbles(tmp_path, 4, size=(64, 96), seed=9)
    assert maskwright.evaluate(folded.run / "ensemble.onnx", tmp_path).images == 4
    with pytest.raises(ConfigError, match="was trained on this data"):
        maskwright.evaluate(folded.run / "ensemble.onnx", few)


@pytest.mark.parametrize(("precision", "apart"), [("fp32", 1e-4), ("bf16", 0.05)])
def test_openvino_runs_a_trained_ensemble(folded: TrainResult, few: Path, precision: str, apart: float) -> None:
    pytest.importorskip("openvino")
    picture = sorted((few / "images").iterdir())[0]
    expected = maskwright.load(folded.run / "ensemble.onnx").predict(picture)
    model = maskwright.load(folded.run / "ensemble.onnx", runtime="openvino", precision=precision)
    np.testing.assert_allclose(model.predict(picture).probabilities, expected.probabilities, atol=apart)


def test_a_run_that_was_stopped_between_folds_and_ensemble_goes_on(copy: RunFolder, few: Path) -> None:
    unfinish(copy)
    before = (copy.path / "ensemble.onnx").read_bytes()
    for name in ("ensemble.onnx", "ensemble-parity.json", "model.onnx", "evaluation.json"):
        (copy.path / name).unlink()
    kept = [copy.fold(number).model.stat().st_mtime_ns for number in (1, 2)]
    train(few, copy.path)
    assert (copy.path / "ensemble.onnx").read_bytes() == before
    assert kept == [copy.fold(number).model.stat().st_mtime_ns for number in (1, 2)]


def test_what_the_ensemble_costs_is_told(copy: RunFolder, few: Path) -> None:
    told: list[Step] = []
    worked = replace(work(maskwright.read_dataset(few), {}), progress=told.append)
    deliver_ensemble(worked, copy, [copy.fold(number).model for number in (1, 2)], np.arange(11))
    (line,) = [step.text for step in told if step.text]
    assert line.startswith("all    ensemble.onnx: the 2 folds' models as one file; 2 x the size and time of one, ")


def test_folds_of_another_size_leave_no_ensemble_and_say_so(copy: RunFolder, few: Path) -> None:
    other = copy.fold(2).model
    update_description(other, replace(read_description(other), size=(96, 96)))
    told: list[Step] = []
    worked = replace(work(maskwright.read_dataset(few), {}), progress=told.append)
    ensemble = deliver_ensemble(worked, copy, [copy.fold(1).model, other], np.arange(11))
    assert ensemble.path is None
    assert "size is 64x64 in fold-1/model.onnx and 96x96 in fold-2/model.onnx" in ensemble.note
    assert [step.text for step in told] == [f"note   no ensemble.onnx: {ensemble.note.partition(': ')[2]}"]
    assert not (copy.path / "ensemble.onnx").exists()


def test_a_fold_s_file_that_was_damaged_is_named(copy: RunFolder, few: Path) -> None:
    unfinish(copy)
    copy.fold(2).model.write_bytes(b"no model")
    with pytest.raises(DataError) as error:
        train(few, copy.path)
    assert "fold-2" in str(error.value)


def test_pictures_that_were_kept_together_are_scored_as_one_group(folded: TrainResult) -> None:
    assert (folded.scores["images"], folded.scores["groups"]) == (11, 10)
    group_of = {row["id"]: row["group"] for row in folded.scores["pictures"]}
    assert len(set(group_of.values())) == 10
    assert group_of["again"] in {group for name, group in group_of.items() if name != "again"}
