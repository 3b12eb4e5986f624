import numpy as np
import pytest
from sklearn.metrics import fbeta_score

from maskwright.metrics.counts import Counts, count
from maskwright.metrics.fbeta import chosen_measure, f_beta
from maskwright.metrics.measures import dice, summary


def two_masks(num_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, num_classes, (2, 20, 30), dtype=np.uint8)


@pytest.mark.parametrize("beta2", [0.3, 1.0, 2.0, 0.25])
def test_it_agrees_with_scikit_learn(beta2):
    truth, prediction = two_masks(3)
    expected = fbeta_score(truth.reshape(-1), prediction.reshape(-1), beta=beta2**0.5, average=None)
    assert f_beta(count(truth, prediction, 3), beta2) == pytest.approx(expected, abs=1e-12)


def test_a_beta_of_one_is_dice():
    counts = count(*two_masks(), 2)
    assert (f_beta(counts, 1) == dice(counts)).all()


def test_by_hand_a_false_alarm_costs_more_than_a_miss():
    missed, invented = Counts([8], [0], [2], [20]), Counts([8], [2], [0], [20])
    assert f_beta(missed) == pytest.approx([1.3 * 8 / (1.3 * 8 + 0.3 * 2)])
    assert f_beta(invented) == pytest.approx([1.3 * 8 / (1.3 * 8 + 2)])


def test_the_empty_rule_is_that_of_dice():
    counts = Counts([[0, 0, 0, 0]], [[0, 3, 0, 0]], [[0, 0, 3, 0]], [[9, 9, 9, 0]])
    found = f_beta(counts)[0]
    assert found[:3].tolist() == [1, 0, 0]
    assert np.isnan(found[3])


@pytest.mark.parametrize(("num_classes", "exclusive"), [(2, True), (3, True), (3, False)])
def test_one_number_of_several_classes_is_taken_as_for_dice(num_classes, exclusive):
    counts = count(*two_masks(num_classes), num_classes)
    each = f_beta(counts)
    expected = each[1] if num_classes == 2 else each.mean()
    assert chosen_measure("f_beta", counts, exclusive=exclusive) == pytest.approx(expected, abs=1e-12)
    assert chosen_measure("iou", counts, exclusive=exclusive) == summary("iou", counts, exclusive=exclusive)


def test_overlapping_classes_that_nobody_shows_score_one():
    nothing = Counts([0, 0], [0, 0], [0, 0], [9, 9])
    assert chosen_measure("f_beta", nothing, exclusive=False) == 1
