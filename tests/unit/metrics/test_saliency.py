"""The formulas of the papers, worked pixel by pixel, beside the table of grey levels they are taken from here.

The numbers of `TOOLBOX` were worked by pysodmetrics 1.6.2, the toolbox of the papers, which asks for an older numpy
than we do and so is no dependency of the tests. Its E-measure divides by one pixel less than there are.
"""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from maskwright.errors import ShapeError
from maskwright.metrics.saliency import (
    e_adaptive,
    e_curve,
    f_adaptive,
    f_curve,
    mae,
    s_measure,
    saliency_table,
)

CASES = {
    "object": (
        [[12, 40, 200, 180, 30], [20, 220, 250, 240, 60], [10, 130, 255, 210, 15], [8, 25, 90, 70, 9]],
        [[0, 0, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]],
    ),
    "faint": (
        [
            [90, 100, 110, 120, 90, 80], [100, 140, 150, 90, 85, 70], [95, 150, 160, 150, 60, 65],
            [60, 62, 61, 59, 58, 57], [55, 50, 51, 52, 53, 54],
        ],
        [[0] * 6, [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0] * 6, [1, 0, 0, 0, 0, 0]],
    ),
}  # fmt: skip
TOOLBOX = {
    "object": {
        "mae": 0.16295546558704452, "s": 0.7961605814241746,
        "f": (0.900990099009901, 0.7697166669037189, 0.8024691358024693),
        "e": (0.9934678233033417, 0.8142786342271329, 0.8886376755988095),
    },
    "faint": {
        "mae": 0.22939393939393937, "s": 0.5947885545056366,
        "f": (0.915492957746479, 0.6223494101850775, 0.915492957746479),
        "e": (0.92852616599677, 0.6927465672771067, 0.92852616599677),
    },
}  # fmt: skip


def example(seed, shape=(37, 45), levels=256):
    """A map and a mask that have something to do with each other."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal(shape), 5)
    truth = smooth > np.quantile(smooth, rng.uniform(0.2, 0.9))
    mixed = rng.uniform(0.2, 1) * truth + rng.uniform(0.1, 1) * rng.random(shape)
    return np.rint(mixed / mixed.max() * (levels - 1)) / (levels - 1), truth


def slow_f_beta(marked, truth):
    if not (marked & truth).any():
        return float(not marked.any() and not truth.any())
    precision, recall = (marked & truth).sum() / marked.sum(), (marked & truth).sum() / truth.sum()
    return 1.3 * precision * recall / (0.3 * precision + recall)


def slow_e_measure(marked, truth):
    """The alignment matrix of the paper, one value a pixel."""
    if not truth.any():
        return 1 - marked.mean()
    if truth.all():
        return marked.mean()
    a, b = marked - marked.mean(), truth - truth.mean()
    return ((1 + 2 * a * b / (a * a + b * b)) ** 2 / 4).mean()


def slow_s_measure(values, truth):
    if not truth.any() or truth.all():
        return values.mean() if truth.any() else 1 - values.mean()

    def of_object(x):
        return 2 * x.mean() / (x.mean() ** 2 + 1 + (x.std(ddof=1) if x.size > 1 else 0))

    def of_region(x, y):
        if x.size == 1 or (np.ptp(x) == 0 and np.ptp(y) == 0):
            return 1.0
        mx, my = x.mean(), y.mean()
        bottom = (mx**2 + my**2) * (x.var(ddof=1) + y.var(ddof=1))
        return 4 * mx * my * np.cov(x.ravel(), y.ravel())[0, 1] / bottom

    share = truth.mean()
    objects = share * of_object(values[truth]) + (1 - share) * of_object(1 - values[~truth])
    row, column = np.argwhere(truth).mean(axis=0).round().astype(int) + 1
    regions = 0
    for rows in (slice(0, row), slice(row, None)):
        for columns in (slice(0, column), slice(column, None)):
            part = values[rows, columns], truth[rows, columns]
            regions += part[0].size / values.size * of_region(*part) if part[0].size else 0
    return max(0, objects / 2 + regions / 2)


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_of_the_papers_toolbox(case):
    levels, truth = (np.array(one) for one in CASES[case])
    table, theirs = saliency_table(levels / 255, truth == 1), TOOLBOX[case]
    fewer = (truth.size - 1) / truth.size
    assert mae(table) == pytest.approx(theirs["mae"], abs=1e-12)
    assert s_measure(table) == pytest.approx(theirs["s"], abs=1e-12)
    curve = f_curve(table)
    assert (curve.max(), curve.mean(), f_adaptive(table)) == pytest.approx(theirs["f"], abs=1e-12)
    curve = e_curve(table)
    ours = np.array([curve.max(), curve.mean(), e_adaptive(table)])
    assert ours == pytest.approx(np.array(theirs["e"]) * fewer, abs=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_the_measures_follow_from_the_papers_formulas(seed):
    values, truth = example(seed, levels=(256, 18, 4)[seed % 3])
    table = saliency_table(values, truth, normalise=False)
    assert mae(table) == pytest.approx(np.abs(values - truth).mean(), abs=1e-12)
    assert s_measure(table) == pytest.approx(slow_s_measure(values, truth), abs=1e-12)
    for cut in (0, 1, 77, 128, 254, 255):
        marked = np.rint(values * 255) >= cut
        assert f_curve(table)[cut] == pytest.approx(slow_f_beta(marked, truth), abs=1e-12)
        assert e_curve(table)[cut] == pytest.approx(slow_e_measure(marked, truth), abs=1e-12)
    marked = values >= min(1, 2 * values.mean())
    assert f_adaptive(table) == pytest.approx(slow_f_beta(marked, truth), abs=1e-12)
    assert e_adaptive(table) == pytest.approx(slow_e_measure(marked, truth), abs=1e-12)


def test_a_perfect_map_is_perfect_in_everything():
    _, truth = example(0)
    table = saliency_table(truth.astype(np.float32), truth)
    assert mae(table) == 0
    assert s_measure(table) == pytest.approx(1, abs=1e-12)
    assert f_curve(table)[1:].min() == e_curve(table)[1:].min() == pytest.approx(1, abs=1e-12)
    assert f_adaptive(table) == e_adaptive(table) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_every_measure_lies_between_0_and_1(seed):
    values, truth = example(seed)
    for map_ in (values, 1 - values):
        table = saliency_table(map_, truth)
        numbers = [mae(table), s_measure(table), *f_curve(table), *e_curve(table), f_adaptive(table), e_adaptive(table)]
        assert min(numbers) >= 0
        assert max(numbers) <= 1 + 1e-12


def test_stretching_makes_the_scale_of_a_map_irrelevant():
    values, truth = example(1, levels=52)
    faint = 0.2 + 0.2 * values  # still 52 of the 256 levels
    stretched, raw = saliency_table(faint, truth), saliency_table(faint, truth, normalise=False)
    assert mae(stretched) == pytest.approx(mae(saliency_table(values, truth)), abs=1e-12)
    assert s_measure(stretched) == pytest.approx(s_measure(saliency_table(values, truth)), abs=1e-12)
    assert mae(raw) == pytest.approx(np.abs(faint - truth).mean(), abs=1e-9)


def test_a_map_of_one_level_is_not_stretched():
    _, truth = example(2)
    table = saliency_table(np.full(truth.shape, 51 / 255), truth)
    assert mae(table) == pytest.approx(0.8 * truth.mean() + 0.2 * (1 - truth.mean()), abs=1e-12)


def test_a_truth_without_object_rewards_a_map_that_marks_nothing():
    blank = np.zeros((5, 6), bool)
    table = saliency_table(np.zeros((5, 6)), blank)
    assert (mae(table), s_measure(table)) == (0, 1)
    assert f_curve(table)[1:].tolist() == e_curve(table)[1:].tolist() == [1] * 255
    assert f_curve(table)[0] == e_curve(table)[0] == 0  # the lowest cut marks every pixel
    table = saliency_table(np.ones((5, 6)), blank)
    assert (mae(table), s_measure(table)) == (1, 0)
    assert f_curve(table).tolist() == e_curve(table).tolist() == [0] * 256


def test_an_object_that_is_everywhere_is_scored_by_what_is_marked():
    full = np.ones((5, 6), bool)
    values = np.linspace(0, 1, 30).reshape(5, 6)
    table = saliency_table(values, full)
    assert s_measure(table) == pytest.approx(1 - mae(table))
    assert e_curve(table)[128] == pytest.approx((np.rint(values * 255) >= 128).mean())


@pytest.mark.parametrize("seed", range(4))
def test_what_the_map_says_at_ignored_pixels_changes_nothing(seed):
    values, truth = example(seed)
    rng = np.random.default_rng(seed)
    keep = gaussian_filter(rng.standard_normal(truth.shape), 3) < 0.1
    other = np.where(keep, values, rng.random(truth.shape))
    first, second = saliency_table(values, truth, keep), saliency_table(other, truth ^ ~keep, keep)
    assert first.counts.tolist() == second.counts.tolist()
    assert first.values.tolist() == second.values.tolist()
    assert first.counts.sum() == keep.sum()


def test_a_strip_of_ignored_pixels_at_the_edge_is_as_if_cut_off():
    values, truth = example(3)
    keep = np.ones(truth.shape, bool)
    keep[:, -9:] = False
    with_strip, without = saliency_table(values, truth, keep), saliency_table(values[:, :-9], truth[:, :-9])
    assert with_strip.counts.tolist() == without.counts.tolist()
    assert s_measure(with_strip) == s_measure(without)


def test_measures_of_pixels_do_not_care_where_the_pixels_are_but_the_structure_does():
    values, truth = example(4)
    order = np.random.default_rng(4).permutation(truth.size)
    mixed = saliency_table(
        values.reshape(-1)[order].reshape(values.shape), truth.reshape(-1)[order].reshape(truth.shape)
    )
    table = saliency_table(values, truth)
    assert mae(mixed) == mae(table)
    assert f_curve(mixed).tolist() == f_curve(table).tolist()
    assert e_curve(mixed).tolist() == e_curve(table).tolist()
    assert s_measure(mixed) != s_measure(table)


def test_a_corner_object_leaves_parts_without_pixels_out():
    truth = np.zeros((6, 7), bool)
    truth[5, 6] = True
    assert s_measure(saliency_table(truth.astype(float), truth)) == pytest.approx(1, abs=1e-12)


def test_nothing_is_scored_where_no_pixel_counts():
    values, truth = example(5)
    table = saliency_table(values, truth, np.zeros(truth.shape, bool))
    for number in (mae(table), s_measure(table), f_adaptive(table), e_adaptive(table), f_curve(table)[9]):
        assert math.isnan(number)
    assert np.isnan(e_curve(table)).all()


def test_a_map_of_another_shape_is_told():
    with pytest.raises(ShapeError, match="boolean mask"):
        saliency_table(np.zeros((4, 5)), np.zeros((5, 4), bool))
    with pytest.raises(ShapeError, match="keep"):
        saliency_table(np.zeros((4, 5)), np.zeros((4, 5), bool), np.ones((4, 5)))
