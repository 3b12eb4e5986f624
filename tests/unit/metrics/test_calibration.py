import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE
from maskwright.metrics.calibration import (
    brier_score,
    calibration_sums,
    expected_error,
    maximum_error,
    negative_log_likelihood,
    no_sums,
    reliability,
)


def some(num_classes=1, *, seed=0, shape=(40, 60)):
    """Truth and probabilities that know something of it."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, max(2, num_classes), shape, dtype=np.uint8)
    if num_classes == 1:
        p = rng.beta(0.6, 1.0, shape)
        return truth, np.where(truth == 1, 1 - p, p).astype(np.float32)[None]
    raw = rng.normal(0, 1, (num_classes, *shape)) + 1.2 * (truth == np.arange(num_classes)[:, None, None])
    values = np.exp(2 * raw)
    return truth, (values / values.sum(axis=0)).astype(np.float32)


def test_four_pixels_by_hand():
    truth = np.array([[1, 0, 1, 0]], np.uint8)
    sums = calibration_sums(truth, np.array([[[0.9, 0.9, 0.3, 0.1]]], np.float32))
    # 0.9, 0.9: half of them true; 0.3: true; 0.1: not
    assert expected_error(sums) == pytest.approx((2 * 0.4 + 0.7 + 0.1) / 4, abs=1e-7)
    assert maximum_error(sums) == pytest.approx(0.7, abs=1e-7)
    assert brier_score(sums) == pytest.approx((0.01 + 0.81 + 0.49 + 0.01) / 4, abs=1e-7)
    assert negative_log_likelihood(sums) == pytest.approx(-np.log(0.9 * 0.1 * 0.3 * 0.9) / 4, abs=1e-6)


def test_two_classes_agree_with_torchmetrics_and_scikit_learn():
    truth, p = some()
    sums, flat = calibration_sums(truth, p), p.reshape(-1)
    labels = truth.reshape(-1)
    given = torch.from_numpy(flat), torch.from_numpy(labels.astype(np.int64))
    assert expected_error(sums) == pytest.approx(float(binary_calibration_error(*given, n_bins=15)), abs=1e-6)
    maximum = float(binary_calibration_error(*given, n_bins=15, norm="max"))
    assert maximum_error(sums) == pytest.approx(maximum, abs=1e-6)
    frequency, confidence = calibration_curve(labels, flat, n_bins=15)
    assert [one["frequency"] for one in reliability(sums)] == pytest.approx(frequency.tolist(), abs=1e-12)
    assert [one["confidence"] for one in reliability(sums)] == pytest.approx(confidence.tolist(), abs=1e-6)
    assert brier_score(sums) == pytest.approx(brier_score_loss(labels, flat), abs=1e-6)
    assert negative_log_likelihood(sums) == pytest.approx(log_loss(labels, flat), abs=1e-6)


def test_several_classes_agree_with_torchmetrics_and_scikit_learn():
    truth, p = some(4)
    sums, flat, labels = calibration_sums(truth, p), p.reshape(4, -1).T.astype(np.float64), truth.reshape(-1)
    given = torch.from_numpy(flat.astype(np.float32)), torch.from_numpy(labels.astype(np.int64))
    found = multiclass_calibration_error(*given, num_classes=4, n_bins=15)
    assert expected_error(sums) == pytest.approx(float(found), abs=1e-6)
    flat /= flat.sum(axis=1, keepdims=True)
    assert negative_log_likelihood(sums) == pytest.approx(log_loss(labels, flat), abs=1e-6)
    assert brier_score(sums) == pytest.approx(brier_score_loss(labels, flat, scale_by_half=True), abs=1e-6)


def test_two_classes_as_a_softmax_have_the_brier_score_and_likelihood_of_one_sigmoid():
    truth, p = some()
    both = np.concatenate([1 - p, p])
    one, two = calibration_sums(truth, p), calibration_sums(truth, both)
    assert brier_score(two) == pytest.approx(brier_score(one), abs=1e-6)
    assert negative_log_likelihood(two) == pytest.approx(negative_log_likelihood(one), abs=1e-6)


def test_overlapping_classes_are_so_many_yes_or_no_answers():
    (a, p), (b, q) = some(seed=1), some(seed=2)
    sums = calibration_sums(np.stack([a, b], axis=-1), np.concatenate([p, q]))
    assert expected_error(sums) == expected_error(calibration_sums(a, p) + calibration_sums(b, q))
    assert sums.answers == a.size + b.size


@pytest.mark.parametrize("num_classes", [1, 4])
def test_ignored_pixels_change_nothing(num_classes):
    truth, p = some(num_classes)
    truth[:, 50:] = IGNORE
    with_them, without = calibration_sums(truth, p), calibration_sums(truth[:, :50], p[:, :, :50])
    assert (with_them.pixels == without.pixels).all() and (with_them.true == without.true).all()
    assert with_them.confidence == pytest.approx(without.confidence)
    assert with_them.log == pytest.approx(without.log)
    assert with_them.squared == pytest.approx(without.squared)


def test_a_class_ignored_in_its_own_channel_leaves_the_others_in():
    truth, p = np.zeros((2, 3, 2), np.uint8), np.full((2, 2, 3), 0.2, np.float32)
    truth[0, 0, 1] = IGNORE
    assert calibration_sums(truth, p).answers == 11


def test_the_order_of_pixels_and_the_size_of_blocks_change_nothing(monkeypatch):
    truth, p = some()
    order = np.random.default_rng(5).permutation(truth.size)
    mixed = calibration_sums(truth.reshape(1, -1)[:, order], p.reshape(1, 1, -1)[:, :, order])
    monkeypatch.setattr("maskwright.metrics.calibration._BLOCK", 7)
    blocks = calibration_sums(truth, p)
    assert expected_error(blocks) == pytest.approx(expected_error(mixed), abs=1e-12)
    assert (blocks.pixels == mixed.pixels).all()


def test_bins_are_open_at_their_lower_end_and_zero_is_in_the_first():
    p = np.array([[[0.0, 0.25, 0.26, 0.5, 1.0]]], np.float32)
    assert calibration_sums(np.zeros((1, 5), np.uint8), p, bins=4).pixels.tolist() == [2, 2, 0, 1]


def test_probabilities_of_zero_and_one_cost_something_finite():
    truth = np.array([[1, 0]], np.uint8)
    wrong = calibration_sums(truth, np.array([[[0.0, 1.0]]], np.float32))
    right = calibration_sums(truth, np.array([[[1.0, 0.0]]], np.float32))
    assert negative_log_likelihood(wrong) == pytest.approx(15.94, abs=0.01)
    assert negative_log_likelihood(right) == 0 == expected_error(right) == brier_score(right)


def test_values_that_rounding_has_put_outside_count_as_zero_and_one():
    sums = calibration_sums(np.array([[0, 1]], np.uint8), np.array([[[-1e-4, 1 + 1e-4]]], np.float32))
    assert expected_error(sums) == 0


def test_without_a_pixel_nothing_is_defined():
    sums = calibration_sums(np.full((2, 2), IGNORE, np.uint8), np.zeros((1, 2, 2), np.float32))
    figures = [measure(sums) for measure in (expected_error, maximum_error, brier_score, negative_log_likelihood)]
    assert np.isnan(figures).all()
    assert reliability(sums)[0] == {"low": 0, "high": 1 / 15, "pixels": 0, "confidence": None, "frequency": None}
    assert (sums + no_sums()).answers == 0


def test_shapes_that_do_not_belong_together_are_told():
    with pytest.raises(ShapeError, match=r"got \(2, 2\) and \(1, 2, 3\)"):
        calibration_sums(np.zeros((2, 2), np.uint8), np.zeros((1, 2, 3), np.float32))
    with pytest.raises(ShapeError, match=r"got \(2, 2, 3\) and \(2, 2, 2\)"):
        calibration_sums(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 2), np.float32))
