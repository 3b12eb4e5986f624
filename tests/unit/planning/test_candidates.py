"""Which set-ups there are to choose from, and which is worth most after the steps that fit."""

import pytest

from maskwright.planning.candidates import CANDIDATES, Candidate, best_first, candidates_for
from maskwright.recipe import Recipe, build_recipe

SMALL, MEDIUM, LARGE = (Candidate(name, "none", None, finer=False, enough=400) for name in ("s", "m", "l"))


def test_the_largest_that_gets_enough_steps_is_best() -> None:
    assert best_first([(SMALL, 1600), (MEDIUM, 800), (LARGE, 400)]) == [2, 1, 0]
    assert best_first([(SMALL, 1600), (MEDIUM, 800), (LARGE, 399)]) == [1, 0, 2]


def test_where_none_gets_enough_the_one_that_comes_nearest_is_best() -> None:
    assert best_first([(SMALL, 300), (MEDIUM, 150), (LARGE, 75)]) == [0, 1, 2]
    assert best_first([(SMALL, 300), (MEDIUM, 300), (LARGE, 0)]) == [0, 1, 2]


def test_names_are_different_and_the_cheapest_comes_first() -> None:
    assert len({one.name for one in CANDIDATES}) == len(CANDIDATES)
    assert CANDIDATES[0].encoder == "mobilenetv2_035" and not CANDIDATES[0].finer


@pytest.mark.parametrize(
    "model", [{"encoder": "resnet18"}, {"weights": "none"}, {"name": "plain_unet"}, {"dropout": 0.1}], ids=str
)
def test_a_stated_network_is_kept(model: dict[str, object]) -> None:
    assert candidates_for(build_recipe({"model": model})) == ()


def test_a_stated_size_leaves_the_network_open_and_a_stated_decoder_the_encoder() -> None:
    assert not any(one.finer for one in candidates_for(build_recipe({"model": {"size": 128}})))
    open_ = candidates_for(build_recipe({"model": {"decoder_channels": [8, 8, 8, 8]}}))
    assert open_ and all(one.decoder_channels is None for one in open_)


def test_the_default_recipe_leaves_all_of_them_open() -> None:
    assert candidates_for(Recipe()) == CANDIDATES
