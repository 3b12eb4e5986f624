import numpy as np
import pytest

from maskwright.errors import DataError, ShapeError
from maskwright.images.classes import IGNORE
from maskwright.metrics.counts import Counts, constant_prediction, count, stack


def pair(seed, shape, num_classes, ignored=0.1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes, shape, dtype=np.uint8)
    prediction = np.where(rng.random(shape) < 0.6, truth, rng.integers(0, num_classes, shape)).astype(np.uint8)
    truth[rng.random(shape) < ignored] = IGNORE
    return truth, prediction


def test_two_by_three_pixels_counted_by_hand():
    truth = np.array([[0, 1, 1], [0, 1, IGNORE]], np.uint8)
    prediction = np.array([[1, 1, 0], [0, 1, 1]], np.uint8)
    counts = count(truth, prediction, 2)
    assert counts == Counts([1, 2], [1, 1], [1, 1], [5, 5])
    assert counts.tn.tolist() == [2, 1]
    assert counts.truth.tolist() == [2, 3]
    assert counts.predicted.tolist() == [2, 3]


@pytest.mark.parametrize("num_classes", [2, 3, 10, 11, 40])
def test_counts_equal_the_confusion_matrix_of_scikit_learn(num_classes):
    from sklearn.metrics import confusion_matrix

    truth, prediction = pair(num_classes, (417, 631), num_classes)  # more than one block of pixels
    counts = count(truth, prediction, num_classes)
    kept = truth != IGNORE
    table = confusion_matrix(truth[kept], prediction[kept], labels=range(num_classes))
    assert counts.tp.tolist() == table.diagonal().tolist()
    assert counts.fp.tolist() == (table.sum(0) - table.diagonal()).tolist()
    assert counts.fn.tolist() == (table.sum(1) - table.diagonal()).tolist()
    assert counts.pixels.tolist() == [kept.sum()] * num_classes


@pytest.mark.parametrize("num_classes", [2, 12])
def test_swapping_truth_and_prediction_swaps_false_positives_and_false_negatives(num_classes):
    truth, prediction = pair(1, (50, 60), num_classes, ignored=0)
    forth, back = count(truth, prediction, num_classes), count(prediction, truth, num_classes)
    assert back == Counts(forth.tp, forth.fn, forth.fp, forth.pixels)


@pytest.mark.parametrize("num_classes", [2, 12])
def test_permuting_the_pixels_changes_nothing(num_classes):
    truth, prediction = pair(2, (50, 60), num_classes)
    order = np.random.default_rng(0).permutation(truth.size)
    shuffled = [mask.reshape(-1)[order].reshape(60, 50) for mask in (truth, prediction)]
    assert count(*shuffled, num_classes) == count(truth, prediction, num_classes)


@pytest.mark.parametrize("num_classes", [2, 12])
def test_what_is_predicted_at_ignored_pixels_changes_nothing(num_classes):
    truth, prediction = pair(3, (50, 60), num_classes, ignored=0.4)
    other = np.where(truth == IGNORE, 200, prediction)
    assert count(truth, other, num_classes) == count(truth, prediction, num_classes)


def test_views_bools_and_wide_integers_count_alike():
    truth, prediction = pair(4, (64, 80), 2)
    expected = count(truth, prediction, 2)
    assert count(truth.astype(np.int64), prediction.astype(bool), 2) == expected
    assert count(np.asfortranarray(truth), prediction.astype(np.uint16), 2) == expected
    assert count(truth[::2, ::-3], prediction[::2, ::-3], 2) == count(truth[::2, ::-3].copy(), prediction[::2, ::-3], 2)


def test_another_ignored_value_can_be_named():
    truth = np.array([[0, 1, 7]], np.uint8)
    assert count(truth, np.array([[0, 1, 1]], np.uint8), 2, ignore=7) == Counts([1, 1], [0, 0], [0, 0], [2, 2])


def test_overlapping_classes_are_counted_each_on_its_own():
    truth, prediction = np.zeros((2, 4, 5, 3), np.uint8)
    truth[:2, :, 0] = 1
    truth[1:, :, 1] = 1
    truth[0, 0, 1] = IGNORE
    prediction[0, :, 0] = 1
    prediction[:, :, 2] = 1
    counts = count(truth, prediction, 3)
    assert counts == Counts([5, 0, 0], [0, 0, 20], [5, 15, 0], [20, 19, 20])


def test_an_empty_picture_counts_nothing():
    nothing = np.zeros((0, 5), np.uint8)
    assert count(nothing, nothing, 2) == Counts([0, 0], [0, 0], [0, 0], [0, 0])


@pytest.mark.parametrize("num_classes", [5, 12])
@pytest.mark.parametrize("which", ["true", "predicted"])
def test_a_value_that_is_no_class_is_named_with_its_place(which, num_classes):
    masks = {"true": np.zeros((60, 150), np.uint8), "predicted": np.zeros((60, 150), np.uint8)}
    masks[which][40, 113] = 77
    with pytest.raises(DataError) as error:
        count(masks["true"], masks["predicted"], num_classes)
    assert str(error.value) == (
        f"The {which} mask holds 77, which is no class.\n"
        "  where: first at row 40, column 113\n"
        f"  fix:   the classes are 0-{num_classes - 1}; add the class, or name the value that is to be ignored"
    )


def test_negative_values_are_no_class_either():
    with pytest.raises(DataError, match="holds -1, which is no class"):
        count(np.array([[0, -1]]), np.array([[0, 0]]), 12)


def test_shapes_that_do_not_belong_together_are_named():
    with pytest.raises(ShapeError, match=r"got \(2, 3\) and \(3, 2\)"):
        count(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), 2)
    with pytest.raises(ShapeError, match="one channel a class: 2, not 3"):
        count(np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3, 3), np.uint8), 2)


def test_probabilities_are_refused():
    with pytest.raises(ShapeError, match="cut probabilities first"):
        count(np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.float32), 2)


def test_counts_of_pictures_add_up_to_those_of_the_pictures_side_by_side():
    pairs = [pair(seed, (20, 30), 4) for seed in range(5)]
    side_by_side = count(np.hstack([t for t, _ in pairs]), np.hstack([p for _, p in pairs]), 4)
    assert stack([count(t, p, 4) for t, p in pairs]).total() == side_by_side


def test_counts_survive_the_way_through_one_array():
    counts = stack([count(*pair(seed, (9, 9), 3), 3) for seed in range(4)])
    assert Counts.from_array(counts.as_array().astype(np.float64)) == counts
    assert hash(Counts.from_array(counts.as_array())) == hash(counts)


def test_no_counts_cannot_be_stacked():
    with pytest.raises(ShapeError, match="no counts"):
        stack([])


@pytest.mark.parametrize("k", range(4))
def test_a_constant_answer_is_counted_without_looking_at_the_pictures_again(k):
    truth, prediction = pair(5, (40, 40), 4)
    counts = count(truth, prediction, 4)
    assert constant_prediction(counts, [k]) == count(truth, np.full_like(truth, k), 4)


def test_a_constant_answer_of_overlapping_classes_may_be_several_or_none():
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 2, (8, 9, 3), dtype=np.uint8)
    truth[0, :3, 1] = IGNORE
    counts = count(truth, np.zeros_like(truth), 3)
    both = np.zeros_like(truth)
    both[..., [0, 2]] = 1
    assert constant_prediction(counts, []) == counts
    assert constant_prediction(counts, [0, 2]) == count(truth, both, 3)
