import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from maskwright.evaluation.facts import FACTS
from maskwright.evaluation.strata import score_against
from maskwright.report.strata_chart import LABELS, Bin, Row, factor_chart, scatter_chart, value_chart

BINS = [Bin(1, 4, 5, 0.5, 0.4, 0.6), Bin(5, 9, 6, 0.9, 0.85, 0.95)]


def tags(svg, name):
    return [element for element in ElementTree.fromstring(svg).iter() if element.tag == name]


def texts(svg):
    return [element.text for element in tags(svg, "text")]


def thick(svg):
    return [line for line in tags(svg, "line") if line.get("stroke-width") == "3"]


def test_each_picture_is_a_dot_and_each_bin_a_line_in_its_band():
    svg = scatter_chart("Dice by size", [[1, 0.5], [4, 0.6], [9, 0.9]], BINS, x="size")

    assert len(tags(svg, "circle")) == 3 and len(thick(svg)) == 2 and len(tags(svg, "rect")) == 2
    assert {"Dice by size", "size"} <= set(texts(svg))
    assert [title.text for title in tags(svg, "title")] == ["5 pictures: 0.500", "6 pictures: 0.900"]


def test_better_bins_are_drawn_higher_and_larger_numbers_further_right():
    svg = scatter_chart("", [[1, 0.5], [9, 0.9]], BINS, x="")

    (worse, better), (small, large) = thick(svg), tags(svg, "circle")
    assert float(worse.get("y1")) > float(better.get("y1"))
    assert float(small.get("cx")) < float(large.get("cx"))
    assert float(worse.get("y1")) == pytest.approx(float(small.get("cy")), abs=0.1)


def test_sizes_of_several_powers_of_ten_have_an_axis_of_powers_shares_have_not():
    sizes = scatter_chart("", [[1, 0.5], [10, 0.5], [100, 0.9]], [], x="")
    shares = scatter_chart("", [[0.01, 0.5], [0.1, 0.5], [1, 0.9]], [], x="")

    places = [[float(dot.get("cx")) for dot in tags(svg, "circle")] for svg in (sizes, shares)]
    assert places[0][1] - places[0][0] == pytest.approx(places[0][2] - places[0][1], abs=0.2)
    assert places[1][1] - places[1][0] < 0.2 * (places[1][2] - places[1][1])
    assert {"1", "10", "100"} <= set(texts(sizes))


def test_what_is_not_finite_is_left_out_and_nothing_is_no_chart():
    assert len(tags(scatter_chart("", [[1, 0.5], [float("nan"), 1], [2, float("inf")]], [], x=""), "circle")) == 1
    assert scatter_chart("", [], BINS, x="") == ""
    assert value_chart("", []) == ""


def test_everything_lies_within_the_chart():
    for points in ([[0, 0.0], [1, 1.0]], [[5, 1.0]], [[-3, 0.2], [1e9, 0.3]], [[2, 0.99], [2, 1.0]]):
        svg = scatter_chart("", points, [], x="")
        assert all(
            46 <= float(dot.get("cx")) <= 428 and 20 <= float(dot.get("cy")) <= 212 for dot in tags(svg, "circle")
        )


def test_each_word_has_a_row_with_its_pictures_its_score_and_its_interval():
    svg = value_chart("Dice by site", [Row("north", 7, 0.5, 0.4, 0.6), Row("south", 3, 0.9, None, None)])

    assert {"Dice by site", "north (7)", "0.500", "south (3)", "0.900"} <= set(texts(svg))
    bars = [line for line in tags(svg, "line") if line.get("stroke-width") == "6"]
    dots = tags(svg, "circle")
    assert len(bars) == 1 and len(dots) == 2
    assert float(bars[0].get("x1")) < float(dots[0].get("cx")) < float(bars[0].get("x2"))


def test_a_long_word_is_cut_and_stands_whole_in_its_title():
    svg = value_chart("", [Row("a" * 80, 1234, 0.5, None, None)])

    assert texts(svg)[-2] == "a" * 13 + "… (1234)"
    assert tags(svg, "title")[0].text == "a" * 80


def test_hostile_names_stay_text():
    hostile = "<script>&'\""
    for svg in (
        scatter_chart(hostile, [[1, 1]], [], x=hostile),
        value_chart(hostile, [Row(hostile, 1, 0.5, 0.4, 0.6)]),
    ):
        assert not tags(svg, "script")
        assert hostile in texts(svg)


def test_factors_of_an_evaluation_are_drawn_by_their_kind():
    rng = np.random.default_rng(0)
    numbers = {"object_side": rng.uniform(5, 500, 60), "age": rng.uniform(1, 9, 60)}
    found = score_against(rng.random(60), numbers=numbers, words={"site": rng.choice(list("ABC"), 60).tolist()})

    side, age, site = (factor_chart(factor, "IoU") for factor in found["factors"])

    assert {"IoU by side of an object", "side of an object, pixels of the mask"} <= set(texts(side))
    assert {"IoU by age", "age"} <= set(texts(age))
    assert "IoU by site" in texts(site) and len(tags(site, "circle")) == 3


def test_every_fact_has_a_label():
    assert LABELS.keys() == FACTS.keys()
