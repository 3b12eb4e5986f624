import math

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter
from scipy.spatial.distance import cdist

from maskwright.errors import ConfigError, ShapeError
from maskwright.metrics import boundary_distances
from maskwright.metrics.boundary import (
    assd,
    band_width,
    boundary_f1,
    boundary_iou,
    boundary_scores,
    default_tolerance,
    hd95,
)
from maskwright.metrics.boundary_pixels import erode_square, pair_up

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)


def blobs(seed, shape=(70, 90)):
    """Two masks that agree in the large and differ in detail, some of them cut by the edge or with holes."""
    rng = np.random.default_rng(seed)
    base = gaussian_filter(rng.standard_normal(shape), 8)
    detail = gaussian_filter(rng.standard_normal(shape), 2)
    level = base.std() * rng.uniform(-1, 1)
    return base > level, base + rng.uniform(0, 0.2) * detail > level


def noise(seed, shape=(60, 50)):
    rng = np.random.default_rng(seed)
    return rng.random(shape) < 0.5, rng.random(shape) < rng.uniform(0.02, 0.9)


def square(top, left, side=10, shape=(40, 50)):
    mask = np.zeros(shape, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def slow_boundary(mask):
    return mask & ~binary_erosion(mask, CROSS)


def slow_distances(truth, prediction, size=(1.0, 1.0)):
    """All distances between all boundary pixels, from the definition."""
    there, back = (np.argwhere(slow_boundary(mask)) * np.array(size) for mask in (prediction, truth))
    table = cdist(there, back)
    return table.min(axis=1), table.min(axis=0)


def slow_boundary_iou(truth, prediction, width):
    """The published code's way: erode step by step, the picture's edge being outside."""
    bands = [mask & ~binary_erosion(mask, np.ones((3, 3)), iterations=width) for mask in (truth, prediction)]
    return (bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()


def test_a_square_moved_by_two_columns_worked_by_hand():
    scores = boundary_scores(square(10, 10), square(10, 12), tolerance=1)
    # Of the 36 boundary pixels of either, 16 on the upper and lower side lie on the other's; 2 there are 1 off and 2
    # are 2 off. The 8 between the corners of one upright side are 2 off, and of the other too, except its 2 ends,
    # which are 1 off the other's upper and lower side: 16 at 0, 4 at 1, 16 at 2.
    assert scores.boundary_f1 == pytest.approx(20 / 36)
    assert scores.hd95 == 2
    assert scores.assd == 1
    assert scores.boundary_iou == 16 / 56  # the bands are one pixel deep here
    assert band_width((40, 50)) == 1


@pytest.mark.parametrize("masks", [blobs, noise])
@pytest.mark.parametrize("seed", range(12))
def test_the_scores_follow_from_all_distances_between_all_boundary_pixels(masks, seed):
    truth, prediction = masks(seed)
    there, back = slow_distances(truth, prediction)
    scores = boundary_scores(truth, prediction, tolerance=2)
    assert scores.hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-12)
    assert scores.assd == pytest.approx(np.concatenate([there, back]).mean(), abs=1e-12)
    precision, recall = (there <= 2).mean(), (back <= 2).mean()
    assert scores.boundary_f1 == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-12)
    width = band_width(truth.shape)
    assert scores.boundary_iou == pytest.approx(slow_boundary_iou(truth, prediction, width), abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_pixels_that_are_not_square_make_other_neighbours_the_nearest(seed):
    truth, prediction = blobs(seed)
    there, back = slow_distances(truth, prediction, (0.5, 2.0))
    scores = boundary_scores(truth, prediction, pixel_size=(0.5, 2.0))
    assert scores.hd95_physical == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-12)
    assert scores.assd_physical == pytest.approx(np.concatenate([there, back]).mean(), abs=1e-12)
    assert scores.hd95 == boundary_scores(truth, prediction).hd95  # pixels stay pixels


@pytest.mark.parametrize("seed", range(6))
def test_the_largest_distance_is_the_hausdorff_distance_of_scikit_image(seed):
    from skimage.metrics import hausdorff_distance

    truth, prediction = blobs(seed)
    pair = pair_up(truth, prediction)
    ours = max(
        boundary_distances.nearest(pair.boundary_truth, pair.boundary_prediction).max(),
        boundary_distances.nearest(pair.boundary_prediction, pair.boundary_truth).max(),
    )
    theirs = hausdorff_distance(slow_boundary(truth), slow_boundary(prediction))
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_a_disc_and_an_ellipse_with_the_numbers_that_monai_gave():
    rows, columns = np.ogrid[:60, :80]
    truth = (rows - 30) ** 2 + (columns - 40) ** 2 <= 144
    prediction = (rows - 28) ** 2 / 100 + (columns - 43) ** 2 / 256 <= 1
    scores = boundary_scores(truth, prediction)  # MONAI 1.6.1, percentile=95 and symmetric=True, single precision
    assert scores.hd95 == pytest.approx(6.497196674346924, rel=1e-6)
    assert scores.assd == pytest.approx(2.3894712924957275, rel=1e-6)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call
@pytest.mark.slow  # importing MONAI takes half a minute
def test_the_distances_and_surface_dice_of_monai():
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    for seed in range(40):
        truth, prediction = (blobs if seed % 4 else noise)(seed)
        theirs = [torch.from_numpy(mask)[None, None] for mask in (prediction, truth)]
        scores = boundary_scores(truth, prediction)
        expected = compute_hausdorff_distance(*theirs, include_background=True, percentile=95).item()
        assert scores.hd95 == pytest.approx(expected, rel=1e-5, abs=1e-6)  # MONAI works in float32
        expected = compute_average_surface_distance(*theirs, include_background=True, symmetric=True).item()
        assert scores.assd == pytest.approx(expected, rel=1e-5, abs=1e-6)
        expected = compute_hausdorff_distance(
            *theirs, include_background=True, percentile=95, spacing=[0.5, 2.0]
        ).item()
        assert hd95(truth, prediction, pixel_size=(0.5, 2.0)) == pytest.approx(expected, rel=1e-5, abs=1e-6)
        # MONAI pools the pixels of both boundaries where F1 takes the harmonic mean of the two shares.
        there, back = slow_distances(truth, prediction)
        dice = compute_surface_dice(*theirs, [3.0], include_background=True).item()
        assert ((there <= 3).sum() + (back <= 3).sum()) / (there.size + back.size) == pytest.approx(dice, rel=1e-6)
        low, high = sorted([(there <= 3).mean(), (back <= 3).mean()])
        assert low <= boundary_f1(truth, prediction, tolerance=3) <= high


@pytest.mark.parametrize("seed", range(4))
def test_tree_and_distance_transform_give_the_same_distances(seed, monkeypatch):
    pair = pair_up(*blobs(seed))
    found = {}
    for road, pixels in (("tree", 0), ("transform", 1e9)):
        monkeypatch.setattr(boundary_distances, "_PIXELS_A_POINT", pixels)
        both = pair.boundary_truth, pair.boundary_prediction
        found[road] = np.sort(boundary_distances.nearest(*both, (0.7, 1.3)))
    np.testing.assert_allclose(found["tree"], found["transform"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("times", [1, 2, 3, 7, 12, 40])
def test_eroding_in_doubling_steps_is_eroding_step_by_step(times):
    mask = gaussian_filter(np.random.default_rng(times).standard_normal((61, 83)), 9) > -0.02
    expected = binary_erosion(mask, np.ones((3, 3)), iterations=times)
    assert erode_square(mask, times).tolist() == expected.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_each_measure_alone_gives_what_all_together_give(seed):
    truth, prediction = blobs(seed)
    keep = np.random.default_rng(seed).random(truth.shape) < 0.98
    scores = boundary_scores(truth, prediction, keep, tolerance=2, pixel_size=(0.5, 0.7))
    assert scores.boundary_iou == boundary_iou(truth, prediction, keep)
    assert scores.boundary_f1 == boundary_f1(truth, prediction, keep, tolerance=2)
    assert scores.hd95 == hd95(truth, prediction, keep)
    assert scores.assd == assd(truth, prediction, keep)
    assert scores.hd95_physical == hd95(truth, prediction, keep, pixel_size=(0.5, 0.7))
    assert scores.assd_physical == assd(truth, prediction, keep, pixel_size=(0.5, 0.7))


@pytest.mark.parametrize("seed", range(4))
def test_a_perfect_prediction_is_perfect_in_everything(seed):
    truth, _ = blobs(seed)
    scores = boundary_scores(truth, truth.copy(), tolerance=0)
    assert (scores.boundary_iou, scores.boundary_f1, scores.hd95, scores.assd) == (1, 1, 0, 0)


@pytest.mark.parametrize("masks", [blobs, noise])
def test_truth_and_prediction_may_change_places(masks):
    truth, prediction = masks(3)
    forth, back = boundary_scores(truth, prediction), boundary_scores(prediction, truth)
    assert (forth.boundary_iou, forth.boundary_f1, forth.hd95) == (back.boundary_iou, back.boundary_f1, back.hd95)
    assert forth.assd == pytest.approx(back.assd, abs=1e-12)


def test_turning_and_flipping_the_picture_changes_nothing():
    truth, prediction = blobs(5)
    straight = boundary_scores(truth, prediction)
    for turn in (np.rot90, np.flipud, np.transpose):
        turned = boundary_scores(turn(truth), turn(prediction))
        assert (turned.boundary_iou, turned.boundary_f1) == (straight.boundary_iou, straight.boundary_f1)
        assert turned.hd95 == pytest.approx(straight.hd95, abs=1e-12)
        assert turned.assd == pytest.approx(straight.assd, abs=1e-12)


@pytest.mark.parametrize("shift", [1, 3, 17, 30])
def test_a_line_moved_by_some_pixels_is_that_far_off(shift):
    truth = np.zeros((40, 50), bool)
    truth[5] = True
    prediction = np.roll(truth, shift, axis=0)
    scores = boundary_scores(truth, prediction, tolerance=shift)
    assert (scores.hd95, scores.assd) == (shift, shift)
    assert scores.boundary_f1 == 1  # exactly the tolerance is within it
    assert boundary_f1(truth, prediction, tolerance=shift - 0.01) == 0


def test_distances_grow_with_the_pixel_size():
    truth, prediction = blobs(1)
    scores = boundary_scores(truth, prediction, pixel_size=0.65)
    assert scores.hd95_physical == pytest.approx(0.65 * scores.hd95)
    assert scores.assd_physical == pytest.approx(0.65 * scores.assd)
    assert math.isnan(boundary_scores(truth, prediction).hd95_physical)


def test_a_wider_tolerance_never_scores_less():
    truth, prediction = blobs(2)
    scores = [boundary_f1(truth, prediction, tolerance=tolerance) for tolerance in np.arange(0, 80, 2.5)]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1] == 1


def test_empty_space_around_changes_nothing_in_pixels():
    truth, prediction = blobs(4)
    truth[[0, -1]] = truth[:, [0, -1]] = prediction[[0, -1]] = prediction[:, [0, -1]] = False
    small = boundary_scores(truth, prediction, tolerance=2)
    large = boundary_scores(np.pad(truth, 30), np.pad(prediction, 30), tolerance=2)
    assert (small.boundary_f1, small.hd95, small.assd) == (large.boundary_f1, large.hd95, large.assd)


def test_the_rule_for_empty_masks():
    blank, shown = np.zeros((30, 40), bool), square(3, 4, shape=(30, 40))
    neither = boundary_scores(blank, blank, pixel_size=(2.0, 1.0))
    assert (neither.boundary_iou, neither.boundary_f1, neither.hd95, neither.assd_physical) == (1, 1, 0, 0)
    for truth, prediction, case in ((shown, blank, "missed"), (blank, shown, "invented")):
        scores = boundary_scores(truth, prediction, pixel_size=(2.0, 1.0))
        assert (scores.boundary_iou, scores.boundary_f1, scores.hd95, scores.assd) == (0, 0, 50, 50)
        assert scores.hd95_physical == scores.assd_physical == math.hypot(60, 40)
        assert scores.case == case
    assert neither.case == "neither"


def test_no_distance_within_the_picture_is_worse_than_a_miss():
    corner, opposite = np.zeros((30, 40), bool), np.zeros((30, 40), bool)
    corner[0, 0] = opposite[-1, -1] = True
    assert boundary_scores(corner, opposite).hd95 < boundary_scores(corner, np.zeros((30, 40), bool)).hd95


def test_nothing_is_scored_where_no_pixel_counts():
    truth = square(3, 4)
    scores = boundary_scores(truth, truth, np.zeros(truth.shape, bool))
    assert scores.case == "nothing"
    assert np.isnan([scores.boundary_iou, scores.boundary_f1, scores.hd95, scores.assd]).all()


def test_what_is_predicted_at_ignored_pixels_changes_nothing():
    truth, prediction = blobs(7)
    rng = np.random.default_rng(7)
    keep = gaussian_filter(rng.standard_normal(truth.shape), 3) < 0.1
    changed = prediction ^ (~keep & (rng.random(truth.shape) < 0.5))
    changed_truth = truth ^ (~keep & (rng.random(truth.shape) < 0.5))
    assert (changed != prediction).any()
    assert boundary_scores(truth, prediction, keep) == boundary_scores(changed_truth, changed, keep)


def test_ignored_pixels_make_no_boundary_of_their_own():
    truth = square(10, 10)
    keep = np.ones(truth.shape, bool)
    keep[14:16] = False  # a strip across the square
    pair = pair_up(truth, truth, keep)
    whole = pair_up(truth, truth)
    assert pair.boundary_truth.sum() == whole.boundary_truth.sum() - 4  # two ignored rows, two sides


def test_ignored_pixels_far_inside_change_no_distance():
    truth, prediction = square(5, 5, side=20), square(6, 5, side=20)
    keep = np.ones(truth.shape, bool)
    keep[12:18, 12:18] = False
    assert boundary_scores(truth, prediction, keep) == boundary_scores(truth, prediction)


@pytest.mark.parametrize("seed", range(8))
def test_the_band_follows_its_definition_with_ignored_pixels_too(seed):
    truth, prediction = blobs(seed)
    keep = gaussian_filter(np.random.default_rng(seed).standard_normal(truth.shape), 3) < 0.1
    square = np.ones((3, 3))
    bands = [
        keep & mask & ~binary_erosion(mask | ~keep, square, iterations=4) for mask in (truth & keep, prediction & keep)
    ]
    expected = (bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()
    assert boundary_iou(truth, prediction, keep, width=4) == pytest.approx(expected, abs=1e-12)


def test_a_boundary_that_is_ignored_all_along_has_no_scores():
    truth, prediction = square(10, 10), square(11, 11)
    keep = ~(square(8, 8, side=14) & ~square(12, 12, side=6))
    scores = boundary_scores(truth, prediction, keep)
    assert scores.case == "hidden"
    assert math.isnan(scores.boundary_iou)
    assert math.isnan(scores.assd)


def test_a_mask_that_fills_the_picture_has_the_edge_for_a_boundary():
    full = np.ones((20, 30), bool)
    assert pair_up(full, full).boundary_truth.sum() == 2 * 20 + 2 * 30 - 4
    assert boundary_scores(full, full).boundary_iou == 1


def test_tolerance_and_band_are_shares_of_the_diagonal():
    assert default_tolerance((480, 854)) == 8  # DAVIS at 480p
    assert default_tolerance((1024, 1024)) == 12
    assert band_width((1024, 1024)) == 29
    assert band_width((10, 10)) == 1


def test_a_picture_of_one_pixel_has_scores():
    one, none = np.ones((1, 1), bool), np.zeros((1, 1), bool)
    assert boundary_scores(one, one).boundary_f1 == 1
    assert boundary_scores(one, none).hd95 == pytest.approx(math.sqrt(2))


def test_masks_sizes_and_tolerances_that_are_none_are_told():
    mask = square(1, 1)
    with pytest.raises(ShapeError, match="boolean masks of one shape"):
        boundary_scores(mask, mask[1:])
    with pytest.raises(ShapeError, match="uint8"):
        boundary_scores(mask, mask.astype(np.uint8))
    with pytest.raises(ConfigError, match="pixel size"):
        hd95(mask, mask, pixel_size=(1.0, 0.0))
    with pytest.raises(ConfigError, match="tolerance"):
        boundary_f1(mask, mask, tolerance=-1)
