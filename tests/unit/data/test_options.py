import numpy as np
import pytest
import yaml

from maskwright.data.options import write_options
from maskwright.data.read import read_dataset
from maskwright.errors import ConfigError, DataError
from maskwright.recipe import DataOptions
from support.picture_folders import disc, make_set, photo, save


def test_what_the_folder_states_is_taken(tmp_path):
    make_set(tmp_path)
    (tmp_path / "dataset.yaml").write_text("classes: [stone, sand]\ngroup: folder\n")

    dataset = read_dataset(tmp_path)

    assert dataset.classes.names == ("stone", "sand")
    assert dataset.grouping == "by folder (stated)"


def test_what_is_given_overrules_what_the_folder_states(tmp_path):
    make_set(tmp_path)
    (tmp_path / "dataset.yaml").write_text("classes: [stone, sand]\n")

    assert read_dataset(tmp_path, DataOptions(classes=("a", "b"))).classes.names == ("a", "b")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("mask: annotations", "unknown key 'mask'. Did you mean 'masks'?"),
        ("- a\n- b", "list of 'key: value' lines"),
        ("masks: [", "no valid YAML"),
        ("a: &a [1]\nb: *a", "references"),
        ("encoding: rgb", "'encoding'"),
    ],
)
def test_a_wrong_description_is_an_error_with_its_place(tmp_path, text, what):
    make_set(tmp_path)
    (tmp_path / "dataset.yaml").write_text(text)

    with pytest.raises(ConfigError) as caught:
        read_dataset(tmp_path)

    assert what in caught.value.what
    assert "dataset.yaml" in caught.value.where


def test_an_empty_description_states_nothing(tmp_path):
    make_set(tmp_path)
    (tmp_path / "dataset.yaml").write_text("# nothing yet\n")

    assert len(read_dataset(tmp_path)) == 4


VALUES = {"binary": (0, 255), "index": (0, 1, 2), "trimap": (2, 1, 3)}


@pytest.mark.parametrize("kind", ["binary", "index", "colour", "objects", "per-class"])
def test_what_was_guessed_is_written_and_read_back_as_the_same(tmp_path, kind):
    for i in range(4):
        save(tmp_path / "images" / f"{i}.png", photo(i))
        mask = disc(i, value=1)
        mask[:4, :4] = 2
        if kind == "binary":
            save(tmp_path / "masks" / f"{i}.png", disc(i))
        elif kind == "index":
            save(tmp_path / "masks" / f"{i}.png", mask)
        elif kind == "colour":
            save(tmp_path / "masks" / f"{i}.png", np.array([(9, 9, 90), (255, 0, 0), (0, 255, 0)], np.uint8)[mask])
        elif kind == "objects":
            save(tmp_path / "masks" / f"{i}_1.png", disc(i))
            save(tmp_path / "masks" / f"{i}_2.png", disc(i + 10))
        else:
            save(tmp_path / "masks" / "left" / f"{i}.png", disc(i))
            save(tmp_path / "masks" / "right" / f"{i}.png", disc(i))
    first = read_dataset(tmp_path)

    write_options(first, tmp_path)

    second = read_dataset(tmp_path)
    assert first.encoding.kind == kind
    assert (second.classes, second.encoding, second.columns) == (first.classes, first.encoding, first.columns)
    assert second.options == first.options
    assert yaml.safe_load((tmp_path / "dataset.yaml").read_text())["schema_version"] == 1


def test_what_was_guessed_can_be_written_elsewhere(tmp_path):
    dataset = read_dataset(make_set(tmp_path / "set"))

    write_options(dataset, tmp_path / "guess.yaml")

    text = (tmp_path / "guess.yaml").read_text()
    assert "# 4 pairs: images/*.jpg <-> masks/*.png (guessed: same stem)" in text
    assert "foreground: 255" in text


def test_a_stated_mask_folder_settles_which_counts(tmp_path):
    make_set(tmp_path)
    make_set(tmp_path, mask="annotations/{}.png", draw=lambda seed, size: disc(seed + 50, size))
    with pytest.raises(DataError, match="annotations and masks"):
        read_dataset(tmp_path)
    (tmp_path / "dataset.yaml").write_text("masks: annotations\n")

    assert read_dataset(tmp_path)[0].masks == (tmp_path / "annotations" / "p0.png",)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("classes: [a, '']", "name 2 is empty"),
        ("classes: [a, b, a]", "a is named twice"),
        ('classes: [a, "b\\e[31m"]', "name 2 cannot be printed"),
        (f"classes: [a, {'b' * 201}]", "longer than 200"),
        ("values: {a: 0, b: 70000}", "70000 is no mask value"),
        ("values: {a: 0, b: [1, -2]}", "-2 is no mask value"),
        ("ignore: 65536", "65536 is no mask value"),
    ],
)
def test_names_and_values_that_cannot_be_are_refused(tmp_path, text, what):
    make_set(tmp_path)
    (tmp_path / "dataset.yaml").write_text(text)

    with pytest.raises(ConfigError) as caught:
        read_dataset(tmp_path)

    assert what in caught.value.what


def test_a_value_above_255_is_no_colour(tmp_path):
    make_set(tmp_path)

    with pytest.raises(DataError, match="three numbers from 0 to 255"):
        read_dataset(tmp_path, DataOptions(encoding="colour", values={"a": 0, "b": 300}))


@pytest.mark.parametrize("kind", ["colour", "objects", "per-class"])
def test_an_ignored_value_that_the_masks_cannot_honour_is_refused(tmp_path, kind):
    for i in range(3):
        save(tmp_path / "images" / f"{i}.png", photo(i))
        if kind == "colour":
            save(tmp_path / "masks" / f"{i}.png", np.stack([disc(i), disc(i + 5), 0 * disc(i)], axis=2))
        for name in {"colour": (), "objects": ("1", "2"), "per-class": ("cat", "dog")}[kind]:
            save(tmp_path / "masks" / f"{i}_{name}.png", disc(i))

    assert read_dataset(tmp_path).encoding.kind == kind
    with pytest.raises(DataError, match="'ignore' is stated, which .* cannot honour"):
        read_dataset(tmp_path, DataOptions(ignore=7))
