"""Options become a recipe's keys; what cannot be read is named with an example."""

from pathlib import Path
from typing import Any

import pytest
import typer

from maskwright.cli.options import data_options, description_file, parse_setting, parse_size, recipe_overrides
from maskwright.errors import ConfigError
from maskwright.recipe import build_recipe, merge


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("a.b=3", 3),
        ("a.b=3.5", 3.5),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b=[0.5, x]", [0.5, "x"]),
        ("a.b=true", True),
        ("a.b=null", None),
        ("a.b=none", "none"),
        ("a.b=", None),
        ("a.b=x=y", "x=y"),
        ("a.b='8'", "8"),
    ],
)
def test_values_are_yaml(setting: str, value: Any) -> None:
    assert parse_setting(setting) == ("a.b", value)


@pytest.mark.parametrize("setting", ["training.seed", "=3", " =3"])
def test_a_setting_without_key_or_value_is_wrong_usage(setting: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not KEY=VALUE, such as training.batch_size=8"):
        parse_setting(setting)


def test_a_value_that_is_no_yaml_is_wrong_usage() -> None:
    with pytest.raises(typer.BadParameter, match=r"'\[1, 2' is no YAML value"):
        parse_setting("model.size=[1, 2")


def test_a_number_that_yaml_takes_for_text_reaches_the_recipe_as_a_number() -> None:
    key, value = parse_setting("training.weight_decay=1e-4")
    assert build_recipe(merge({}, {key: value})).training.weight_decay == 1e-4


def test_set_wins_over_named_options_and_unstated_ones_are_left_out() -> None:
    stated = {"model.encoder": "resnet18", "training.seed": 1, "model.mode": None}
    merged = recipe_overrides(["training.seed=2"], stated)
    assert merged == {"model.encoder": "resnet18", "training.seed": 2}


@pytest.mark.parametrize(
    ("text", "size"), [("192", 192), ("192x256", [192, 256]), ("192X256", [192, 256]), (None, None)]
)
def test_sizes(text: str | None, size: Any) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["big", "192x", "1x2x3", "-5", "19.2"])
def test_a_size_that_is_none_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="neither a number nor HEIGHTxWIDTH, such as 192x256"):
        parse_size(text)


def test_class_names_are_separated_by_commas() -> None:
    assert data_options(classes="background, lesion").classes == ("background", "lesion")


def test_an_unknown_encoding_names_the_ones_there_are() -> None:
    with pytest.raises(ConfigError, match="'encoding': input should be 'index', 'binary'"):
        data_options(encoding="rgb")


def test_a_folder_and_a_manifest_are_described_beside_their_pictures(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").touch()
    assert description_file(tmp_path) == description_file(tmp_path / "pairs.csv") == tmp_path / "dataset.yaml"


def test_an_archive_has_no_place_for_a_description(tmp_path: Path) -> None:
    (tmp_path / "data.zip").touch()
    with pytest.raises(ConfigError, match="cannot be written into an archive") as caught:
        description_file(tmp_path / "data.zip")
    assert caught.value.fix == "unpack it and check the folder with --write"
