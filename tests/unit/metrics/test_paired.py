import math

import numpy as np
import pytest

from maskwright.metrics.interval_bounds import Units, critical
from maskwright.metrics.paired import Difference, cautious_level, difference_interval, needed_units

DIFFERENCES = [0.03, 0.01, 0.02, -0.01, 0.04, 0.0, 0.03, 0.02]


def test_the_value_is_the_mean_difference():
    assert difference_interval([0.1, -0.3, 0.05]).value == pytest.approx(-0.05, abs=1e-15)


def test_the_interval_is_a_t_interval_at_the_cautious_level():
    from scipy import stats

    x = np.array([-0.03, -0.01, 0.0, 0.01, 0.03]) + 0.02  # symmetric: nothing to correct
    told = difference_interval(x)
    expected = stats.ttest_1samp(x, 0).confidence_interval(cautious_level(5))
    assert (told.low, told.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_cautious_level_falls_to_95_percent_as_pictures_grow():
    levels = [cautious_level(n) for n in (2, 10, 100, 1000, 100_000)]
    assert levels == sorted(levels, reverse=True)
    assert 0.95 < levels[-1] < 0.952


def test_swapping_the_models_turns_the_difference_over():
    one, other = difference_interval(DIFFERENCES), difference_interval(-np.array(DIFFERENCES))
    assert (other.value, other.low, other.high) == pytest.approx((-one.value, -one.high, -one.low), abs=1e-12)
    assert other.needed == one.needed


def test_the_order_of_the_pictures_does_not_matter():
    one, other = difference_interval(DIFFERENCES), difference_interval(DIFFERENCES[::-1])
    assert one.value == other.value
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-12)


def test_pictures_without_a_difference_are_left_out():
    assert difference_interval([0.1, math.nan, 0.3], ["a", "b", "c"]) == difference_interval([0.1, 0.3], ["a", "c"])


def test_groups_of_one_picture_are_pictures():
    grouped, alone = difference_interval(DIFFERENCES, list("abcdefgh")), difference_interval(DIFFERENCES)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high), abs=1e-12)
    assert grouped.needed == alone.needed


def test_related_pictures_tell_less_than_unrelated_ones():
    x, names = np.repeat(DIFFERENCES, 4), np.repeat(list("abcdefgh"), 4).tolist()
    related, ignorant = difference_interval(x, names), difference_interval(x)
    assert related.high - related.low > 1.5 * (ignorant.high - ignorant.low)


def test_a_clear_difference_is_told_apart_and_noise_is_not():
    rng = np.random.default_rng(0)
    assert difference_interval(rng.normal(0.05, 0.05, 50)).told_apart
    assert not difference_interval(rng.normal(0.0, 0.05, 50)).told_apart
    assert difference_interval(rng.normal(-0.05, 0.05, 50)).told_apart


def test_identical_answers_differ_by_exactly_nothing():
    told = difference_interval([0.0] * 20)
    assert told == Difference(0.0, 0.0, 0.0, None, "the two score the same in every picture")
    assert not told.told_apart


def test_the_same_difference_everywhere_leaves_room_for_pictures_not_seen():
    told = difference_interval([0.1] * 20)
    assert told.low < 0.1 < told.high
    assert told.needed is None


def test_one_picture_or_group_has_a_difference_and_no_interval():
    assert difference_interval([0.2]) == Difference(0.2, None, None, None, "an interval needs at least two pictures")
    one_group = difference_interval([0.2, 0.4], ["a", "a"])
    assert (one_group.low, one_group.reason) == (None, "an interval needs at least two groups")
    assert not one_group.told_apart


def test_no_picture_with_both_scores_is_no_number():
    told = difference_interval([math.nan])
    assert math.isnan(told.value)
    assert told.reason == "no picture in which both have a score"


def test_bounds_stay_within_minus_one_and_one():
    told = difference_interval([-1.0, 1.0, 0.5])
    assert (told.low, told.high) == (-1, 1)


def test_the_json_says_whether_they_are_told_apart():
    assert Difference(0.1, 0.05, 0.15, 12).to_json() == {
        "value": 0.1, "low": 0.05, "high": 0.15, "told_apart": True, "needed": 12,
    }  # fmt: skip
    assert Difference(0.1, None, None, None, "why").to_json()["reason"] == "why"


def test_needed_is_the_first_number_whose_noncentral_t_has_80_percent_power():
    from scipy import stats

    units = Units(0.02, np.array([-0.05, -0.01, 0.0, 0.01, 0.05]), 5.0)

    def power(number):
        reach = critical(-math.sqrt(6 / number), number, number, cautious_level(number))[0]
        return stats.nct.sf(reach, number - 1, 0.02 / units.spread * math.sqrt(number))

    needed = needed_units(units)
    assert power(needed) >= 0.8 > power(needed - 1)


def test_a_quarter_of_the_difference_needs_about_sixteen_times_the_pictures():
    x = np.random.default_rng(1).normal(0, 0.05, 400)
    x -= x.mean()
    needed = [difference_interval(x + shift).needed for shift in (0.004, 0.001)]
    assert needed[1] / needed[0] == pytest.approx(16, rel=0.1)


def test_as_many_pictures_as_needed_tell_four_in_five_apart():
    rng = np.random.default_rng(2)
    needed = difference_interval(rng.normal(0.02, 0.05, 5000)).needed
    apart = [difference_interval(rng.normal(0.02, 0.05, needed)).told_apart for _ in range(400)]
    assert np.mean(apart) == pytest.approx(0.8, abs=0.07)


def test_two_alike_models_are_seldom_told_apart():
    rng = np.random.default_rng(3)
    apart = [difference_interval(rng.standard_t(4, 20) * 0.03).told_apart for _ in range(400)]
    assert np.mean(apart) <= 0.05
