"""`maskwright.check`: the size is planned as a training would, and bad pairs are findings."""

from pathlib import Path

import pytest
from PIL import Image

import maskwright
from maskwright.errors import ConfigError
from maskwright.planning.facts import gather_facts
from maskwright.planning.plan import plan_view
from maskwright.recipe import DataOptions
from maskwright.runs.recipes import load_recipe


@pytest.fixture(scope="module")
def pebbles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pebbles"
    maskwright.make_pebbles(folder, 12, size=(72, 96), seed=3)
    return folder


def test_the_size_is_that_of_a_training(pebbles: Path) -> None:
    dataset = maskwright.read_dataset(pebbles)
    view = plan_view(load_recipe(None), gather_facts(dataset, range(len(dataset))))
    planned = maskwright.check(pebbles).planned
    assert (planned["mode"], planned["size"], planned["reasons"]) == (view.mode, list(view.size), view.reasons)


def test_a_recipe_decides_the_size(pebbles: Path) -> None:
    recipe = load_recipe(None, {"model.size": [64, 96]})
    assert maskwright.check(pebbles, recipe=recipe).planned["size"] == [64, 96]


def test_a_recipe_tells_how_the_data_is_read_unless_it_is_stated(pebbles: Path) -> None:
    recipe = load_recipe(None, {"data.classes": ["ground", "stone"]})
    assert maskwright.check(pebbles, recipe=recipe).classes.names == ("ground", "stone")
    stated = DataOptions(classes=("soil", "pebble"))
    assert maskwright.check(pebbles, stated, recipe=recipe).classes.names == ("soil", "pebble")


def test_what_a_recipe_lacks_is_a_note(pebbles: Path) -> None:
    recipe = load_recipe(None, {"needs.pictures": 1000})
    assert any("needs at least 1000 pictures" in note for note in maskwright.check(pebbles, recipe=recipe).notes)


def test_a_recipe_that_there_is_not_is_an_error(pebbles: Path) -> None:
    with pytest.raises(ConfigError, match="There is no recipe 'defualt'"):
        maskwright.check(pebbles, recipe="defualt")


def test_a_broken_mask_is_a_finding_and_the_plan_is_made_without_it(tmp_path: Path) -> None:
    maskwright.make_pebbles(tmp_path, 12, size=(72, 96), seed=3)
    mask = sorted((tmp_path / "masks").iterdir())[0]
    mask.write_bytes(mask.read_bytes()[:40])
    report = maskwright.check(tmp_path)
    assert [found.sample for found in report.errors] == [mask.stem]
    assert report.planned["mode"] == "whole"


def test_nothing_is_planned_where_no_mask_can_be_read(tmp_path: Path) -> None:
    maskwright.make_pebbles(tmp_path, 12, size=(72, 96), seed=3)
    dataset = maskwright.read_dataset(tmp_path)
    for mask in (tmp_path / "masks").iterdir():
        mask.write_bytes(b"no picture")
    report = maskwright.check(dataset)
    assert (len(report.errors), report.planned) == (12, {})


def test_sizes_are_those_after_the_exif_turn(tmp_path: Path) -> None:
    maskwright.make_pebbles(tmp_path, 8, size=(96, 192), seed=3)
    for path in (tmp_path / "images").iterdir():
        exif = Image.Exif()
        exif[0x0112] = 6  # stored lying, to be turned upright
        with Image.open(path) as image:
            image.rotate(90, expand=True).save(path, exif=exif)
    assert maskwright.check(tmp_path).planned["size"] == [96, 192]


def test_a_run_that_there_is_not_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no such run"):
        maskwright.check(tmp_path / "absent", with_run=tmp_path / "run")
