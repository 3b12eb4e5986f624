"""A range test on small pebbles: what it writes, what it leaves alone, and that its rate is worth having."""

import json
from pathlib import Path

import pytest
from PIL import Image

import maskwright
from maskwright.errors import ConfigError, DataError
from maskwright.progress import Step
from maskwright.runs.find_rate import RATE, RateResult

TINY = {"model.encoder": "none", "model.weights": "none", "model.size": 32, "training.precision": "fp32"}


@pytest.fixture(scope="module")
def pebbles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pebbles"
    maskwright.make_pebbles(folder, 60, size=(48, 64), seed=3)
    return folder


@pytest.fixture(scope="module")
def found(pebbles: Path, tmp_path_factory: pytest.TempPathFactory) -> RateResult:
    out = tmp_path_factory.mktemp("lr") / "out"
    return maskwright.find_rate(pebbles, output=out, overrides=TINY, device="cpu")


def test_it_writes_a_curve_and_its_numbers_and_no_run(found: RateResult) -> None:
    assert sorted(path.name for path in found.folder.iterdir()) == ["find-lr.json", "find-lr.png"]
    with Image.open(found.curve) as picture:
        picture.verify()
    content = json.loads((found.folder / "find-lr.json").read_text())
    assert content["schema_version"] == 1
    assert len(content["rates"]) == len(content["losses"]) == len(content["untrained"]) == content["steps"]
    assert content["plan"]["size"] == [32, 32]


def test_it_suggests_a_rate_of_the_order_that_trains(found: RateResult) -> None:
    assert found.suggestion is not None
    assert 1e-4 < found.suggestion < 1e-1
    assert found.settings == {RATE: found.suggestion}
    assert found.recipe_rate == 2e-3


def test_test_pictures_are_not_looked_at(pebbles: Path, tmp_path: Path) -> None:
    """With folders as official parts the pictures that are tried are those of train/ alone."""
    for part, names in (("train", range(40)), ("val", range(40, 50)), ("test", range(50, 60))):
        for kind in ("images", "masks"):
            (tmp_path / "set" / part / kind).mkdir(parents=True)
            for number in names:
                source = sorted((pebbles / kind).iterdir())[number]
                (tmp_path / "set" / part / kind / source.name).write_bytes(source.read_bytes())
    steps: list[Step] = []
    maskwright.find_rate(tmp_path / "set", output=tmp_path / "lr", overrides=TINY, device="cpu", progress=steps.append)
    assert {step.total for step in steps if step.stage == "pack"} == {40}


def test_without_an_output_it_takes_the_next_folder_of_lr(
    pebbles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr" / "pebbles-1").mkdir(parents=True)
    assert maskwright.find_rate(pebbles, overrides=TINY, device="cpu").folder == Path("lr/pebbles-2")


def test_a_rate_of_the_encoders_own_keeps_its_share_in_what_is_to_be_set(pebbles: Path, tmp_path: Path) -> None:
    own = {**TINY, "training.phases.0.learning_rate": 1e-3, "training.phases.0.encoder_learning_rate": 1e-4}
    result = maskwright.find_rate(pebbles, output=tmp_path, overrides=own, device="cpu")
    assert result.suggestion is not None
    assert result.settings["training.phases.0.encoder_learning_rate"] == pytest.approx(result.suggestion / 10, rel=0.05)


def test_what_stops_a_training_stops_it_too_and_leaves_nothing_behind(pebbles: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Unknown loss"):
        maskwright.find_rate(pebbles, output=tmp_path / "lr", overrides={**TINY, "loss": "dise"}, device="cpu")
    with pytest.raises(DataError):
        maskwright.find_rate(tmp_path, output=tmp_path / "lr", overrides=TINY, device="cpu")
    assert not (tmp_path / "lr").exists()


def test_a_training_may_follow_in_the_same_folder(pebbles: Path, found: RateResult) -> None:
    result = maskwright.train(
        pebbles, output=found.folder, overrides={**TINY, **found.settings, "training.phases.0.epochs": 1}, device="cpu"
    )
    assert result.model.exists()
    assert (found.folder / "find-lr.png").exists()
