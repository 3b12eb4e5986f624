import math

import numpy as np
import pytest

from maskwright.metrics.intervals import (
    Score,
    bootstrap_interval,
    bootstrap_totals,
    mean_interval,
    number_of_groups,
)


def test_the_t_interval_of_four_values_by_hand():
    score = mean_interval([0.4, 0.5, 0.6, 0.7])
    half = 3.182446305284263 * math.sqrt(0.05 / 3) / 2  # t for 3 degrees of freedom, standard deviation, root of 4
    assert score.value == pytest.approx(0.55, abs=1e-15)
    assert (score.low, score.high) == pytest.approx((0.55 - half, 0.55 + half), abs=1e-12)


def test_the_t_interval_of_scipy():
    from scipy import stats

    values = np.random.default_rng(0).uniform(0.3, 0.9, 37)
    low, high = stats.t.interval(0.95, 36, loc=values.mean(), scale=stats.sem(values))
    score = mean_interval(values)
    assert (score.low, score.high) == pytest.approx((low, high), abs=1e-12)


def test_groups_of_one_picture_each_are_no_groups():
    values = [0.4, 0.5, 0.6, 0.7]
    assert mean_interval(values, ["a", "b", "c", "d"]) == mean_interval(values)


def test_copies_of_a_picture_in_one_group_do_not_narrow_the_interval():
    values = [0.4, 0.5, 0.6, 0.7]
    alone = mean_interval(values)
    copied = mean_interval(np.repeat(values, 5), np.repeat(["a", "b", "c", "d"], 5).tolist())
    ignorant = mean_interval(np.repeat(values, 5))
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high), abs=1e-12)
    assert ignorant.low > copied.low


def test_bounds_stay_within_zero_and_one():
    score = mean_interval([0.0, 1.0, 1.0])
    assert (score.low, score.high) == (0, 1)


def test_one_picture_has_a_value_and_no_bounds():
    score = mean_interval([0.7])
    assert score.to_json() == {
        "value": 0.7, "low": None, "high": None, "reason": "an interval needs at least two pictures",
    }  # fmt: skip


def test_one_group_has_a_value_and_no_bounds():
    score = mean_interval([0.7, 0.8], ["car", "car"])
    assert (score.value, score.low, score.high) == (0.75, None, None)
    assert score.reason == "an interval needs at least two groups"


def test_pictures_without_a_score_are_left_out():
    assert mean_interval([0.5, math.nan, 0.7], ["a", "b", "c"]) == mean_interval([0.5, 0.7])
    assert mean_interval([math.nan]) == Score(None, reason="no picture with a pixel that counts")


def test_a_defined_score_is_written_without_a_reason():
    assert Score(0.5, 0.4, 0.6).to_json() == {"value": 0.5, "low": 0.4, "high": 0.6}


def test_the_order_of_the_pictures_does_not_move_the_mean():
    values = np.random.default_rng(1).random(1000)
    assert mean_interval(values).value == mean_interval(values[::-1]).value


def test_drawn_totals_are_whole_and_the_same_each_time():
    columns = np.random.default_rng(2).integers(0, 10**9, (30, 4))
    first, again = bootstrap_totals(columns), bootstrap_totals(columns)
    assert first.shape == (2000, 4)
    assert np.array_equal(first, again)
    assert np.array_equal(first, np.rint(first))
    assert first.mean(axis=0) == pytest.approx(columns.sum(axis=0), rel=0.02)


def test_each_draw_is_of_whole_groups():
    columns = np.array([[1], [10], [100], [1000]])
    totals = bootstrap_totals(columns, ["a", "a", "b", "b"])
    assert set(totals[:, 0].tolist()) == {22, 1111, 2200}


def test_drawing_in_chunks_gives_the_same_draws(monkeypatch):
    columns = np.random.default_rng(3).integers(0, 100, (30, 4))
    whole = bootstrap_totals(columns)
    monkeypatch.setattr("maskwright.metrics.intervals._CHUNK", 1000)
    assert np.array_equal(bootstrap_totals(columns), whole)


def test_a_bootstrapped_mean_has_nearly_the_t_interval():
    values = np.random.default_rng(4).integers(400, 900, 12)
    means = bootstrap_totals(values[:, None])[:, 0] / 12 / 1000
    by_draws = bootstrap_interval(float(values.mean() / 1000), means, 12)
    by_t = mean_interval(values / 1000)
    assert (by_draws.low, by_draws.high) == pytest.approx((by_t.low, by_t.high), abs=0.015)


def test_a_pooled_score_of_one_picture_or_group_has_no_bounds():
    draws = np.full(10, 0.5)
    assert bootstrap_interval(0.5, draws, 1) == Score(0.5, reason="an interval needs at least two pictures")
    assert bootstrap_interval(0.5, draws, 1, grouped=True).reason == "an interval needs at least two groups"
    assert bootstrap_interval(math.nan, draws, 5).value is None


def test_the_value_lies_within_its_bounds():
    score = bootstrap_interval(0.9, np.linspace(0.2, 0.4, 100), 20)
    assert score.low <= 0.9 <= score.high


def test_units_are_groups_or_pictures():
    assert number_of_groups(None, 7) == 7
    assert number_of_groups(["a", "b", "a"], 3) == 2
