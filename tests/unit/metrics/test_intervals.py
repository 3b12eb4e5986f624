import csv
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from maskwright.metrics.interval_bounds import MOST, STRETCH, critical
from maskwright.metrics.intervals import (
    Score,
    mean_interval,
    mean_units,
    numbered_texts,
    pooled_interval,
    totals_by_group,
    totals_left_out,
)

SYMMETRIC = [0.4, 0.5, 0.6, 0.7]
SKEWED = [0.2, 0.85, 0.9, 0.9, 0.95, 0.95]


def test_symmetric_values_have_the_t_interval_by_hand():
    score = mean_interval([0.45, 0.55, 0.65])
    half = 4.302652729911275 * 0.1 / math.sqrt(3)  # t for 2 degrees of freedom, standard deviation 0.1
    assert score.value == pytest.approx(0.55, abs=1e-15)
    assert (score.low, score.high) == pytest.approx((0.55 - half, 0.55 + half), abs=1e-9)


def test_the_interval_holds_the_t_interval_of_scipy():
    from scipy import stats

    for values in (SKEWED, np.random.default_rng(0).uniform(0.3, 0.9, 37)):
        low, high = stats.ttest_1samp(values, 0.5).confidence_interval(0.95)
        score = mean_interval(values)
        assert score.low <= low + 1e-12
        assert score.high >= min(1, high) - 1e-12


def test_the_side_of_the_long_tail_reaches_further_by_the_edgeworth_term_and_its_square():
    from scipy import stats

    number, skewness = len(SKEWED), float(stats.skew(SKEWED, bias=False))
    lean = abs((1 + STRETCH / math.sqrt(number)) * skewness / math.sqrt(number))
    below, above = critical(skewness, number, number)
    t = stats.t.ppf(0.975, number - 1)
    z, lean = stats.norm.ppf(0.975), min(lean, MOST)
    assert below == pytest.approx(t + lean * (2 * z**2 + 1) / 6 + lean**2 * z, abs=1e-12)
    assert above == pytest.approx(t, abs=1e-12)
    error = np.std(SKEWED, ddof=1) / math.sqrt(number)
    assert mean_interval(SKEWED).low == pytest.approx(max(0, np.mean(SKEWED) - below * error), abs=1e-12)


def test_a_little_more_skewness_moves_a_bound_only_a_little():
    lows = [
        mean_interval([*[0.8, 0.85, 0.9, 0.7, 0.75, 0.6, 0.82, 0.88, 0.66, 0.79, 0.9], 0.3 - at / 200]).low
        for at in range(60)
    ]
    assert max(abs(np.diff(lows))) < 0.01
    assert (np.diff(lows) < 0).all()


def test_turning_the_scores_over_turns_the_interval_over():
    score, turned = mean_interval(SKEWED), mean_interval(1 - np.array(SKEWED))
    assert (1 - turned.high, 1 - turned.low) == pytest.approx((score.low, score.high), abs=1e-12)


def test_many_pictures_have_the_interval_of_bootstrap_t_and_of_bca():
    from scipy import stats

    values = np.random.default_rng(5).beta(8, 2, 2000)
    score = mean_interval(values)
    bca = stats.bootstrap((values,), np.mean, n_resamples=4000, random_state=np.random.default_rng(0))
    width = score.high - score.low
    assert score.low == pytest.approx(bca.confidence_interval.low, abs=0.06 * width)
    assert score.high == pytest.approx(bca.confidence_interval.high, abs=0.06 * width)


def test_more_pictures_make_the_interval_narrower():
    values = np.random.default_rng(6).beta(8, 2, 4000)
    widths = [mean_interval(values[:n]).high - mean_interval(values[:n]).low for n in (10, 40, 200, 1000, 4000)]
    assert widths == sorted(widths, reverse=True)


def test_groups_of_one_picture_each_are_no_groups():
    grouped, alone = mean_interval(SKEWED, list("abcdef")), mean_interval(SKEWED)
    assert (grouped.value, grouped.low, grouped.high) == pytest.approx((alone.value, alone.low, alone.high), abs=1e-12)


def test_groups_may_be_named_or_numbered():
    assert mean_interval(SKEWED, ["b", "a", "a", "c", "b", "c"]) == mean_interval(SKEWED, np.array([1, 0, 0, 2, 1, 2]))


def test_texts_are_numbered_in_their_order_and_a_long_one_makes_no_room_for_the_others():
    numbers, different = numbered_texts(["b", "", "a", "b"])
    assert (numbers.tolist(), different) == ([2, 0, 1, 2], ["", "a", "b"])
    names = [f"g{number % 50}" for number in range(3000)]
    names[7] = "x" * 9000
    tracemalloc.start()
    mean_interval(np.linspace(0, 1, 3000), names)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_copies_of_a_picture_in_one_group_do_not_narrow_the_interval():
    alone = mean_interval(SYMMETRIC)
    copied = mean_interval(np.repeat(SYMMETRIC, 5), np.repeat(["a", "b", "c", "d"], 5).tolist())
    ignorant = mean_interval(np.repeat(SYMMETRIC, 5))
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high), abs=1e-12)
    assert ignorant.low > copied.low


def test_the_pulls_of_unequal_groups_are_those_of_a_slow_jackknife():
    values, groups = np.random.default_rng(7).random(12), np.array(list("aabbbbcdddde"))
    units = mean_units(values, groups)
    slow = [4 * (values.mean() - values[groups != name].mean()) for name in "abcde"]
    assert units.pulls == pytest.approx(slow, abs=1e-12)
    assert units.effective == pytest.approx(12**2 / (4 + 16 + 1 + 16 + 1), abs=1e-12)


def test_one_large_group_among_small_ones_counts_as_few():
    values = np.random.default_rng(8).normal(0.5, 0.05, 40)
    even = mean_units(values, np.repeat(np.arange(8), 5))
    uneven = mean_units(values, np.repeat(np.arange(8), [33, 1, 1, 1, 1, 1, 1, 1]))
    assert even.effective == pytest.approx(8)
    assert uneven.effective < 1.5


def test_bounds_stay_within_zero_and_one():
    score = mean_interval([0.0, 1.0, 1.0])
    assert (score.low, score.high) == (0, 1)


def test_equal_scores_have_the_bounds_of_the_rule_of_three():
    unseen = 1 - 0.025 ** (1 / 20)  # with 20 alike, the share of others is below this, one-sided 97.5 %
    assert mean_interval([1.0] * 20) == Score(1.0, pytest.approx(1 - unseen), 1.0)
    assert mean_interval([0.0] * 20) == Score(0.0, 0.0, pytest.approx(unseen))
    assert mean_interval([0.8] * 20) == Score(0.8, pytest.approx(0.8 * (1 - unseen)), pytest.approx(0.8 + 0.2 * unseen))


def test_scores_nearly_all_equal_have_a_bounded_interval():
    score = mean_interval([1.0] * 19 + [0.3])
    assert 0.7 < score.low < score.value < score.high == 1


def test_one_picture_has_a_value_and_no_bounds():
    score = mean_interval([0.7])
    assert score.to_json() == {
        "value": 0.7, "low": None, "high": None, "reason": "an interval needs at least two pictures",
    }  # fmt: skip


def test_one_group_has_a_value_and_no_bounds():
    score = mean_interval([0.7, 0.8], ["car", "car"])
    assert (score.value, score.low, score.high) == (0.75, None, None)
    assert score.reason == "an interval needs at least two groups"


def test_two_pictures_have_an_interval():
    score = mean_interval([0.49, 0.51])
    assert (score.low, score.high) == pytest.approx((0.5 - 12.7062047 * 0.01, 0.5 + 12.7062047 * 0.01), abs=1e-8)


def test_pictures_without_a_score_are_left_out():
    assert mean_interval([0.5, math.nan, 0.7], ["a", "b", "c"]) == mean_interval([0.5, 0.7], ["a", "c"])
    assert mean_interval([math.nan]) == Score(None, reason="no picture with a pixel that counts")


def test_a_defined_score_is_written_without_a_reason():
    assert Score(0.5, 0.4, 0.6).to_json() == {"value": 0.5, "low": 0.4, "high": 0.6}


def test_the_order_of_the_pictures_does_not_move_the_interval():
    values = np.random.default_rng(1).random(1000)
    one, other = mean_interval(values), mean_interval(values[::-1])
    assert one.value == other.value
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-12)


def test_totals_of_groups_and_of_all_others():
    columns = np.array([[1, 5], [10, 6], [100, 7], [1000, 8]])
    by_group = totals_by_group(columns, ["b", "a", "b", "a"])
    assert by_group.tolist() == [[1010, 14], [101, 12]]
    assert totals_left_out(by_group).tolist() == [[101, 12], [1010, 14]]
    assert totals_by_group(columns) is columns


def test_a_pooled_share_with_equal_sizes_has_the_interval_of_the_mean():
    both, whole = np.array([40.0, 85, 90, 90, 95, 70]), np.full(6, 100.0)
    left_out = (both.sum() - both) / (whole.sum() - whole)
    pooled = pooled_interval(both.sum() / 600, left_out, whole)
    mean = mean_interval(both / 100)
    assert (pooled.value, pooled.low, pooled.high) == pytest.approx((mean.value, mean.low, mean.high), abs=1e-9)


def test_a_pooled_share_over_groups_is_the_mean_over_their_pictures():
    values, groups = np.random.default_rng(9).random(30), np.repeat(np.arange(6), [2, 3, 4, 5, 6, 10])
    sums, sizes = np.bincount(groups, values), np.bincount(groups).astype(float)
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    pooled = pooled_interval(values.mean(), left_out, sizes, grouped=True)
    mean = mean_interval(values, groups)
    assert (pooled.low, pooled.high) == pytest.approx((mean.low, mean.high), abs=1e-9)


def test_a_pooled_score_of_one_picture_or_group_has_no_bounds():
    one = np.ones(1)
    assert pooled_interval(0.5, one, one) == Score(0.5, reason="an interval needs at least two pictures")
    assert pooled_interval(0.5, one, one, grouped=True).reason == "an interval needs at least two groups"
    assert pooled_interval(math.nan, np.ones(5), np.ones(5)).value is None


def test_a_pooled_score_that_hangs_on_one_picture_has_no_bounds():
    assert pooled_interval(0.5, np.array([0.5, math.nan, 0.5]), np.array([0.0, 9.0, 0.0])).low is None


def test_the_interval_holds_the_mean_of_real_scores_as_often_as_it_says():
    """A small simulation on the Dice of a real run; benchmarks/statistics has the large one."""
    with open(Path(__file__).parents[3] / "benchmarks" / "statistics" / "isic_dice.csv", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    dice = np.array([float(row["seed_0"]) for row in csv.DictReader(lines)])
    rng = np.random.default_rng(0)
    scores = [mean_interval(rng.choice(dice, 20)) for _ in range(600)]
    held = np.mean([one.low <= dice.mean() <= one.high for one in scores])
    assert 0.93 <= held <= 0.985  # the plain t interval holds it in 0.905


def test_the_interval_is_not_much_wider_than_t_where_scores_do_not_lean():
    from scipy import stats

    rng = np.random.default_rng(1)
    widths = []
    for _ in range(300):
        values = rng.normal(0.6, 0.05, 10)
        score = mean_interval(values)
        low, high = stats.t.interval(0.95, 9, values.mean(), stats.sem(values))
        widths.append((score.high - score.low) / (high - low))
    assert np.mean(widths) < 1.3
    assert np.quantile(widths, 0.99) < 2.5
