"""Networks of candidates: weights that cannot be had lead to the next best, and at last to random ones."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.errors import ConfigError, MaskwrightError
from maskwright.models.build import NetworkFacts
from maskwright.models.keras_weights import keras_file_name
from maskwright.planning.candidates import Candidate
from maskwright.progress import Step
from maskwright.recipe import Recipe
from maskwright.runs import choosing
from maskwright.runs.choosing import choose_candidate, choose_unloaded, usual_weights, weights_at_hand
from maskwright.runs.networks import usual_decoder, with_decoder
from maskwright.runs.work import Work

LARGE = Candidate("large", "mobilenetv2_100", None, finer=False)
SMALL = Candidate("small", "mobilenetv2_035", (8, 8, 8, 8), finer=False)
FACTS = NetworkFacts("unet", "", "", "same", "", (0.5,) * 3, (0.5,) * 3, "")


@pytest.fixture
def told() -> list[Step]:
    return []


@pytest.fixture
def work(tmp_path: Path, told: list[Step]) -> Work:
    make_pebbles(tmp_path / "data", 4, size=(32, 32), seed=0)
    return Work(read_dataset(tmp_path / "data"), Recipe(), "cpu", 5.0, told.append)


def _only(*there: tuple[str, str]) -> Any:
    """A `build` that has these (encoder, weights) alone."""

    def build(work: Work, encoder: str, weights: str, **_: Any) -> tuple[nn.Module, NetworkFacts]:
        if (encoder, weights) not in there:
            raise MaskwrightError("They cannot be fetched.", fix="connect to the network")
        return nn.Identity(), FACTS

    return build


def test_the_best_is_taken_where_its_weights_are_there(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "build", _only(("mobilenetv2_100", "keras"), ("mobilenetv2_035", "keras")))
    choice, taken = choose_candidate(work, [LARGE, SMALL])
    assert taken is LARGE and (choice.encoder, choice.weights) == ("mobilenetv2_100", "keras")


def test_the_next_best_is_taken_where_the_best_one_s_weights_cannot_be_had(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "build", _only(("mobilenetv2_035", "keras")))
    choice, taken = choose_candidate(work, [LARGE, SMALL])
    assert taken is SMALL and choice.decoder_channels == (8, 8, 8, 8)


def test_without_any_weights_the_last_one_is_trained_from_scratch_and_it_is_said(
    work: Work, told: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "build", _only(("mobilenetv2_035", "none")))
    choice, taken = choose_candidate(work, [LARGE, SMALL])
    assert taken is SMALL and choice.weights == "none"
    assert "trained from scratch" in choice.why and "no pretrained weights" in told[-1].text


def test_a_fault_of_the_recipe_is_not_taken_for_missing_weights(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConfigError("No.")

    monkeypatch.setattr(choosing, "build", refuse)
    with pytest.raises(ConfigError):
        choose_candidate(work, [LARGE, SMALL])


def test_weights_are_at_hand_when_they_lie_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))
    assert weights_at_hand("mobilenetv2_035", "none")
    assert not weights_at_hand("mobilenetv2_035", "keras")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / keras_file_name("mobilenetv2_035")).write_bytes(b"")
    assert weights_at_hand("mobilenetv2_035", "keras")


def test_the_usual_weights_are_keras_s_where_keras_has_the_encoder() -> None:
    found = [usual_weights(name) for name in ("mobilenetv2_035", "resnet18", "none")]
    assert found == ["keras", "imagenet", "none"]


def test_a_candidate_s_decoder_takes_the_recipe_s_place() -> None:
    assert with_decoder(Recipe(), (4, 3, 2, 1)).model.decoder_channels == (4, 3, 2, 1)
    assert with_decoder(Recipe(), None) == Recipe()


@pytest.mark.parametrize("changes, expected", [
    ({}, (64, 32, 24, 16)), ({"decoder_channels": (9, 8, 7, 6)}, None), ({"encoder_depth": 4}, None),
    ({"name": "unetplusplus"}, None),
])  # fmt: skip
def test_the_small_encoder_stands_with_a_narrow_decoder_unless_another_is_stated(
    changes: dict[str, Any], expected: tuple[int, ...] | None
) -> None:
    assert usual_decoder(Recipe().model.model_copy(update=changes), "mobilenetv2_035") == expected


def test_other_encoders_stand_with_the_network_s_own_decoder() -> None:
    assert usual_decoder(Recipe().model, "resnet50") is None


def test_a_plan_notes_the_decoder_that_auto_became(work: Work) -> None:
    choice = choose_unloaded(work)
    assert choice.decoder_channels == (64, 32, 24, 16)
    widths = [block.conv2[0].out_channels for block in choice.network.decoder.blocks]  # type: ignore[union-attr, index]
    assert widths == [64, 32, 24, 16]
