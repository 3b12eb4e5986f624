"""A legend beside the masks gives classes their names, if it names everything they hold."""

import numpy as np
import pytest

from maskwright.data.read import read_dataset
from maskwright.images.classes import IGNORE
from maskwright.recipe import DataOptions
from support.picture_folders import disc, photo, save

RED, BLUE, BLACK = (255, 0, 0), (0, 0, 200), (0, 0, 0)


def coloured(folder, count=4, *, third=None):
    for i in range(count):
        save(folder / "images" / f"p{i}.jpg", photo(i))
        mask = np.zeros((24, 32, 3), np.uint8)
        mask[disc(i) > 0] = RED
        mask[:4] = BLUE
        if third is not None:
            mask[20:] = third
        save(folder / "masks" / f"p{i}.png", mask)
    return folder


def numbered(folder, top, count=4):
    for i in range(count):
        save(folder / "images" / f"p{i}.jpg", photo(i))
        mask = disc(i, value=1)
        mask[:4] = top
        save(folder / "masks" / f"p{i}.png", mask)
    return folder


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("label_colors.txt", "0 0 0 Soil\n255 0 0\tLeaf\n0 0 200\t\tWater\n9 9 9 Stone\n"),
        ("label_colors.txt", "# color (RGB) label\n0 0 0 Soil\n255 0 0 Leaf\n0 0 200 Water\n9 9 9 Stone\n"),
        ("class_dict.csv", "name,r,g,b\nSoil,0,0,0\nLeaf,255,0,0\nWater,0,0,200\nStone,9,9,9\n"),
        ("class_dict_seg.csv", "name, r, g, b\nSoil, 0, 0, 0\nLeaf, 255, 0, 0\nWater, 0, 0, 200\nStone, 9, 9, 9\n"),
    ],
)
def test_colours_get_the_legends_names_also_those_that_no_mask_shows(tmp_path, name, text):
    (coloured(tmp_path) / name).write_text(text)
    dataset = read_dataset(tmp_path)

    assert dataset.classes.names == ("Soil", "Leaf", "Water", "Stone")
    assert dataset.classes.colours[1:3] == (RED, BLUE)
    assert f"4 classes from {name}" in dataset.notes
    np.testing.assert_array_equal(dataset.read_mask(0)[:4], np.full((4, 32), 2))


def test_void_in_a_legend_counts_in_nothing(tmp_path):
    (coloured(tmp_path) / "label_colors.txt").write_text("0 0 0 Void\n255 0 0 Leaf\n0 0 200 Water\n")
    dataset = read_dataset(tmp_path)

    assert (dataset.classes.names, dataset.classes.ignored) == (("Leaf", "Water"), "void")
    assert (dataset.read_mask(0) == IGNORE).any()


def test_codes_name_the_numbers_in_order(tmp_path):
    (numbered(tmp_path, 3) / "codes.txt").write_text("soil\nleaf\nwater\nstone\nvoid\n")
    dataset = read_dataset(tmp_path)

    assert dataset.classes.names == ("soil", "leaf", "water", "stone")
    assert "4 classes from codes.txt" in dataset.notes


def test_a_legend_that_lacks_a_colour_is_not_used_and_that_is_said(tmp_path):
    (coloured(tmp_path, third=(1, 2, 3)) / "label_colors.txt").write_text("0 0 0 Soil\n255 0 0 Leaf\n0 0 200 Water\n")
    dataset = read_dataset(tmp_path)

    assert len(dataset.classes.names) == 4
    assert "label_colors.txt is not used: it does not name (1, 2, 3), which masks hold" in dataset.notes


def test_codes_that_lack_a_number_are_not_used(tmp_path):
    (numbered(tmp_path, 7) / "codes.txt").write_text("soil\nleaf\nwater\n")
    assert any("codes.txt is not used: it does not name 7" in note for note in read_dataset(tmp_path).notes)


def test_what_is_stated_wins_over_a_legend(tmp_path):
    (coloured(tmp_path) / "label_colors.txt").write_text("0 0 0 Soil\n255 0 0 Leaf\n0 0 200 Water\n")
    dataset = read_dataset(tmp_path, DataOptions(classes=("a", "b", "c")))
    assert dataset.classes.names == ("a", "b", "c")


def test_the_legend_nearest_to_the_top_counts(tmp_path):
    (coloured(tmp_path) / "masks" / "label_colors.txt").write_text("0 0 0 A\n255 0 0 B\n0 0 200 C\n")
    (tmp_path / "label_colors.txt").write_text("0 0 0 Soil\n255 0 0 Leaf\n0 0 200 Water\n")
    assert read_dataset(tmp_path).classes.names == ("Soil", "Leaf", "Water")


@pytest.mark.parametrize(
    "text",
    ["", "prose about colours\n", "255 0 0 Leaf\n", "0 0 0 Soil\n255 0 0 Leaf\n0 0 200 Leaf\n",
     "0 0 0 Soil\n0 0 0 Earth\n255 0 0 Leaf\n0 0 200 Water\n", "0 0 0 Soil\n255 0 999 Leaf\n0 0 200 Water\n",
     "0 0 0 So\x1bil\n255 0 0 Leaf\n0 0 200 Water\n", f"0 0 0 {'x' * 300}\n255 0 0 Leaf\n0 0 200 Water\n"],
)  # fmt: skip
def test_a_file_of_another_form_is_no_legend(tmp_path, text):
    (coloured(tmp_path) / "label_colors.txt").write_text(text)
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "#0000c8", "red")


def test_a_legend_that_is_no_text_is_none(tmp_path):
    (coloured(tmp_path) / "label_colors.txt").write_bytes(b"\xff\xfe\x00\x01")
    assert len(read_dataset(tmp_path).classes.names) == 3


@pytest.mark.parametrize(
    "line", [f"Leaf,{'9' * 5000},0,0", f"{'x' * 140_000},255,0,0", "Leaf,\"" + "x" * 140_000],
    ids=["long number", "long field", "open quote"],
)  # fmt: skip
def test_a_table_that_no_tool_writes_is_no_legend_and_no_crash(tmp_path, line):
    (coloured(tmp_path) / "class_dict.csv").write_text(f"name,r,g,b\nSoil,0,0,0\n{line}\nWater,0,0,200\n")
    dataset = read_dataset(tmp_path)

    assert len(dataset.classes.names) == 3 and "Soil" not in dataset.classes.names


@pytest.mark.parametrize("count", [251, 70_000])
def test_names_of_more_classes_than_a_mask_can_hold_are_mentioned_and_not_used(tmp_path, count):
    (numbered(tmp_path, 2) / "class_names.txt").write_text("\n".join(f"class {i}" for i in range(count)))
    dataset = read_dataset(tmp_path)

    assert f"class_names.txt is not used: it names {count} classes, and at most 250 are possible" in dataset.notes
    assert len(dataset.classes.names) == 3
