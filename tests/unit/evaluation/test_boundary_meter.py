import json
import math

import numpy as np
import pytest

from maskwright.errors import ConfigError
from maskwright.evaluation.boundary import BoundaryMeter
from maskwright.evaluation.meters import Meter, Seen
from maskwright.images.classes import IGNORE, Classes
from maskwright.metrics.boundary import boundary_scores
from maskwright.metrics.intervals import mean_interval

LESION = Classes(("background", "lesion"))
THREE = Classes(("background", "leaf", "stem"))
FEATURES = Classes(("globule", "streak"), exclusive=False)


def seen(truth, mask, name="a"):
    return Seen(name, "", None, truth, mask, None)


def disc(radius, shape=(60, 80), centre=(30, 40)):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2).astype(np.uint8)


def measured(meter, *pictures):
    for picture in pictures:
        meter.add(meter.measure(picture))
    return meter


def test_two_exclusive_classes_are_scored_by_the_foreground():
    pictures = [seen(disc(10), disc(12)), seen(disc(15), disc(9)), seen(disc(8), disc(8))]
    meter: Meter = measured(BoundaryMeter(LESION), *pictures)
    each = [boundary_scores(one.truth == 1, one.mask == 1) for one in pictures]
    columns = meter.columns()
    assert list(columns) == ["boundary_iou", "boundary_f1", "hd95", "assd"]
    for name, column in columns.items():
        assert column.tolist() == [getattr(one, name) for one in each]
    document = meter.to_json(None)
    expected = mean_interval([one.boundary_iou for one in each])
    assert document["per_image"]["boundary_iou"] == expected.to_json()
    assert list(document["per_class"]) == ["lesion"]
    assert document["per_class"]["lesion"]["hd95"] == document["per_image"]["hd95"]


def test_several_classes_are_averaged_over_those_the_truth_shows():
    truth = disc(20)
    mask = np.where(disc(18), 1, 0).astype(np.uint8)
    mask[0, 0] = 2  # a class that the truth does not show
    meter = measured(BoundaryMeter(THREE), seen(truth, mask))
    each = [boundary_scores(truth == k, mask == k) for k in (0, 1)]
    assert meter.columns()["assd"].tolist() == pytest.approx([(each[0].assd + each[1].assd) / 2])
    document = meter.to_json(None)
    assert document["per_class"]["leaf"]["boundary_f1"]["value"] == each[1].boundary_f1
    assert document["per_class"]["stem"]["images"] == 0
    assert document["per_class"]["stem"]["hd95"]["value"] is None
    assert "no picture" in document["per_class"]["stem"]["hd95"]["reason"]


def test_overlapping_classes_are_each_scored_on_their_own():
    truth = np.stack([disc(20), disc(10)], axis=-1)
    mask = np.stack([disc(20), disc(12)], axis=-1)
    meter = measured(BoundaryMeter(FEATURES), seen(truth, mask))
    streak = boundary_scores(truth[..., 1] == 1, mask[..., 1] == 1)
    assert meter.columns()["boundary_iou"].tolist() == [(1 + streak.boundary_iou) / 2]


def test_overlapping_classes_of_which_none_is_shown_follow_the_rule_for_empty_masks():
    blank = np.zeros((30, 40, 2), np.uint8)
    marked = blank.copy()
    marked[4:8, 4:8, 0] = 1
    columns = measured(BoundaryMeter(FEATURES), seen(blank, blank), seen(blank, marked)).columns()
    assert columns["boundary_f1"].tolist() == [1, 0]
    assert columns["hd95"].tolist() == [0, 50]


def test_a_miss_counts_as_the_diagonal_and_stands_apart_in_the_means_of_both_shown():
    blank = np.zeros((60, 80), np.uint8)
    document = measured(
        BoundaryMeter(LESION), seen(disc(10), disc(12)), seen(disc(10), blank), seen(blank, disc(5)), seen(blank, blank)
    ).to_json(None)
    lesion = document["per_class"]["lesion"]
    found = boundary_scores(disc(10) == 1, disc(12) == 1)
    assert document["per_image"]["assd"]["value"] == pytest.approx((found.assd + 100 + 100 + 0) / 4)
    assert (lesion["images"], lesion["missed"], lesion["invented"], lesion["hidden"]) == (4, 1, 1, 0)
    assert lesion["both_shown"]["images"] == 1
    assert lesion["both_shown"]["assd"]["value"] == pytest.approx(found.assd)


def test_intervals_of_distances_are_those_of_a_mean_and_never_below_zero():
    pictures = [seen(disc(10), disc(10 + k)) for k in (0, 0, 0, 9)]
    document = measured(BoundaryMeter(LESION), *pictures).to_json(None)
    score = document["per_image"]["hd95"]
    assert score["value"] == pytest.approx(9 / 4, abs=0.5)
    assert 0 <= score["low"] < score["value"] < score["high"]


def test_intervals_are_over_groups_where_pictures_are_related():
    pictures = [seen(disc(10), disc(10 + k)) for k in (1, 2, 5, 6)]
    meter = measured(BoundaryMeter(LESION), *pictures)
    grouped = meter.to_json(["a", "a", "b", "b"])["per_image"]["assd"]
    alone = meter.to_json(None)["per_image"]["assd"]
    assert grouped["value"] == pytest.approx(alone["value"])
    assert (grouped["low"], grouped["high"]) != (alone["low"], alone["high"])


def test_physical_distances_are_given_where_a_pixel_size_is_known():
    meter = measured(BoundaryMeter(LESION, pixel_size=0.5, unit="um"), seen(disc(10), disc(12)))
    document = meter.to_json(None)
    assert document["unit"] == "um"
    assert document["pixel_size"] == [0.5, 0.5]
    assert document["per_image"]["hd95_physical"]["value"] == pytest.approx(
        document["per_image"]["hd95"]["value"] * 0.5
    )
    assert "um" in document["conventions"]["unit"]
    assert "hd95_physical" in meter.columns()
    without = measured(BoundaryMeter(LESION), seen(disc(10), disc(12))).to_json(None)
    assert "hd95_physical" not in without["per_image"]
    assert without["unit"] == "px"


def test_the_tolerance_used_is_told():
    pictures = [seen(disc(5, shape=(60, 80)), disc(5, shape=(60, 80))), seen(disc(5, (300, 400)), disc(5, (300, 400)))]
    document = measured(BoundaryMeter(LESION), *pictures).to_json(None)
    assert document["tolerance"] == {"pixels": None, "smallest": 1, "largest": 4}
    assert "0.8 %" in document["conventions"]["boundary_f1"]
    document = measured(BoundaryMeter(LESION, tolerance=2.5), *pictures).to_json(None)
    assert document["tolerance"] == {"pixels": 2.5, "smallest": 2.5, "largest": 2.5}
    assert "2.5 pixels" in document["conventions"]["boundary_f1"]


def test_pictures_without_a_counted_pixel_or_with_a_hidden_boundary_are_left_out_and_counted():
    ignored = np.full((60, 80), IGNORE, np.uint8)
    hidden = disc(10)
    hidden[(disc(12) == 1) & (disc(8) == 0)] = IGNORE
    meter = measured(BoundaryMeter(LESION), seen(ignored, disc(3)), seen(hidden, disc(10)), seen(disc(10), disc(10)))
    document = meter.to_json(None)
    assert document["left_out"] == {"pictures": 2, "hidden_classes": 1}
    assert document["per_image"]["boundary_iou"]["value"] == 1
    assert np.isnan(meter.columns()["hd95"]).tolist() == [True, True, False]


def test_a_class_with_a_hidden_boundary_leaves_the_picture_its_other_classes():
    truth = disc(10)
    truth[(disc(12) == 1) & (disc(8) == 0)] = IGNORE
    truth[5:9, 5:9] = 2
    document = measured(BoundaryMeter(THREE), seen(truth, np.where(truth == IGNORE, 0, truth))).to_json(None)
    assert document["per_class"]["leaf"]["hidden"] == 1
    assert document["per_class"]["leaf"]["hd95"]["value"] is None
    assert document["per_image"]["boundary_iou"]["value"] == 1


def test_the_summary_is_json_without_nan_and_says_its_conventions():
    for classes, pictures in ((LESION, [seen(disc(3), disc(4))]), (THREE, [seen(disc(3), disc(4))]), (THREE, [])):
        document = measured(BoundaryMeter(classes), *pictures).to_json(None)
        json.dumps(document, allow_nan=False)
        for word in ("boundary", "boundary_iou", "boundary_f1", "distances", "unit", "empty", "ignored", "averaging"):
            assert len(document["conventions"][word]) > 20


def test_measuring_changes_nothing_in_the_meter():
    meter = BoundaryMeter(LESION, pixel_size=1.0, unit="um")
    assert meter.measure(seen(disc(3), disc(4))) == meter.measure(seen(disc(3), disc(4)))
    assert meter.columns()["hd95"].size == 0


def test_a_pixel_size_without_a_unit_is_refused():
    for options in ({"pixel_size": 0.5}, {"unit": "um"}):
        with pytest.raises(ConfigError, match="go together"):
            BoundaryMeter(LESION, **options)
    with pytest.raises(ConfigError, match="pixel size"):
        BoundaryMeter(LESION, pixel_size=-1.0, unit="um")
    with pytest.raises(ConfigError, match="tolerance"):
        BoundaryMeter(LESION, tolerance=math.nan)
