"""A recipe and data that do not belong together: one sentence says so before anything starts."""

from pathlib import Path

import numpy as np
import pytest

import maskwright
from maskwright.errors import DataError, MaskwrightError
from support.picture_folders import disc, make_set


def three_classes(seed: int, size: tuple[int, int]) -> np.ndarray:
    return np.maximum(disc(seed, size, value=1), disc(seed + 99, size, value=2))


def refusal(data: Path, recipe: str, runs: Path) -> DataError:
    with pytest.raises(DataError) as error:
        maskwright.train(data, recipe=recipe, output=runs)
    assert not runs.exists()
    return error.value


def test_a_folder_that_is_not_there_is_answered_with_the_recipes_own_set(tmp_path: Path) -> None:
    said = refusal(tmp_path / "nothing", "isic-unet", tmp_path / "run")
    assert said.what.startswith("The recipe 'isic-unet' is for ISIC 2016")
    assert "maskwright fetch isic-2016" in said.fix


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    said = refusal(make_set(tmp_path / "few", 5), "duts-unet-scratch", tmp_path / "run")
    assert "needs at least 100 pictures with masks, and there are 5" in said.what
    assert "train without the recipe" in said.fix


def test_masks_of_another_kind_are_refused(tmp_path: Path) -> None:
    said = refusal(make_set(tmp_path / "three", 12, draw=three_classes), "stones-efficientnet-unet", tmp_path / "run")
    assert "is for 2 classes (background included), and these masks hold 3 classes" in said.what


def test_a_folder_that_cannot_be_read_as_the_recipe_says_names_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = refusal(tmp_path / "empty", "carvana-fcn", tmp_path / "run")
    assert said.what.startswith("The recipe 'carvana-fcn' is for Carvana")


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that gets no pretrained weights."""

    def fail(*arguments: object) -> Path:
        raise MaskwrightError("No network: unreachable.", where="https://example.org", fix="connect once")

    monkeypatch.setattr("maskwright.models.weights._fetch", fail)


SHORT = {
    "model.size": 32, "training.phases.0.epochs": 1, "training.precision": "fp32", "model.encoder": "mobilenetv2_035"
}  # fmt: skip


def test_a_frozen_encoder_is_never_left_random_because_weights_cannot_be_had(tmp_path: Path, no_weights: None) -> None:
    frozen = {**SHORT, "training.phases.0.encoder": "frozen"}
    with pytest.raises(MaskwrightError, match="No network"):
        maskwright.train(make_set(tmp_path / "data", 12), output=tmp_path / "run", overrides=frozen, folds=2)


def test_random_weights_that_were_asked_for_and_stay_frozen_are_remarked_on(tmp_path: Path) -> None:
    said: list[str] = []
    frozen = {**SHORT, "training.phases.0.encoder": "frozen", "model.weights": "none"}
    maskwright.train(
        make_set(tmp_path / "data", 12), output=tmp_path / "run", overrides=frozen, folds=2,
        progress=lambda step: said.append(step.text),
    )  # fmt: skip
    assert any("the encoder's weights are random, and a phase keeps them as they are" in text for text in said)
