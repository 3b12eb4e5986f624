"""A training ends in time: epochs that fit, before it and after each of them."""

import pytest

from maskwright.planning.clock import Clock, fit_lengths


def _revise(clock: Clock, lengths: list[int], ends: list[float], phase: int = 0, begin: int = 0) -> tuple[int, ...]:
    return clock.revise(lengths, phase=phase, phase_begin=begin, ends=ends)


def test_as_many_epochs_as_fit_are_given_and_never_more() -> None:
    assert fit_lengths([12], [10.0], 99.9) == (9,)
    assert fit_lengths([12], [10.0], 100.0) == (10,)


def test_phases_keep_their_proportion() -> None:
    assert fit_lengths([100, 300], [1.0, 1.0], 40.0) == (10, 30)
    assert fit_lengths([4, 4], [1.0, 3.0], 8.0) == (2, 2)


@pytest.mark.parametrize("seconds", [0.0, 3.0, 7.5, 11.0, 20.0, 333.3])
def test_what_is_given_fits_and_no_epoch_more_would(seconds: float) -> None:
    costs = [2.0, 5.0, 3.0]
    counts = fit_lengths([3, 1, 6], costs, seconds)
    left = seconds - sum(count * cost for count, cost in zip(counts, costs, strict=True))
    assert left >= -1e-5
    assert left < min(costs) or not all(counts)


def test_only_the_last_phases_come_away_empty() -> None:
    assert fit_lengths([2, 2, 2], [5.0, 5.0, 1.0], 9.0) == (1, 0, 0)


def test_a_phase_that_was_not_planned_gets_nothing() -> None:
    assert fit_lengths([0, 3], [5.0, 1.0], 10.0) == (0, 10)


def test_nothing_changes_where_epochs_take_what_was_expected() -> None:
    assert _revise(Clock(100.0, (10.0,)), [10], [10.0, 20.0, 30.0]) == (10,)


def test_a_slower_machine_gets_fewer_epochs() -> None:
    assert _revise(Clock(100.0, (10.0,)), [10], [20.0]) == (5,)


def test_what_counts_is_how_long_the_last_epochs_took() -> None:
    ends = [10.0, 20.0, 30.0, 50.0, 70.0, 90.0]  # the machine has become half as fast
    assert _revise(Clock(100.0, (10.0,)), [10], ends) == (6,)


def test_a_faster_machine_gets_more_epochs_at_first_but_not_late() -> None:
    clock = Clock(100.0, (10.0,))
    assert _revise(clock, [10], [5.0]) == (20,)
    assert _revise(clock, [10], [5.0 * epoch for epoch in range(1, 8)]) == (10,)


def test_one_epoch_more_or_less_in_the_forecast_is_no_reason_to_change_the_rates() -> None:
    assert _revise(Clock(100.0, (10.0,)), [9], [9.5]) == (9,)


def test_a_later_phase_is_reckoned_as_much_slower_as_this_one() -> None:
    clock = Clock(60.0, (1.0, 4.0))
    # 2 s instead of 1 s: 8 s for an epoch of the second phase; 56 s are left
    assert _revise(clock, [10, 12], [2.0, 4.0]) == (6, 6)


def test_phases_that_are_over_stay_as_they_were() -> None:
    assert _revise(Clock(30.0, (1.0, 4.0)), [4, 9], [1.0, 2.0, 3.0, 4.0, 12.0], phase=1, begin=4) == (4, 3)


def test_without_time_the_training_ends_now() -> None:
    assert _revise(Clock(10.0, (2.0, 2.0)), [4, 4], [9.0]) == (1, 0)
