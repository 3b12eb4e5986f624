import numpy as np
import pytest

from maskwright.errors import ConfigError
from maskwright.evaluation.grid import cut
from maskwright.evaluation.looking import look_at
from maskwright.evaluation.threshold import ThresholdFit, best_cut, picture_curve
from maskwright.images.classes import IGNORE
from maskwright.metrics.counts import count
from maskwright.metrics.fbeta import chosen_measure
from maskwright.metrics.measures import summary
from maskwright.progress import ignore
from support.pictures_in_memory import CROPS, LESION, OVERLAPPING, Pictures, random_truths


def noisy(truth, seed=0, spread=0.25):
    """Probabilities that are near 0.3 outside and near 0.6 inside."""
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(np.where(truth == 1, 0.6, 0.3), spread), 0, 1).astype(np.float32)


def images(truths):
    return [noisy(truth, seed)[..., None] for seed, truth in enumerate(truths)]


def as_it_is(image):
    return np.moveaxis(image, -1, 0)


def choose_threshold(dataset, indices, predict, *, measure="dice", progress=ignore):
    fit = ThresholdFit(dataset.classes, measure)
    look_at(dataset, indices, predict, [fit], stage="threshold", progress=progress)
    return fit.choice()


@pytest.mark.parametrize("measure", ["dice", "iou", "f_beta"])
def test_the_curve_is_what_counting_at_each_cut_gives(measure):
    (truth,) = random_truths(1, ignored=0.2)
    probabilities = noisy(truth)[None]
    probabilities[0, 0, :5] = [0, 1, 0.5, 1 / 1024, 1023 / 1024]  # on the cuts themselves
    curve = picture_curve(truth, probabilities, measure)
    for j in range(1, 1024, 31):
        counts = count(truth, cut(probabilities, LESION, j / 1024), 2)
        assert curve[j - 1] == float(chosen_measure(measure, counts, exclusive=True))


def test_the_curve_of_overlapping_classes_is_their_mean():
    (truth,) = random_truths(1, shape=(20, 20, 2))
    truth[:3, :3] = IGNORE
    probabilities = np.stack([noisy(truth[..., 0], 1), noisy(truth[..., 1], 2)])
    curve = picture_curve(truth, probabilities, "dice")
    for j in (100, 400, 512, 900):
        counts = count(truth, cut(probabilities, OVERLAPPING, j / 1024), 2)
        assert curve[j - 1] == float(summary("dice", counts, exclusive=False))


def test_the_chosen_cut_is_the_best_of_all_on_those_pictures():
    truths = random_truths(6)
    dataset = Pictures(LESION, truths, images(truths))
    choice = choose_threshold(dataset, range(6), as_it_is)

    def mean_dice(threshold):
        masks = [cut(as_it_is(image), LESION, threshold) for image in dataset.images]
        each = [summary("dice", count(t, m, 2), exclusive=True) for t, m in zip(truths, masks, strict=True)]
        return np.mean(each)

    assert choice.value == pytest.approx(mean_dice(choice.threshold), abs=1e-12)
    assert all(choice.value >= mean_dice(other) - 1e-4 for other in np.linspace(0.05, 0.95, 19))


def test_where_false_alarms_cost_more_the_cut_is_higher():
    truths = random_truths(6)
    dataset = Pictures(LESION, truths, images(truths))
    by = {name: choose_threshold(dataset, range(6), as_it_is, measure=name) for name in ("dice", "f_beta")}
    assert by["f_beta"].threshold > by["dice"].threshold
    assert by["f_beta"].measure == "f_beta"


def test_the_curve_of_overlapping_classes_is_their_mean_for_f_beta_too():
    (truth,) = random_truths(1, shape=(20, 20, 2))
    probabilities = np.stack([noisy(truth[..., 0], 1), noisy(truth[..., 1], 2)])
    counts = count(truth, cut(probabilities, OVERLAPPING, 0.5), 2)
    curve = picture_curve(truth, probabilities, "f_beta")
    assert curve[511] == float(chosen_measure("f_beta", counts, exclusive=False))


def test_a_model_that_says_zero_or_one_is_cut_in_the_middle():
    dataset = Pictures(LESION, random_truths(3))
    choice = choose_threshold(dataset, range(3), lambda image: as_it_is(image).astype(np.float32))
    assert (choice.threshold, choice.value) == (0.5, 1)


def test_of_a_flat_maximum_the_middle_is_taken():
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    image = np.array([[[0.1], [0.2], [0.6], [0.9]]], np.float32)
    choice = choose_threshold(Pictures(LESION, [truth], [image]), [0], as_it_is)
    assert choice.threshold == pytest.approx(0.4, abs=1 / 1024)


def test_of_two_flat_maxima_the_wider_is_taken():
    values = np.full(1023, 0.5)
    values[100:110] = 0.9
    values[700:801] = 0.9
    assert best_cut(values, "dice", 5).threshold == 751 / 1024
    values[100:201] = 0.9  # as wide: the one nearer to a half
    assert best_cut(values, "dice", 5).threshold == 751 / 1024


def test_only_the_pictures_named_are_read():
    truths = random_truths(4)
    dataset = Pictures(LESION, truths, images(truths))
    assert choose_threshold(dataset, [1, 3], as_it_is).pictures == 2
    assert sorted(dataset.reads) == [1, 3]


def test_pictures_without_a_counted_pixel_have_no_say():
    truths = [*random_truths(2), np.full((24, 32), IGNORE, np.uint8)]
    dataset = Pictures(LESION, truths, images(truths))
    with_it, without = (choose_threshold(dataset, range(n), as_it_is) for n in (3, 2))
    assert with_it == without


def test_no_picture_with_a_counted_pixel_is_an_error():
    truths = [np.full((4, 4), IGNORE, np.uint8)]
    with pytest.raises(ConfigError) as error:
        choose_threshold(Pictures(LESION, truths, images(truths)), [0], as_it_is)
    assert error.value.what == "No validation picture has a pixel that counts, so no threshold can be chosen."
    assert error.value.fix == "state one: --set evaluation.threshold=0.5"


def test_several_exclusive_classes_need_no_cut():
    with pytest.raises(ConfigError, match="the most probable class is taken"):
        choose_threshold(Pictures(CROPS, random_truths(1, 3)), [0], as_it_is)


def test_the_curve_is_written_thinned():
    content = best_cut(np.linspace(0, 1, 1023), "iou", 5).to_json()
    assert content["measure"] == "iou"
    assert len(content["curve"]["threshold"]) == len(content["curve"]["value"]) <= 70
    assert content["threshold"] == 1023 / 1024


def test_progress_is_reported():
    truths, steps = random_truths(2), []
    choose_threshold(Pictures(LESION, truths, images(truths)), range(2), as_it_is, progress=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("threshold", 1, 2), ("threshold", 2, 2)]
