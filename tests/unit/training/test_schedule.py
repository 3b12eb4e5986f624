"""The learning rate as a function of the step."""

import pytest

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
    assert plateau_factor(phase, [0.6, 0.5, 0.5]) == 1.0, "two epochs without gain are allowed"
    assert plateau_factor(phase, [0.6, 0.5, 0.5, 0.5]) == pytest.approx(0.1)
    assert plateau_factor(phase, [0.6, *[0.5] * 6]) == pytest.approx(0.01)


def test_other_schedules_take_no_notice_of_a_plateau() -> None:
    assert plateau_factor(Phase(), [0.6, *[0.5] * 50]) == 1.0


def test_epochs_without_gain_count_from_the_first_of_equal_bests() -> None:
    assert epochs_without_gain([]) == 0
    assert epochs_without_gain([0.3, 0.4]) == 0
    assert epochs_without_gain([0.4, 0.4, 0.3]) == 2
