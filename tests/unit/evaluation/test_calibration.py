import json

import numpy as np
import pytest

from maskwright.evaluation.calibration import CalibrationMeter
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE
from maskwright.metrics.calibration import calibration_sums, expected_error
from support.pictures_in_memory import CROPS, LESION, OVERLAPPING


def seen(truth, probabilities, number=0):
    return Seen(f"p{number}", f"g{number // 2}", None, truth, np.zeros(truth.shape, np.uint8), probabilities)


def honest(number=0, shape=(60, 80)):
    """Truths drawn with just the probabilities that are given for them."""
    rng = np.random.default_rng(number)
    p = rng.random(shape, dtype=np.float32)
    return seen((rng.random(shape) < p).astype(np.uint8), p[None], number)


def measure_all(meter, pictures):
    for one in pictures:
        meter.add(meter.measure(one))
    return meter


def test_probabilities_that_are_frequencies_have_almost_no_error():
    content = measure_all(CalibrationMeter(LESION), [honest(i) for i in range(6)]).to_json(None)
    assert content["ece"] < 0.01
    assert content["brier"] == pytest.approx(1 / 6, abs=0.005)
    assert all(abs(one["frequency"] - one["confidence"]) < 0.04 for one in content["bins"])


def test_pixels_of_all_pictures_are_pooled():
    pictures = [honest(1, (10, 10)), honest(2, (50, 70))]
    content = measure_all(CalibrationMeter(LESION), pictures).to_json(None)
    together = [calibration_sums(one.truth, one.probabilities) for one in pictures]
    assert content["ece"] == expected_error(together[0] + together[1])
    assert sum(one["pixels"] for one in content["bins"]) == 3600


def test_each_picture_has_a_brier_score_and_their_mean_an_interval():
    meter = measure_all(CalibrationMeter(LESION), [honest(i) for i in range(6)])
    column = meter.columns()["brier"]
    score = meter.to_json(["a", "a", "b", "b", "c", "c"])["per_image"]["brier"]
    assert score["value"] == pytest.approx(column.mean())
    assert score["low"] < score["value"] < score["high"]


def test_a_picture_that_is_all_ignored_is_undefined_and_changes_nothing():
    ignored = seen(np.full((4, 4), IGNORE, np.uint8), np.zeros((1, 4, 4), np.float32))
    with_it = measure_all(CalibrationMeter(LESION), [honest(), ignored])
    assert with_it.to_json(None)["ece"] == measure_all(CalibrationMeter(LESION), [honest()]).to_json(None)["ece"]
    assert np.isnan(with_it.columns()["brier"][1])
    assert measure_all(CalibrationMeter(LESION), [ignored]).to_json(None)["reason"] == "no pixel counts"


def test_masks_alone_have_no_calibration_and_say_why():
    meter = measure_all(CalibrationMeter(LESION), [seen(np.zeros((4, 4), np.uint8), None)])
    content = meter.to_json(None)
    assert [content[name] for name in ("ece", "mce", "brier", "nll", "bins")] == [None] * 5
    assert content["reason"] == "masks were given without probabilities"
    assert not meter.columns()


@pytest.mark.parametrize(("classes", "of"), [(LESION, "foreground"), (OVERLAPPING, "foreground"), (CROPS, "probable")])
def test_it_says_whose_probability_is_meant_and_how_it_is_defined(classes, of):
    content = CalibrationMeter(classes).to_json(None)
    assert of in content["confidence_of"]
    assert "15 equal bins" in content["definition"]
    assert "not independent" in content["definition"]


def test_several_and_overlapping_classes_are_measured_as_what_they_are():
    rng = np.random.default_rng(0)
    p = rng.dirichlet((1, 1, 1), (40, 50)).astype(np.float32)
    truth = (p.cumsum(axis=-1) < rng.random((40, 50, 1))).sum(axis=-1).clip(0, 2).astype(np.uint8)
    content = measure_all(CalibrationMeter(CROPS), [seen(truth, np.moveaxis(p, -1, 0))]).to_json(None)
    assert content["ece"] < 0.05
    assert content["bins"][0]["pixels"] == 0  # the most probable of three has at least a third
    two = rng.random((40, 50, 2), dtype=np.float32)
    marked = (rng.random(two.shape) < two).astype(np.uint8)
    content = measure_all(CalibrationMeter(OVERLAPPING), [seen(marked, np.moveaxis(two, -1, 0))]).to_json(None)
    assert content["ece"] < 0.05
    assert sum(one["pixels"] for one in content["bins"]) == 4000


def test_the_summary_is_json():
    json.dumps(measure_all(CalibrationMeter(LESION), [honest()]).to_json(None), allow_nan=False)
