"""Recipes: strict, frozen, and errors that name the nearest key."""

import pytest

from maskwright.errors import ConfigError
from maskwright.recipe import build_recipe, merge


def test_an_empty_recipe_is_the_default() -> None:
    assert build_recipe({}).name == "default"
    assert build_recipe({"schema_version": 1}) == build_recipe({})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"training": {"batchsize": 4}}, "unknown key 'batchsize' under 'training'. Did you mean 'batch_size'?"),
        ({"training": {"phases": [{"epoch": 3}]}}, "'epoch' under 'training.phases.0'. Did you mean 'epochs'?"),
        ({"modell": {}}, "unknown key 'modell'. Did you mean 'model'?"),
        ({"training": {"seed": -1}}, "'training.seed'"),
        ({"evaluation": {"threshold": 1.5}}, "'evaluation.threshold"),
    ],
)
def test_a_mistake_names_its_key(content: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        build_recipe(content, where="my.yaml")
    assert words in error.value.what
    assert error.value.where == "my.yaml"


def test_overrides_reach_any_depth_and_change_nothing_they_were_given() -> None:
    content = {"training": {"phases": [{"epochs": 3}]}}
    merged = merge(content, {"training.phases.0.epochs": 7, "training.phases.1.encoder": "frozen", "model.size": 96})
    assert merged == {"training": {"phases": [{"epochs": 7}, {"encoder": "frozen"}]}, "model": {"size": 96}}
    assert content == {"training": {"phases": [{"epochs": 3}]}}


def test_an_override_may_begin_a_list() -> None:
    assert merge({}, {"training.phases.0.epochs": 7}) == {"training": {"phases": [{"epochs": 7}]}}


@pytest.mark.parametrize("key", ["name.x", "training.phases.5.epochs", "training.phases.x.epochs"])
def test_an_override_that_leads_nowhere_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="Option"):
        merge({"name": "a", "training": {"phases": [{}]}}, {key: 1})


def test_recipes_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        build_recipe({}).name = "other"  # type: ignore[misc]
