import json

import pytest

from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.runtime.description import parse_description


def altered(description, **changes):
    return json.dumps({**json.loads(description.to_json()), **changes})


def test_what_is_written_is_read_back_equal(describe):
    description = describe(
        mode="tile", size=(64, 96), overlap=16, scale=0.5, bands=1, dtype="uint16", value_range=4095.0, threshold=0.47,
        temperature=1.7, network="unet", encoder="mobilenetv2_035", trained={"epochs": 3, "note": "a\nb"},
        scores={"dice": None},
    )  # fmt: skip
    assert parse_description(description.to_json()) == description


def test_several_and_overlapping_classes_are_read_back_equal(describe):
    several = describe(classes=Classes(("soil", "crop", "weed"), ignored="border"), threshold=None)
    overlapping = describe(classes=Classes(("nucleus",), exclusive=False))
    assert parse_description(several.to_json()) == several
    assert parse_description(overlapping.to_json()) == overlapping


def test_a_file_from_before_there_was_a_temperature_has_none(describe):
    content = json.loads(describe().to_json())
    assert content.pop("temperature") == 1.0
    assert parse_description(json.dumps(content)).temperature == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": [0, 8]}, "'size.0' input should be greater than or equal to 1"),
        ({"size": [8, 100000]}, "less than or equal to 8192"),
        ({"size": [8.5, 8]}, "'size.0'"),
        ({"bands": 0, "mean": [], "std": []}, "'bands'"),
        ({"bands": 2}, "2 bands, but 3 means and 3 deviations"),
        ({"std": [0.1, 0.0, 0.1]}, "'std.1'"),
        ({"mean": [0.1, 1e300, 0.1]}, "'mean.1'"),
        ({"value_range": 0}, "'value_range'"),
        ({"threshold": 1.5}, "'threshold'"),
        ({"threshold": None}, "a threshold is needed"),
        ({"temperature": 0}, "'temperature' input should be greater than or equal to 0.05"),
        ({"temperature": -1.0}, "'temperature'"),
        ({"temperature": 1e300}, "'temperature' input should be less than or equal to 20"),
        ({"temperature": None}, "'temperature'"),
        ({"temperature": "2"}, "'temperature' input should be a valid number"),
        ({"temperature": True}, "'temperature'"),
        ({"temperature": [1.0]}, "'temperature'"),
        ({"overlap": 3}, "overlap and scale belong to mode 'tile'"),
        ({"mode": "tile", "overlap": 8}, "cannot overlap by 8"),
        ({"mode": "guess"}, "'mode'"),
        ({"dtype": "float64"}, "'dtype'"),
        ({"scale": 2}, "'scale'"),
        ({"network": "\x1b[2Junet"}, "characters that cannot be shown"),
        ({"network": "u" * 5000}, "'network'"),
        ({"trained": {"note": "\x1b[31m"}}, "characters that cannot be shown"),
        ({"surprise": 1}, "'surprise'"),
    ],
)
def test_a_value_that_cannot_be_is_named(describe, changes, message):
    with pytest.raises(DataError) as caught:
        parse_description(altered(describe(), **changes), where="evil.onnx")
    assert message.lower() in str(caught.value).lower()
    assert caught.value.where == "evil.onnx"
    assert "get the file again" in caught.value.fix


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"names": ["a", "a"]}, "a class name stands twice"),
        ({"names": ["a"], "colours": [[0, 0, 0]]}, "at least two"),
        ({"names": ["a", ""]}, "'classes.names.1'"),
        ({"names": ["a", "b\x07"]}, "cannot be shown"),
        ({"names": ["a", "b", "c"]}, "3 names, but 2 colours"),
        ({"colours": [[0, 0, 0], [0, 0, 256]]}, "'classes.colours.1.2'"),
        ({"exclusive": "yes"}, "'classes.exclusive'"),
    ],
)
def test_classes_that_cannot_be_are_named(describe, classes, message):
    known = {"names": ["a", "b"], "colours": [[0, 0, 0], [1, 2, 3]], "exclusive": True, "ignored": ""}
    with pytest.raises(DataError) as caught:
        parse_description(altered(describe(), classes={**known, **classes}))
    assert message.lower() in str(caught.value).lower()


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"mean": NaN}', "[" * 100_000, "1" * 5000])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(DataError, match="The model file's description is not"):
        parse_description(text)


def test_a_description_without_end_is_refused():
    with pytest.raises(DataError, match="2000000 characters long"):
        parse_description(" " * 2_000_000)


def test_nesting_without_end_is_refused(describe):
    deep = {}
    for _ in range(50):
        deep = {"deeper": deep}
    with pytest.raises(DataError, match="nested deeper than 8"):
        parse_description(altered(describe(), trained=deep))


def test_a_file_of_a_later_version_asks_for_an_upgrade(describe):
    with pytest.raises(DataError, match="has description version 2") as caught:
        parse_description(altered(describe(), schema_version=2, something_new=1))
    assert caught.value.fix == "pip install --upgrade maskwright"


def test_a_description_that_contradicts_itself_is_not_written(describe):
    with pytest.raises(DataError, match="a threshold is needed"):
        describe(threshold=None).to_json()


@pytest.mark.parametrize("temperature", [0.0, float("inf"), 25.0])
def test_a_temperature_that_cannot_be_is_not_written(describe, temperature):
    with pytest.raises(DataError, match="temperature|cannot be written as JSON"):
        describe(temperature=temperature).to_json()


def test_numbers_that_are_not_finite_are_not_written(describe):
    with pytest.raises(DataError, match="cannot be written as JSON"):
        describe(scores={"dice": float("nan")}).to_json()
