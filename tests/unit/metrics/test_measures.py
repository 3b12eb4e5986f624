import numpy as np
import pytest

from maskwright.images.classes import IGNORE
from maskwright.metrics.counts import Counts, count, stack
from maskwright.metrics.measures import (
    MEASURES,
    accuracy,
    dice,
    iou,
    mean_over,
    precision,
    recall,
    specificity,
    summary,
)


def masks(seed, num_classes, shape=(70, 90)):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes, shape, dtype=np.uint8)
    prediction = np.where(rng.random(shape) < 0.7, truth, rng.integers(0, num_classes, shape)).astype(np.uint8)
    truth[rng.random(shape) < 0.05] = IGNORE
    return truth, prediction


def test_measures_of_a_small_case_worked_by_hand():
    counts = Counts([6], [2], [4], [20])  # 6 found, 2 invented, 4 missed, 8 rightly left
    assert dice(counts) == 12 / 18
    assert iou(counts) == 6 / 12
    assert precision(counts) == 6 / 8
    assert recall(counts) == 6 / 10
    assert specificity(counts) == 8 / 10
    assert accuracy(counts) == 14 / 20


def test_specificity_is_the_recall_of_the_background():
    truth, prediction = masks(3, 2)
    counts = count(truth, prediction, 2)
    assert specificity(counts)[1] == recall(counts)[0]


def test_specificity_is_one_where_nothing_was_to_be_left_alone():
    assert specificity(Counts([9], [0], [0], [9])) == 1
    assert np.isnan(specificity(Counts([0], [0], [0], [0])))


def test_false_alarms_of_a_class_that_the_truth_does_not_show_lower_specificity():
    truth, prediction = np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 2, 1, 1]], np.uint8)
    assert summary("specificity", count(truth, prediction, 3), exclusive=True) == (1 + 1 + 3 / 4) / 3


@pytest.mark.parametrize("seed", range(5))
def test_the_foreground_scores_of_scikit_learn(seed):
    from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

    truth, prediction = masks(seed, 2)
    counts = count(truth, prediction, 2)
    kept = truth != IGNORE
    theirs = {
        "dice": f1_score, "iou": jaccard_score, "precision": precision_score, "recall": recall_score,
        "accuracy": accuracy_score,
    }  # fmt: skip
    for name, score in theirs.items():
        assert float(summary(name, counts, exclusive=True)) == pytest.approx(
            score(truth[kept], prediction[kept]), abs=1e-12
        )


@pytest.mark.parametrize("num_classes", [3, 5, 13])
def test_the_macro_scores_of_scikit_learn_over_the_classes_shown(num_classes):
    from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

    truth, prediction = masks(num_classes, num_classes)
    truth[truth == 2] = 0  # class 2 is predicted, but the truth does not show it
    counts = count(truth, prediction, num_classes)
    kept = truth != IGNORE
    shown = sorted(set(truth[kept].tolist()))
    theirs = {"dice": f1_score, "iou": jaccard_score, "precision": precision_score, "recall": recall_score}
    for name, score in theirs.items():
        expected = score(truth[kept], prediction[kept], labels=shown, average="macro", zero_division=0)
        assert float(summary(name, counts, exclusive=True)) == pytest.approx(expected, abs=1e-12)
    expected = accuracy_score(truth[kept], prediction[kept])
    assert float(summary("accuracy", counts, exclusive=True)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_laws(seed):
    truth, prediction = masks(seed, 4)
    counts = count(truth, prediction, 4)
    np.testing.assert_allclose(iou(counts), dice(counts) / (2 - dice(counts)), rtol=1e-14)
    harmonic = 2 * precision(counts) * recall(counts) / (precision(counts) + recall(counts))
    np.testing.assert_allclose(dice(counts), harmonic, rtol=1e-14)
    kept = np.where(truth == IGNORE, 0, truth), np.where(truth == IGNORE, 0, prediction)
    forth, back = count(*kept, 4), count(*kept[::-1], 4)
    assert precision(forth).tolist() == recall(back).tolist()
    assert dice(forth).tolist() == dice(back).tolist()
    for measure in MEASURES.values():
        assert ((measure(counts) >= 0) & (measure(counts) <= 1)).all()


def test_a_perfect_prediction_scores_one_in_everything():
    truth, _ = masks(0, 3)
    counts = count(truth, np.where(truth == IGNORE, 0, truth), 3)
    for name in MEASURES:
        assert summary(name, counts, exclusive=True) == 1


@pytest.mark.parametrize("name", ["dice", "iou", "precision", "recall"])
def test_the_rule_for_empty_masks(name):
    def foreground(truth, prediction):
        counts = count(np.full((3, 3), truth, np.uint8), np.full((3, 3), prediction, np.uint8), 2)
        return float(summary(name, counts, exclusive=True))

    assert foreground(0, 0) == 1  # neither shows it
    assert foreground(1, 0) == 0  # only the truth
    assert foreground(0, 1) == 0  # only the prediction


def test_a_picture_without_a_counted_pixel_has_no_score():
    counts = count(np.full((3, 3), IGNORE, np.uint8), np.zeros((3, 3), np.uint8), 2)
    three = count(np.full((3, 3), IGNORE, np.uint8), np.zeros((3, 3), np.uint8), 3)
    for name in MEASURES:
        assert np.isnan(summary(name, counts, exclusive=True))
        assert np.isnan(summary(name, three, exclusive=True))


def test_classes_the_truth_does_not_show_are_not_in_the_mean():
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    prediction = np.array([[0, 2, 1, 1]], np.uint8)
    counts = count(truth, prediction, 3)
    assert summary("recall", counts, exclusive=True) == (0.5 + 1) / 2
    assert summary("iou", counts, exclusive=True) == (0.5 + 1) / 2
    assert summary("accuracy", counts, exclusive=True) == 3 / 4


def test_overlapping_classes_of_which_none_is_shown_follow_the_empty_rule():
    blank = np.zeros((4, 4, 2), np.uint8)
    marked = blank.copy()
    marked[0, 0, 1] = 1
    assert summary("dice", count(blank, blank, 2), exclusive=False) == 1
    assert summary("dice", count(blank, marked, 2), exclusive=False) == 0
    assert summary("accuracy", count(blank, marked, 2), exclusive=False) == 31 / 32


def test_two_overlapping_classes_are_not_taken_for_background_and_foreground():
    truth, prediction = np.zeros((2, 2, 2, 2), np.uint8)
    truth[..., 0] = prediction[..., 0] = 1
    truth[0, :, 1] = 1
    assert summary("dice", count(truth, prediction, 2), exclusive=False) == 0.5


def test_many_pictures_at_once_score_as_each_alone():
    each = [count(*masks(seed, 3), 3) for seed in range(4)]
    together = stack(each)
    for name in MEASURES:
        alone = [float(summary(name, one, exclusive=True)) for one in each]
        assert summary(name, together, exclusive=True).tolist() == alone


def test_the_mean_is_said_in_words():
    assert mean_over(("background", "lesion"), exclusive=True) == "the foreground class 'lesion'"
    assert "background included" in mean_over(("a", "b", "c"), exclusive=True)
    assert "overlapping" in mean_over(("a", "b"), exclusive=False)
