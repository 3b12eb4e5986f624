"""Recipes as files."""

from pathlib import Path

import pytest

from maskwright.errors import ConfigError
from maskwright.recipe import build_recipe
from maskwright.runs.recipes import RecipeFacts, dump_recipe, list_recipes, load_recipe, recipe_names, with_epochs


def test_every_recipe_that_comes_along_is_valid_and_says_what_it_is_for() -> None:
    assert {"default", "demo"} <= set(recipe_names())
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.task and recipe.source


def test_overrides_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\ntraining:\n  seed: 5\n  batch_size: 4\n")
    recipe = load_recipe(tmp_path / "mine.yaml", {"training.seed": 6})
    assert (recipe.training.seed, recipe.training.batch_size, recipe.training.weight_decay) == (6, 4, 0.01)


def test_a_recipe_survives_writing_and_reading(tmp_path: Path) -> None:
    phases = [{"epochs": 2, "encoder": "frozen"}, {}]
    recipe = build_recipe({"model": {"size": [96, 128]}, "training": {"phases": phases}})
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    assert load_recipe(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize(
    ("text", "words"), [("a: [", "not valid YAML"), ("- a\n- b\n", "holds no table"), ("modell: 1\n", "Did you mean")]
)
def test_a_file_that_is_no_recipe_says_so(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_recipe(tmp_path / "bad.yaml")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as error:
        load_recipe("dmo")
    assert error.value.fix == "did you mean 'demo'?"


@pytest.fixture(scope="module")
def facts() -> dict[str, RecipeFacts]:
    return {recipe.name: recipe for recipe in list_recipes()}


def test_networks_are_counted_as_pytorch_counts(facts: dict[str, RecipeFacts]) -> None:
    assert facts["demo"].parameters == facts["demo"].trainable == 495_297
    assert facts["demo"].count == "pytorch"


@pytest.mark.parametrize(
    ("name", "parameters", "trainable"),
    [
        ("duts-mobilenet-unet", 416_209, 409_025),
        ("pets-mobilenet-pix2pix", 6_504_227, 4_660_323),
        ("carvana-fcn", 2_879_489, 2_879_489),
        ("carvana-unet", 34_550_273, 34_550_273),
        ("stones-efficientnet-unet", 6_251_469, 6_251_469),
    ],
)
def test_the_recipes_of_the_write_ups_have_the_sizes_that_their_sources_state(
    facts: dict[str, RecipeFacts], name: str, parameters: int, trainable: int
) -> None:
    assert (facts[name].parameters, facts[name].trainable) == (parameters, trainable)


def test_all_systems_of_the_write_ups_are_there() -> None:
    assert {
        "duts-mobilenet-unet", "duts-segnet", "duts-unet-scratch", "pets-mobilenet-pix2pix", "carvana-fcn",
        "carvana-unet", "stones-efficientnet-unet", "isic-unet", "isic-segnet-attention",
        "isic-segnet-attention-atrous",
    } <= set(recipe_names())  # fmt: skip


def test_augmentation_from_nothing_sets_only_what_is_stated() -> None:
    found = build_recipe({"augmentation": {"base": "none", "contrast": 0.2}}).augmentation
    assert found.contrast == 0.2
    assert not any(value for key, value in found if key not in ("base", "contrast"))


def test_epochs_are_shared_out_over_the_phases_of_a_recipe() -> None:
    shared = with_epochs(load_recipe("isic-unet"), 17).training.phases
    assert sorted(phase.epochs for phase in shared) == [8, 9]
    assert with_epochs(load_recipe("default"), 5).training.phases[0].epochs == 5
    with pytest.raises(ConfigError, match="has 2 phases, and each needs an epoch"):
        with_epochs(load_recipe("isic-unet"), 1)


def test_another_base_of_augmentation_leaves_only_what_a_recipe_states() -> None:
    for recipe in ("carvana-unet", load_recipe("carvana-unet")):
        found = load_recipe(recipe, {"augmentation.base": "usual"}).augmentation
        assert (found.scale, found.hue_degrees) == (0.2, 8.0)
        assert (found.rotate_degrees, found.contrast) == (3.6, 0.2)


NOTHING = {"flip_horizontal": 0.0, "flip_vertical": 0.0, "rotate_degrees": 0.0, "contrast": 0.0, "quarter_turns": False}
DUTS = {
    "loss": "dice(smooth=1e-15)", "optimizer": "adam", "epsilon": 1e-7, "batch_size": 16, "early_stopping": 10,
    "restore_best": True, "weight_decay": 0, "clip_norm": None, **NOTHING,
}  # fmt: skip
CARVANA = {
    "loss": "dice", "optimizer": "adam", "epsilon": 1e-6, "batch_size": 32, "early_stopping": 2, "restore_best": True,
    "seed": 42, "size": (96, 128), "initialisation": "he", "weight_decay": 0, "clip_norm": None,
    **NOTHING, "flip_horizontal": 0.5, "rotate_degrees": 3.6, "contrast": 0.2,
}  # fmt: skip
ISIC = {"loss": "bce", "optimizer": "adam", "encoder": "mobilenetv2_100", "weights": "keras", **NOTHING}
SETTINGS = {
    "duts-mobilenet-unet": {**DUTS, "size": 256, "encoder": "mobilenetv2_035", "weights": "keras"},
    "duts-segnet": {**DUTS, "size": 256},
    "duts-unet-scratch": {**DUTS, "size": 128},
    "pets-mobilenet-pix2pix": {
        "loss": "cross_entropy", "size": 128, "encoder": "mobilenetv2_100", "weights": "keras", "batch_size": 64
    },
    "carvana-fcn": CARVANA,
    "carvana-unet": {**CARVANA, "dropout": 0.3},
    "stones-efficientnet-unet": {
        "loss": "dice+bce", "optimizer": "adam", "encoder": "efficientnet-b0", "quarter_turns": True,
        "flip_vertical": 0.5,
    },
    "isic-unet": ISIC,
    "isic-segnet-attention": {**ISIC, "attention": "gate"},
    "isic-segnet-attention-atrous": {**ISIC, "attention": "gate", "atrous": (1, 2)},
}  # fmt: skip
PHASES = {
    # epochs, encoder, rate, rate of the encoder, schedule
    "duts-mobilenet-unet": [(15, "frozen", 1e-4, None, "plateau"), (15, "trained", 1e-4, 1e-4, "plateau")],
    "duts-segnet": [(15, "trained", 1e-4, 1e-4, "plateau")],
    "duts-unet-scratch": [(15, "trained", 1e-4, None, "plateau")],
    "pets-mobilenet-pix2pix": [(20, "frozen", 1e-3, None, "constant")],
    "carvana-fcn": [(20, "trained", 1e-4, None, "constant")],
    "carvana-unet": [(20, "trained", 1e-4, None, "constant")],
    "stones-efficientnet-unet": [("auto", "trained", 1e-3, 1e-3, "constant")],
    "isic-unet": [(100, "frozen", 1e-3, None, "constant"), (100, "trained", 1e-4, 1e-6, "constant")],
}
PHASES["isic-segnet-attention"] = PHASES["isic-segnet-attention-atrous"] = PHASES["isic-unet"]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_recipe_trains_with_the_settings_of_its_source(name: str) -> None:
    recipe = load_recipe(name)
    said = {**dict(recipe.model), **dict(recipe.augmentation), **dict(recipe.training), "loss": recipe.loss}
    assert {key: said[key] for key in SETTINGS[name]} == SETTINGS[name]
    phases = recipe.training.phases
    found = [(p.epochs, p.encoder, p.learning_rate, p.encoder_learning_rate, p.schedule) for p in phases]
    assert found == PHASES[name]
    assert all(phase.warmup == 0 for phase in phases)
    assert all((p.plateau_factor, p.plateau_patience) == (0.1, 4) for p in phases if p.schedule == "plateau")
