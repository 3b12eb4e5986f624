import numpy as np
import pytest

from maskwright.evaluation.agreement import AgreementMeter
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE
from support.pictures_in_memory import CROPS, LESION


def seen(truth, mask, name="p"):
    return Seen(name, "", None, np.asarray(truth, np.uint8), np.asarray(mask, np.uint8), None)


def agreement(pictures, *people, classes=LESION):
    """people: for each further person, id -> mask."""
    meter = AgreementMeter(classes, {f"person {n}": masks.get for n, masks in enumerate(people, start=2)})
    for picture in pictures:
        meter.add(meter.measure(picture))
    return meter


def test_two_people_and_a_model_worked_by_hand():
    first, second = np.array([[1, 1, 0, 0]], np.uint8), np.array([[0, 1, 1, 0]], np.uint8)
    meter = agreement([seen(first, [[1, 1, 1, 0]])], {"p": second})
    told = meter.to_json(None)
    assert told["people"]["dice"]["value"] == 2 / 4
    assert told["people"]["iou"]["value"] == 1 / 3
    assert told["model"]["dice"]["value"] == pytest.approx((4 / 5 + 4 / 5) / 2)
    assert told["pictures"] == 1
    assert told["names"] == ["the truth", "person 2"]


def test_three_people_are_three_pairs():
    rng = np.random.default_rng(0)
    a, b, c = rng.integers(0, 2, (3, 6, 7), dtype=np.uint8)
    dice = lambda x, y: 2 * (x & y).sum() / (x.sum() + y.sum())  # noqa: E731
    told = agreement([seen(a, b)], {"p": b}, {"p": c}).to_json(None)
    assert told["people"]["dice"]["value"] == pytest.approx((dice(a, b) + dice(a, c) + dice(b, c)) / 3)
    assert told["model"]["dice"]["value"] == pytest.approx((dice(a, b) + 1 + dice(c, b)) / 3)


def test_a_picture_that_one_person_marked_is_left_out():
    mask = np.eye(4, dtype=np.uint8)
    meter = agreement([seen(mask, mask, "p"), seen(mask, 1 - mask, "q")], {"p": mask})
    assert meter.to_json(None)["pictures"] == 1
    assert meter.to_json(None)["model"]["dice"]["value"] == 1
    assert np.isnan(meter.columns()["people_dice"][1])


def test_without_any_further_mask_nothing_is_defined():
    mask = np.eye(4, dtype=np.uint8)
    told = agreement([seen(mask, mask)], {}).to_json(None)
    assert told["people"]["dice"]["value"] is None
    assert told["pictures"] == 0


def test_what_either_person_ignores_does_not_count():
    first = np.array([[1, 1, IGNORE, 0]], np.uint8)
    second = np.array([[1, IGNORE, 1, 1]], np.uint8)
    told = agreement([seen(first, [[1, 1, 1, 0]])], {"p": second}).to_json(None)
    assert told["people"]["dice"]["value"] == 2 / 3  # counted: one pixel both mark, one that only the second marks


def test_people_who_agree_agree_in_every_class():
    mask = np.random.default_rng(1).integers(0, 3, (8, 9), dtype=np.uint8)
    told = agreement([seen(mask, mask)], {"p": mask}, classes=CROPS).to_json(None)
    assert told["people"]["iou"]["value"] == 1


def test_a_mask_of_another_size_is_brought_to_the_first_ones_grid():
    mask = np.zeros((4, 4), np.uint8)
    mask[:2] = 1
    told = agreement([seen(mask, mask)], {"p": mask.repeat(3, axis=0).repeat(3, axis=1)}).to_json(None)
    assert told["people"]["dice"]["value"] == 1
