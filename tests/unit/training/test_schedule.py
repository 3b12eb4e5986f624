"""The learning rate as a function of the step."""

import random

import pytest
import torch

from maskwright.recipe import Phase
from maskwright.training.schedule import epochs_without_gain, plateau_factor, rate_factor


def test_warm_up_rises_linearly_then_cosine_falls_to_one_per_cent() -> None:
    phase = Phase(warmup=0.1)
    factors = [rate_factor(phase, step, 100) for step in range(100)]
    assert factors[:3] == pytest.approx([1 / 11, 2 / 11, 3 / 11])
    assert max(factors) == factors[10] == 1.0
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[99] == pytest.approx(0.01, abs=0.001)


def test_a_constant_schedule_stays_at_the_peak_after_warm_up() -> None:
    phase = Phase(schedule="constant", warmup=0.0)
    assert {rate_factor(phase, step, 10) for step in range(10)} == {1.0}


def test_one_step_alone_is_taken_with_a_rate_above_zero() -> None:
    assert rate_factor(Phase(), 0, 1) > 0


def test_plateau_lowers_the_rate_after_its_patience_and_again() -> None:
    phase = Phase(schedule="plateau", plateau_factor=0.1, plateau_patience=2)
    assert plateau_factor(phase, [0.5, 0.6]) == 1.0
    assert plateau_factor(phase, [0.6, 0.5]) == 1.0
    assert plateau_factor(phase, [0.6, 0.5, 0.6]) == pytest.approx(0.1), "an equal score is no gain"
    assert plateau_factor(phase, [0.6, *[0.5] * 4]) == pytest.approx(0.01)


def test_other_schedules_take_no_notice_of_a_plateau() -> None:
    assert plateau_factor(Phase(), [0.6, *[0.5] * 50]) == 1.0


def test_epochs_without_gain_count_from_the_first_of_equal_bests() -> None:
    assert epochs_without_gain([]) == 0
    assert epochs_without_gain([0.3, 0.4]) == 0
    assert epochs_without_gain([0.4, 0.4, 0.3]) == 2


def _pytorch_factors(scores: list[float], patience: int) -> list[float]:
    """The factor after each validation by PyTorch's own scheduler, which allows one more epoch than Keras does."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=0.1, patience=patience - 1, threshold=0, eps=0
    )
    factors = []
    for score in scores:
        scheduler.step(score)
        factors.append(optimizer.param_groups[0]["lr"])
    return factors


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_plateau_falls_when_pytorchs_scheduler_of_one_patience_less_does(patience: int) -> None:
    phase = Phase(schedule="plateau", plateau_factor=0.1, plateau_patience=patience)
    for seed in range(20):
        scores = [round(random.Random(100 * seed + i).random(), 1) for i in range(25)]
        ours = [plateau_factor(phase, scores[: end + 1]) for end in range(25)]
        assert ours == pytest.approx(_pytorch_factors(scores, patience)), scores


def _keras_wait(scores: list[float], patience: int) -> int | None:
    """The epoch after which Keras's EarlyStopping ends, from 0; written down from keras/src/callbacks."""
    best, wait = float("-inf"), 0
    for epoch, score in enumerate(scores):
        wait += 1
        if score > best:
            best, wait = score, 0
        if wait >= patience and epoch > 0:
            return epoch
    return None


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_early_stopping_counts_patience_as_keras_does(patience: int) -> None:
    for seed in range(50):
        scores = [round(random.Random(100 * seed + i).random(), 1) for i in range(25)]
        stops = [end for end in range(25) if epochs_without_gain(scores[: end + 1]) >= patience]
        assert (stops[0] if stops else None) == _keras_wait(scores, patience), scores
