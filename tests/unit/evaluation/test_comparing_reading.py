"""An evaluation that was written by others, damaged or made to deceive."""

import pytest

from maskwright.errors import DataError
from maskwright.evaluation.comparing_reading import read_scores
from support.evaluations import evaluation

DICE = [0.5, 0.6, 0.7]


def read(content):
    return read_scores(content, name="A", where="A/evaluation.json")


def with_row(**changes):
    content = evaluation(DICE)
    content["pictures"][1] |= changes
    return content


def test_numbers_and_nulls_become_columns():
    scored = read(with_row(dice=None))
    assert list(scored.columns) == ["dice", "iou"]
    assert scored.columns["dice"].tolist()[::2] == [0.5, 0.7]
    assert (scored.sizes[0], scored.groups, scored.part) == ((60, 80), None, "held out")


def test_columns_of_text_and_facts_of_the_picture_are_no_measures():
    content = evaluation(DICE)
    for row in content["pictures"]:
        row |= {"camera": "x", "brightness": 0.5, "flag": True, "where": [1, 2]}
    assert list(read(content).columns) == ["dice", "iou"]


def test_a_measure_that_only_some_pictures_have_is_undefined_in_the_others():
    scored = read(with_row(hd95=7))
    assert [str(value) for value in scored.columns["hd95"]] == ["nan", "7.0", "nan"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "it has no schema_version"),
        ({"schema_version": True}, "it has no schema_version"),
        (evaluation(DICE, schema_version=99), r"newer maskwright \(schema 99"),
        (evaluation(DICE, pictures=None), "no table of pictures"),
        (evaluation(DICE, pictures=[1]), "no table of pictures"),
        (evaluation(DICE, classes="x"), "does not name the classes"),
        (evaluation(DICE, classes=["a\x1b[2J"]), "holds control characters"),
        (evaluation(DICE, mean_over=[1]), "Mean_over is no text"),
        (evaluation(DICE, conventions=[]), "conventions are no object"),
        (evaluation(DICE, data={"fingerprint": 7}), "fingerprint is no text"),
        (with_row(id=None), "A picture has no id"),
        (with_row(id=5), "A picture's id is no text"),
        (with_row(id="p000"), "The picture 'p000' is there twice"),
        (with_row(id="a\nb"), r"A picture's id holds control characters: 'a\\nb'"),
        (with_row(id="a" * 5000), "A picture's id is too long"),
        (with_row(id="x\u202egnp"), "holds control characters"),
        (with_row(dice="0.5"), "The measure 'dice' holds what is no number"),
        (with_row(dice=True), "The measure 'dice' holds what is no number"),
        (with_row(dice=1.5), "The measure 'dice' holds 1.5, which it cannot be"),
        (with_row(dice=float("nan")), "The measure 'dice' holds nan"),
        (with_row(dice=float("inf")), "The measure 'dice' holds inf"),
        (with_row(dice=10**400), "The measure 'dice' holds 1000"),
        (with_row(hd95=-1), "The measure 'hd95' holds -1"),
        (with_row(size_truth=[60]), "no \\[height, width\\]"),
        (with_row(size_truth=[60, True]), "no \\[height, width\\]"),
    ],
)
def test_what_is_damaged_is_named_with_its_file(content, said):
    with pytest.raises(DataError, match=said) as error:
        read(content)
    assert error.value.where == "A/evaluation.json"
    assert error.value.fix
