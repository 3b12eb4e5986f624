"""Intervals of differences: they hold together, and for seeds."""

import numpy as np
import pytest
from scipy import stats

from maskwright.evaluation import comparing_pairs
from maskwright.evaluation.comparing_pairs import (
    MORE_SEEDS,
    _largest_of,
    compare_scores,
    paired_interval,
    pairs_of,
    quantile_t,
    seed_spread,
)
from maskwright.metrics.paired import difference_interval


def draws(seed=0):
    return np.random.default_rng(seed)


def entries(number, pictures=80, seeds=1, by=0.0, seed_spread=0.0, seed=0):
    """(S, N) scores of entries that share how hard pictures are."""
    rng = draws(seed)
    hard = rng.uniform(0.5, 0.9, pictures)
    return [
        hard + by * at + rng.normal(0, 0.02, (seeds, pictures)) + rng.normal(0, seed_spread, (seeds, 1))
        for at in range(number)
    ]


def half(difference):
    return (difference.high - difference.low) / 2


def test_the_largest_of_all_pairs_of_three_is_tukeys():
    contrasts = np.zeros((3, 3))
    for row, (one, two) in enumerate(pairs_of(3)):
        contrasts[row, one], contrasts[row, two] = -1, 1
    expected = stats.studentized_range.ppf(0.95, 3, 57) / np.sqrt(2)
    assert _largest_of(contrasts @ contrasts.T, 57.0) == pytest.approx(expected, abs=0.02)


def test_the_largest_of_one_difference_twice_is_students():
    assert _largest_of(np.ones((2, 2)), 20.0) == pytest.approx(quantile_t(20.0), abs=0.02)


def test_intervals_of_several_pairs_are_wider_than_each_alone():
    scores = entries(4)
    for pair in compare_scores(scores, None):
        alone = difference_interval((scores[pair.second] - scores[pair.first])[0])
        assert pair.difference.value == alone.value
        assert 1.2 < half(pair.difference) / half(alone) < 1.5
        assert pair.difference.needed > alone.needed


def test_of_forty_sets_of_five_equal_models_few_have_a_pair_that_is_told_apart(monkeypatch):
    monkeypatch.setattr(comparing_pairs, "_DRAWS", 5000)
    told = [
        any(pair.difference.told_apart for pair in compare_scores(entries(5, 40, seed=seed), None))
        for seed in range(40)
    ]
    assert sum(told) <= 6  # 5 % of 40 are 2; each interval for itself would give about 11


def test_the_order_of_pictures_and_the_names_of_groups_do_not_matter():
    scores, order = entries(3), draws(1).permutation(80)
    groups = [f"g{at // 4}" for at in range(80)]
    one = compare_scores(scores, groups)
    two = compare_scores([score[:, order] for score in scores], [f"x{groups[at]}" for at in order])
    assert [half(pair.difference) for pair in one] == pytest.approx([half(pair.difference) for pair in two])


def ends(pairs):
    return [end for pair in pairs for end in (pair.difference.low, pair.difference.high)]


def test_widened_bounds_of_shares_end_at_one_and_those_of_distances_do_not():
    scores = [draws(at).uniform(0, 1, (1, 3)) for at in range(3)]
    shares, distances = (compare_scores(scores, None, unit_range=cut) for cut in (True, False))
    assert (min(ends(shares)), max(ends(shares))) == (-1.0, 1.0)
    assert max(map(abs, ends(distances))) > 1


def test_bounds_that_seeds_widen_end_at_one_too():
    scores = entries(2, pictures=10, seeds=2, seed_spread=0.3)
    assert max(map(abs, ends(compare_scores(scores, None)))) == 1.0


def test_a_difference_that_few_pictures_tell_apart_stays_told_apart():
    low, high = np.full((1, 4), 0.05), np.array([[0.94, 0.95, 0.95, 0.95]])
    difference = compare_scores([low, high], None)[0].difference
    assert difference == difference_interval((high - low)[0])
    assert difference.told_apart


def test_seeds_widen_the_interval_by_the_variance_of_their_means():
    scores = entries(2, seeds=4, seed_spread=0.02)
    pair = compare_scores(scores, None)[0].difference
    means = [score.mean(axis=0) for score in scores]
    variances = [score.mean(axis=1).var(ddof=1) / 4 for score in scores]
    over_pictures = (means[1] - means[0]).var(ddof=1) / 80
    total = over_pictures + sum(variances)
    freedom = total**2 / (over_pictures**2 / 79 + sum(variance**2 / 3 for variance in variances))
    assert half(pair) >= quantile_t(freedom) * np.sqrt(total) * (1 - 1e-9)
    assert half(pair) < 1.3 * quantile_t(freedom) * np.sqrt(total)


def test_an_entry_with_one_seed_takes_the_variance_of_the_others():
    several, one = entries(2, seeds=4, seed_spread=0.02)
    with_one = compare_scores([several, one[:1]], None)[0].difference
    with_four = compare_scores([several, one], None)[0].difference
    assert half(with_one) > half(with_four)


def test_where_seeds_vary_too_much_no_number_of_pictures_is_named():
    scores = entries(2, pictures=400, seeds=3, seed_spread=0.03, seed=2)
    difference = compare_scores(scores, None)[0].difference
    assert (difference.needed, difference.reason) == (None, MORE_SEEDS)


def test_the_spread_of_seeds_is_that_of_their_means():
    scores = np.array([[0.5, 0.7], [0.6, 0.8]])
    assert seed_spread(scores) == pytest.approx((np.std([0.6, 0.7], ddof=1), 0.6, 0.7))
    assert seed_spread(scores[:1]) is None


def test_distances_have_the_interval_of_their_shares():
    values = draws().normal(3, 5, 30)
    small, large = (paired_interval(values * scale, None, unit_range=False) for scale in (1e-3, 100))
    assert large.low == pytest.approx(small.low * 1e5)
    assert large.high == pytest.approx(small.high * 1e5)
    assert large.needed == small.needed


def test_equal_entries_among_others_are_alike_and_change_nothing():
    scores = entries(2)
    pairs = compare_scores([*scores, scores[0]], None)
    assert (pairs[1].difference.low, pairs[1].difference.high, pairs[1].equal) == (0, 0, 80)


def test_a_difference_that_is_the_same_on_every_picture_is_widened_by_the_seeds_only():
    base = entries(1)[0]
    one, two = np.concatenate([base, base + 0.01]), np.concatenate([base + 0.1, base + 0.11])
    difference, alone = compare_scores([one, two], None)[0].difference, difference_interval((two - one)[0])
    assert half(alone) < half(difference) < half(alone) + 0.1
