import json

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from maskwright.errors import DataError
from maskwright.evaluation.confusion import ConfusionMeter
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE, Classes
from support.pictures_in_memory import CROPS, LESION, OVERLAPPING, random_truths


def told(classes, *pairs):
    """What the meter says of pairs of (truth, mask)."""
    meter = ConfusionMeter(classes)
    for truth, mask in pairs:
        meter.add(meter.measure(Seen("", "", None, np.array(truth, np.uint8), np.array(mask, np.uint8), None)))
    content = meter.to_json(None)
    assert json.loads(json.dumps(content)) == content
    return content


def test_the_commonest_confusion_of_each_class_is_said():
    truth = [[2, 2, 2, 2, 2, 2, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]]
    mask = [[2, 2, 2, 2, 2, 2, 2, 1, 1, 0], [0, 0, 0, 0, 0, 0, 2, 0, 1, 1]]

    found = told(CROPS, (truth, mask))

    assert found["table"] == [[7, 0, 1], [0, 2, 0], [1, 2, 7]]
    assert found["per_class"]["weed"] == {
        "missed": {"class": "crop", "pixels": 2, "share": 0.2, "said": "of 'weed' 20 % is called 'crop'"},
        "invented": {"class": "soil", "pixels": 1, "share": 0.125, "said": "of what is called 'weed' 12 % is 'soil'"},
    }
    assert found["per_class"]["crop"]["missed"] is None
    assert found["per_class"]["crop"]["invented"]["said"] == "of what is called 'crop' 50 % is 'weed'"
    assert found["said"] == ["of 'weed' 20 % is called 'crop'", "of 'soil' 12 % is called 'weed'"]


@pytest.mark.parametrize("size", [2, 3, 20, 254])
def test_the_table_is_that_of_scikit_learn(size):
    rng = np.random.default_rng(size)
    truths = rng.integers(0, size, (3, 300, 500), dtype=np.uint8)  # more than one block
    masks = np.where(rng.random(truths.shape) < 0.7, truths, rng.integers(0, size, truths.shape)).astype(np.uint8)

    found = told(Classes(tuple(f"c{k}" for k in range(size))), *zip(truths, masks, strict=True))

    theirs = confusion_matrix(truths.reshape(-1), masks.reshape(-1), labels=range(size))
    assert np.array_equal(found["table"], theirs)
    assert np.allclose(found["shares"], theirs / theirs.sum(axis=1, keepdims=True))


def test_ignored_pixels_are_in_no_count_whatever_is_predicted_there():
    truth = random_truths(1, 3, ignored=0.3)[0]
    mask = np.where(truth == IGNORE, 77, truth)

    found = told(CROPS, (truth, mask))

    assert np.sum(found["table"]) == np.trace(found["table"]) == np.sum(truth != IGNORE)
    assert found["said"] == []


def test_a_class_that_is_never_shown_has_no_shares_and_no_confusion():
    found = told(CROPS, ([[0, 1]], [[0, 0]]))

    assert found["shares"] == [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], None]
    assert found["per_class"]["weed"] == {"missed": None, "invented": None}


def test_a_perfect_mask_confuses_nothing():
    truth = random_truths(1, 3)[0]
    found = told(CROPS, (truth, truth))
    assert all(one == {"missed": None, "invented": None} for one in found["per_class"].values())


@pytest.mark.parametrize("mask", [[[0, 3]], [[0, 255]]])
def test_a_value_that_is_no_class_is_refused(mask):
    with pytest.raises(DataError, match="no class"):
        told(CROPS, ([[0, 1]], mask))
    with pytest.raises(DataError, match="no class"):
        told(CROPS, (np.minimum(mask, 254), [[0, 1]]))


def test_overlapping_classes_are_confused_where_they_are_missed_and_where_they_are_invented():
    #         cell, nucleus of five pixels
    truth = [[[1, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
    mask = [[[0, 1], [1, 0], [0, 1], [1, 1], [1, 0]]]

    found = told(OVERLAPPING, (truth, mask))

    assert found["table"] is None and found["shares"] is None
    cell, nucleus = found["per_class"]["cell"], found["per_class"]["nucleus"]
    assert cell["missed"] == {
        "class": "nucleus", "pixels": 2, "share": 2 / 3,
        "said": "of 'cell' 67 % is missed where the prediction says 'nucleus'",
    }  # fmt: skip
    assert cell["invented"]["pixels"] == 1 and cell["invented"]["share"] == 1 / 3
    assert nucleus["missed"] is None
    assert nucleus["invented"]["said"] == "of what is called 'nucleus' 33 % is wrong where the truth says 'cell'"


def test_overlapping_counts_are_those_of_loops_over_classes():
    rng = np.random.default_rng(1)
    truth = rng.choice(np.array([0, 1, IGNORE], np.uint8), (300, 170, 3), p=[0.5, 0.4, 0.1])
    mask = rng.integers(0, 2, truth.shape, dtype=np.uint8)
    meter = ConfusionMeter(Classes(("a", "b", "c"), exclusive=False))

    found = meter.measure(Seen("", "", None, truth, mask, None))

    for k in range(3):
        missed, invented = (truth[..., k] == 1) & (mask[..., k] == 0), (truth[..., k] == 0) & (mask[..., k] == 1)
        for j in range(3):
            judged = (mask[..., j] == 1) & (truth[..., j] != IGNORE)
            assert found.missed[k, j] == (missed & judged).sum()
            assert found.invented[k, j] == (invented & (truth[..., j] == 1)).sum()


def test_pictures_add_up_and_their_order_does_not_count():
    truths, masks = random_truths(4, 3, seed=1), random_truths(4, 3, seed=2)
    pairs = list(zip(truths, masks, strict=True))
    assert (
        told(CROPS, *pairs) == told(CROPS, *pairs[::-1]) == told(CROPS, (np.concatenate(truths), np.concatenate(masks)))
    )


def test_the_table_of_two_classes_is_that_of_the_counts():
    truth, mask = random_truths(2)
    (tn, fp), (fn, tp) = told(LESION, (truth, mask))["table"]
    assert (tn, fp, fn, tp) == tuple(((truth == t) & (mask == m)).sum() for t in (0, 1) for m in (0, 1))
    assert ConfusionMeter(LESION).columns() == {}
