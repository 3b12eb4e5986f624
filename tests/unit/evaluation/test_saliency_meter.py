import json

import numpy as np
import pytest

from maskwright.errors import ConfigError
from maskwright.evaluation.meters import Meter, Seen
from maskwright.evaluation.saliency import SaliencyMeter
from maskwright.images.classes import IGNORE, Classes
from maskwright.metrics.intervals import mean_interval
from maskwright.metrics.saliency import f_curve, s_measure, saliency_table

OBJECT = Classes(("background", "object"))


def picture(seed, shape=(30, 40)):
    rng = np.random.default_rng(seed)
    truth = np.zeros(shape, np.uint8)
    truth[5:20, 8 : 20 + seed] = 1
    map_ = np.clip(0.6 * truth + 0.5 * rng.random(shape), 0, 1).astype(np.float32)
    return Seen(f"p{seed}", "", None, truth, (map_ > 0.5).astype(np.uint8), map_[None])


def measured(meter, *pictures):
    for one in pictures:
        meter.add(meter.measure(one))
    return meter


def tables(pictures, **options):
    return [saliency_table(one.probabilities[0], one.truth == 1, **options) for one in pictures]


def test_each_picture_has_its_numbers_and_their_means_have_intervals():
    pictures = [picture(seed) for seed in range(4)]
    meter: Meter = measured(SaliencyMeter(OBJECT), *pictures)
    columns = meter.columns()
    assert list(columns) == ["mae", "s_measure", "f_beta", "e_measure"]
    expected = [s_measure(table) for table in tables(pictures)]
    assert columns["s_measure"].tolist() == expected
    assert meter.to_json(None)["per_image"]["s_measure"] == mean_interval(expected).to_json()


def test_the_largest_f_beta_is_that_of_the_mean_curve_as_papers_report_it():
    pictures = [picture(seed) for seed in range(4)]
    document = measured(SaliencyMeter(OBJECT), *pictures).to_json(None)
    curve = np.mean([f_curve(table) for table in tables(pictures)], axis=0)
    assert document["f_beta_max"]["value"] == pytest.approx(curve.max(), abs=1e-12)
    assert document["f_beta_max"]["cut"] == int(curve.argmax())
    assert document["f_beta_max"]["low"] is None
    assert "cut is chosen" in document["f_beta_max"]["reason"]
    assert document["curves"]["f_beta"] == pytest.approx(curve.tolist(), abs=1e-12)
    assert document["per_image"]["f_beta"]["value"] == pytest.approx(curve.mean(), abs=1e-12)


def test_maps_are_stretched_unless_told_otherwise():
    one = picture(1)
    for options in ({}, {"normalise": False}):
        document = measured(SaliencyMeter(OBJECT, **options), one).to_json(None)
        (table,) = tables([one], **options)
        assert document["per_image"]["f_beta"]["value"] == pytest.approx(f_curve(table).mean(), abs=1e-12)
        assert document["normalised"] == (not options)
        assert ("are not stretched" in document["conventions"]["stretching"]) == bool(options)


def test_a_picture_without_a_counted_pixel_is_left_out_and_counted():
    one, blank = picture(1), picture(2)
    blank.truth[:] = IGNORE
    meter = measured(SaliencyMeter(OBJECT), one, blank)
    document = meter.to_json(None)
    assert document["left_out"] == {"nothing_counts": 1}
    assert document["per_image"]["mae"]["value"] == meter.columns()["mae"][0]
    assert np.isnan(meter.columns()["mae"][1])
    assert np.isfinite(document["curves"]["e_measure"]).all()


def test_the_summary_is_json_without_nan_and_says_its_conventions():
    blank = picture(2)
    blank.truth[:] = IGNORE
    for pictures in ([picture(1), picture(2)], [blank], []):
        document = measured(SaliencyMeter(OBJECT), *pictures).to_json(None)
        json.dumps(document, allow_nan=False)
        for word in ("maps", "stretching", "f_beta", "e_measure", "s_measure", "ignored", "averaging"):
            assert len(document["conventions"][word]) > 20


def test_other_classes_and_masks_without_probabilities_are_refused():
    for classes in (Classes(("a", "b", "c")), Classes(("a", "b"), exclusive=False)):
        with pytest.raises(ConfigError, match="one class"):
            SaliencyMeter(classes)
    one = picture(1)
    with pytest.raises(ConfigError, match="need probabilities"):
        SaliencyMeter(OBJECT).measure(Seen("a", "", None, one.truth, one.mask, None))
