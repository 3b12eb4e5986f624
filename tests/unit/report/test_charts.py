import xml.etree.ElementTree as ElementTree

import pytest

from maskwright.report.charts import histogram, interval_chart, line_chart, ticks


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag == "text"]


def tags(svg, name):
    return [element for element in ElementTree.fromstring(svg).iter() if element.tag == name]


def test_a_line_chart_has_a_curve_for_each_series_and_names_them():
    svg = line_chart("Loss", {"train": [(1, 0.9), (2, 0.5)], "validation": [(1, 1.0), (2, 0.7)]}, x="epoch")
    assert len(tags(svg, "polyline")) == 2
    assert {"Loss", "train", "validation", "epoch"} <= set(texts(svg))


def test_higher_values_are_drawn_higher():
    svg = line_chart("Loss", {"a": [(0, 0.0), (1, 1.0)]}, x="epoch")
    (low, high) = (point.split(",") for point in tags(svg, "polyline")[0].get("points").split())
    assert float(low[0]) < float(high[0]) and float(low[1]) > float(high[1])


def test_a_single_epoch_is_a_dot():
    svg = line_chart("Loss", {"a": [(1, 0.5)]}, x="epoch")
    assert len(tags(svg, "circle")) == 1 and not tags(svg, "polyline")


def test_values_that_are_not_finite_are_left_out():
    svg = line_chart("Loss", {"a": [(1, float("nan")), (2, 0.5), (3, float("inf")), (4, 0.4)]}, x="epoch")
    assert len(tags(svg, "polyline")[0].get("points").split()) == 2
    assert line_chart("Loss", {"a": [(1, float("nan"))]}, x="epoch") == ""
    assert line_chart("Loss", {}, x="epoch") == ""


def test_the_threshold_is_marked():
    svg = line_chart("Dice", {"a": [(0, 0.1), (1, 0.9)]}, x="threshold", mark=0.5)
    assert [line for line in tags(svg, "line") if line.get("class") == "mark"]


def test_a_histogram_counts_each_value_once():
    svg = histogram("Dice", [0.0, 0.01, 0.99, 1.0, 0.5], x="Dice")
    heights = [int(bar.find("title").text.split()[0]) for bar in tags(svg, "rect")]
    assert heights == [2, 1, 2]
    assert histogram("Dice", [], x="Dice") == ""


def test_values_with_and_without_an_interval_stand_below_each_other():
    svg = interval_chart(
        "Dice", [("this model", 0.9, 0.8, 1.0), ("nothing", 0.0, None, None), ("none", None, None, None)]
    )
    assert {"0.900", "0.000", "n/a"} <= set(texts(svg))
    assert len(tags(svg, "circle")) == 2


def test_hostile_names_stay_text():
    hostile = "<script>alert('x')</script>&"
    for svg in (
        line_chart(hostile, {hostile: [(0, 0), (1, 1)]}, x=hostile),
        interval_chart(hostile, [(hostile, 0.5, 0.4, 0.6)]),
        histogram(hostile, [0.5], x=hostile),
    ):
        assert not tags(svg, "script")
        assert hostile in texts(svg)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.2, 0.21), (-3, 1e6), (1, 16), (1e-9, 2e-9)])
def test_ticks_are_round_few_and_within(low, high):
    values = ticks(low, high, 5)
    assert 2 <= len(values) <= 7
    assert all(low - 1e-9 <= value <= high * (1 + 1e-9) + 1e-9 for value in values)


def test_whole_ticks_are_whole():
    assert ticks(0, 3, 6, whole=True) == [0, 1, 2, 3]
