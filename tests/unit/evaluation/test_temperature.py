import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from maskwright.errors import ConfigError
from maskwright.evaluation.looking import look_at
from maskwright.evaluation.temperature import HIGHEST, LOWEST, MAX_PIXELS, TemperatureFit, thinned
from maskwright.images.classes import IGNORE
from maskwright.progress import ignore
from support.pictures_in_memory import CROPS, LESION, OVERLAPPING, Pictures, Sample


def sigmoid(logits):
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def softmax(logits):
    values = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (values / values.sum(axis=-1, keepdims=True)).astype(np.float32)


def drawn(p, rng):
    """Truths with just these probabilities; (..., K) exclusive classes."""
    return (p.cumsum(axis=-1) < rng.random((*p.shape[:-1], 1))).sum(axis=-1).clip(0, p.shape[-1] - 1).astype(np.uint8)


class Grouped(Pictures):
    """Pictures whose groups are handed in."""

    def __init__(self, classes, truths, images, groups):
        super().__init__(classes, truths, images)
        self.groups = groups

    def __getitem__(self, index):
        return Sample(f"p{index}", self.groups[index])


def binary_set(factor, *, spread=2.0, pictures=4, shape=(120, 150)):
    """Pictures that hold logits, `factor` times those by which the truth was drawn."""
    rng = np.random.default_rng(1)
    logits = [rng.normal(0, spread, (*shape, 1)) for _ in range(pictures)]
    truths = [(rng.random(shape) < sigmoid(one)[..., 0]).astype(np.uint8) for one in logits]
    return Pictures(LESION, truths, [factor * one for one in logits])


def several_set(factor):
    rng = np.random.default_rng(2)
    logits = [rng.normal(0, 1.5, (90, 110, 3)) for _ in range(8)]
    return Pictures(CROPS, [drawn(softmax(one), rng) for one in logits], [factor * one for one in logits])


def overlapping_set(factor):
    rng = np.random.default_rng(3)
    logits = [rng.normal(0, 2, (90, 110, 2)) for _ in range(4)]
    truths = [(rng.random(one.shape) < sigmoid(one)).astype(np.uint8) for one in logits]
    return Pictures(OVERLAPPING, truths, [factor * one for one in logits])


def by_sigmoid(image):
    return np.moveaxis(sigmoid(image), -1, 0)


def by_softmax(image):
    return np.moveaxis(softmax(image), -1, 0)


def choose_temperature(dataset, indices, predict, *, progress=ignore):
    fit = TemperatureFit(dataset.classes)
    look_at(dataset, indices, predict, [fit], stage="temperature", progress=progress)
    return fit.choice()


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize(
    ("make", "predict"), [(binary_set, by_sigmoid), (several_set, by_softmax), (overlapping_set, by_sigmoid)]
)
def test_logits_that_are_too_large_by_a_factor_give_that_temperature(make, predict, factor):
    dataset = make(factor)
    choice = choose_temperature(dataset, range(len(dataset.truths)), predict)
    assert choice.temperature == pytest.approx(factor, rel=0.05)
    assert not choice.at_end


def test_it_is_the_minimum_that_a_slow_search_finds():
    dataset = binary_set(2.2, spread=1.5)

    def mean_cost(temperature):
        each = []
        for truth, logits in zip(dataset.truths, dataset.images, strict=True):
            z = logits[..., 0] / temperature
            each.append(np.logaddexp(0, np.where(truth == 1, -z, z)).mean())
        return np.mean(each)

    slow = minimize_scalar(mean_cost, bounds=(LOWEST, HIGHEST), method="bounded", options={"xatol": 1e-6})
    choice = choose_temperature(dataset, range(4), by_sigmoid)
    assert choice.temperature == pytest.approx(slow.x, rel=2e-3)
    assert choice.proven_gain == pytest.approx(1 - slow.fun / mean_cost(1.0), abs=0.01)
    assert choice.fit.nll_per_image == pytest.approx(mean_cost(1.0), abs=1e-5)


def test_logits_that_are_honest_promise_nothing():
    assert choose_temperature(binary_set(1.0), range(4), by_sigmoid).proven_gain < 0.001


def test_one_odd_picture_moves_the_temperature_and_proves_nothing():
    honest, odd = binary_set(1.0, pictures=7), binary_set(8.0, pictures=1)
    names = [f"g{number}" for number in range(8)]
    dataset = Grouped(LESION, honest.truths + odd.truths, honest.images + odd.images, names)
    choice = choose_temperature(dataset, range(8), by_sigmoid)
    assert choice.temperature > 1.2
    assert choice.proven_gain < 0.01


def test_the_pictures_of_a_group_prove_nothing_to_each_other():
    dataset = binary_set(3.0)
    alone = Grouped(LESION, dataset.truths, dataset.images, ["same"] * 4)
    choice = choose_temperature(alone, range(4), by_sigmoid)
    assert choice.temperature == pytest.approx(3.0, rel=0.05)
    assert choice.proven_gain == 0
    nameless = Grouped(LESION, dataset.truths, dataset.images, [""] * 4)
    assert choose_temperature(nameless, range(4), by_sigmoid).proven_gain > 0.1


def test_each_picture_counts_the_same_however_many_pixels_it_has():
    honest, loud = binary_set(1.0, pictures=1, shape=(20, 30)), binary_set(3.0, pictures=1, shape=(200, 300))
    small_and_large = Pictures(LESION, honest.truths + loud.truths, honest.images + loud.images)
    loud_again = binary_set(3.0, pictures=1, shape=(20, 30))
    both_small = Pictures(LESION, honest.truths + loud_again.truths, honest.images + loud_again.images)
    one, other = (choose_temperature(data, range(2), by_sigmoid).temperature for data in (small_and_large, both_small))
    assert one == pytest.approx(other, rel=0.1)
    assert 1.2 < one < 2.8


def test_a_model_that_is_always_right_ends_at_the_lowest():
    truths = [np.eye(8, dtype=np.uint8)]
    dataset = Pictures(LESION, truths, [np.where(truths[0] == 1, 3.0, -3.0)[..., None]])
    choice = choose_temperature(dataset, [0], by_sigmoid)
    assert (choice.temperature, choice.at_end) == (LOWEST, True)


def test_a_model_without_a_clue_ends_at_the_highest():
    rng = np.random.default_rng(0)
    dataset = Pictures(LESION, [rng.integers(0, 2, (50, 50), dtype=np.uint8)], [rng.normal(0, 5, (50, 50, 1))])
    assert choose_temperature(dataset, [0], by_sigmoid).temperature > 7


def test_ignored_pixels_and_pictures_have_no_say():
    dataset = binary_set(2.0)
    spoilt = Pictures(LESION, [truth.copy() for truth in dataset.truths], [one.copy() for one in dataset.images])
    for truth, image in zip(spoilt.truths, spoilt.images, strict=True):
        image[100:] = 9.0  # sure, and wrong half of the time
        truth[100:] = IGNORE
    for truth in dataset.truths:
        truth[100:] = IGNORE
    spoilt.truths.append(np.full((5, 5), IGNORE, np.uint8))
    spoilt.images.append(np.ones((5, 5, 1)))
    choices = choose_temperature(dataset, range(4), by_sigmoid), choose_temperature(spoilt, range(5), by_sigmoid)
    assert choices[0].temperature == choices[1].temperature
    assert choices[1].fit.pictures == 4


def test_no_pixel_that_counts_is_an_error():
    dataset = Pictures(CROPS, [np.full((4, 4), IGNORE, np.uint8)], [np.zeros((4, 4, 3))])
    with pytest.raises(ConfigError) as error:
        choose_temperature(dataset, [0], by_softmax)
    assert error.value.what == "No validation picture has a pixel that counts, so no temperature can be chosen."
    assert error.value.fix == "state one: --set evaluation.temperature=1"


def test_only_the_pictures_named_are_read_and_progress_is_told():
    dataset, steps = binary_set(1.0), []
    choose_temperature(dataset, [1, 3], by_sigmoid, progress=steps.append)
    assert sorted(dataset.reads) == [1, 3]
    assert [(step.stage, step.done, step.total) for step in steps] == [("temperature", 1, 2), ("temperature", 2, 2)]


def test_large_pictures_are_looked_at_on_an_even_grid():
    truth, p = thinned(np.zeros((1000, 3000), np.uint8), np.zeros((1, 1000, 3000), np.float32))
    assert truth.shape == p.shape[1:] == (250, 750)
    assert truth.size <= MAX_PIXELS
    assert thinned(np.zeros((512, 512), np.uint8), np.zeros((1, 512, 512), np.float32))[0].shape == (512, 512)


def test_the_same_pictures_give_the_same_temperature():
    dataset = several_set(2.0)
    assert choose_temperature(dataset, range(8), by_softmax) != choose_temperature(dataset, range(7), by_softmax)
    first, second = (choose_temperature(dataset, range(8), by_softmax).temperature for _ in range(2))
    assert first == second
