import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from maskwright.evaluation.calibration import calibration_to_json
from maskwright.images.classes import IGNORE
from maskwright.metrics.calibration import calibration_sums, no_sums
from maskwright.report.calibration_chart import reliability_chart


def figures(*, power=1.0, seed=0):
    """Probabilities that are frequencies to some power."""
    rng = np.random.default_rng(seed)
    p = rng.random((60, 60), dtype=np.float32)
    truth = (rng.random(p.shape) < p**power).astype(np.uint8)
    truth[0, 0] = IGNORE
    return calibration_to_json(calibration_sums(truth, p[None]))


def tags(svg, name):
    return [element for element in ElementTree.fromstring(svg).iter() if element.tag == name]


def texts(svg):
    return [element.text for element in tags(svg, "text")]


def test_each_bin_with_pixels_has_a_bar_that_says_what_it_stands_for():
    content = figures()
    titles = [bar.find("title").text for bar in tags(reliability_chart("How sure?", content), "rect") if len(bar)]
    assert len(titles) == 15
    first = content["bins"][0]
    assert titles[0] == f"{first['confidence']:.3f} given, {first['frequency']:.3f} found, {first['pixels']:,} pixels"


def test_a_bar_is_as_high_as_its_frequency():
    content = figures()
    bars = [bar for bar in tags(reliability_chart("t", content), "rect") if len(bar)]
    heights = [float(bar.get("height")) / 256 for bar in bars]
    assert heights == pytest.approx([one["frequency"] for one in content["bins"]], abs=1e-3)


def test_the_error_stands_in_the_corner():
    content = figures()
    assert f"ECE {content['ece']:.3f}" in texts(reliability_chart("t", content))


def test_before_and_after_a_temperature_are_told_apart():
    before, after = figures(power=3), figures()
    svg = reliability_chart("t", after, before=before)
    assert len(tags(svg, "polyline")) == 1
    assert f"before the temperature: ECE {before['ece']:.3f}" in texts(svg)
    assert f"with it: ECE {after['ece']:.3f}" in texts(svg)


def test_empty_bins_have_no_bar_and_no_pixels_no_chart():
    one_pixel = calibration_to_json(calibration_sums(np.ones((1, 1), np.uint8), np.full((1, 1, 1), 0.5, np.float32)))
    assert len([bar for bar in tags(reliability_chart("t", one_pixel), "rect") if len(bar)]) == 1
    assert reliability_chart("t", calibration_to_json(no_sums())) == ""
    assert reliability_chart("t", {}) == ""


def test_hostile_names_stay_text():
    svg = reliability_chart("<script>", figures(), of='"><script>')
    assert "<script" not in svg
    assert "<script>" in texts(svg)
