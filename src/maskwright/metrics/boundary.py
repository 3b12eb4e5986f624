"""How well two masks agree along their boundary: boundary IoU, boundary F1, 95 % Hausdorff and mean distance.

Each is a plain function of two boolean masks; `boundary_scores` gives all at once for the price of one. The rules
for empty masks and ignored pixels are sentences here, so that whoever prints a score can print them beside it.
"""

import math
from dataclasses import dataclass

import numpy as np

from maskwright.errors import ConfigError
from maskwright.metrics.boundary_distances import UNIT, Floats, Size, nearest
from maskwright.metrics.boundary_pixels import BOUNDARY_RULE as BOUNDARY_RULE
from maskwright.metrics.boundary_pixels import IGNORED_RULE as IGNORED_RULE
from maskwright.metrics.boundary_pixels import Case, Mask, Pair, erode_square, pair_up

BAND_SHARE = 0.02  # of the diagonal: how deep the bands of boundary IoU are
TOLERANCE_SHARE = 0.008  # of the diagonal, rounded up to whole pixels: how far off boundary F1 forgives
PERCENTILE = 95

BAND_RULE = (
    "boundary IoU is the IoU of two bands: of each mask the pixels within d pixels (in the larger of rows and columns) "
    "of what is outside it, the picture's edge included; d is 2 % of the picture's diagonal, rounded, at least 1 "
    "(Cheng et al. 2021)"
)
F1_RULE = (
    "boundary F1 is the harmonic mean of precision, the share of predicted boundary pixels within the tolerance of a "
    "true one, and recall, the share of true boundary pixels within the tolerance of a predicted one; both ends are "
    "pixel centres, and exactly the tolerance is within it"
)
TOLERANCE_RULE = "0.8 % of the picture's diagonal, rounded up to whole pixels (as in DAVIS, Perazzi et al. 2016)"
DISTANCE_RULE = (
    "distances are Euclidean, between the centres of boundary pixels, each to the nearest of the other mask; hd95 is "
    "the larger of the two 95th percentiles, prediction to truth and truth to prediction (linear between ranks); assd "
    "is the mean over the boundary pixels of both masks together"
)
EMPTY_RULE = (
    "a class that neither truth nor prediction shows in a picture scores boundary IoU and F1 1, distances 0; a class "
    "that only one of the two shows scores 0, and the picture's diagonal as its distance, so that a model cannot gain "
    "by finding nothing; 'both_shown' has the mean distances without these pictures"
)


@dataclass(frozen=True)
class BoundaryScores:
    """The boundary scores of one class in one picture; NaN where undefined.

    boundary_iou, boundary_f1: in [0, 1]. hd95, assd: pixels. hd95_physical, assd_physical: in the unit of the pixel
    size, NaN where none is known. case: what was there to be compared, as in `Pair`.
    """

    boundary_iou: float
    boundary_f1: float
    hd95: float
    assd: float
    hd95_physical: float
    assd_physical: float
    case: Case


def boundary_scores(
    truth: Mask,
    prediction: Mask,
    keep: Mask | None = None,
    *,
    tolerance: float | None = None,
    pixel_size: float | tuple[float, float] | None = None,
) -> BoundaryScores:
    """Compare two masks along their boundaries.

    truth, prediction: bool (h, w). keep: bool (h, w), False at ignored pixels; None keeps all.
    tolerance: of boundary F1, in pixels; None is `default_tolerance`.
    pixel_size: side of a pixel, or (height, width), in any unit; None: distances in pixels only.

    Raises ShapeError for other than boolean masks of one shape, ConfigError for a size or tolerance that is none.
    """
    size = None if pixel_size is None else size_of(pixel_size)
    width = band_width(truth.shape)
    pair = pair_up(truth, prediction, keep, width=width)
    if pair.case != "both":
        return _without_boundaries(pair, size)
    within = default_tolerance(pair.shape) if tolerance is None else check_tolerance(tolerance)
    distances = _both_ways(pair, UNIT)
    hd95, assd = _hd95(distances), _assd(distances)
    physical = _physical(pair, hd95, assd, size)
    return BoundaryScores(_band_iou(pair, width), _f1(distances, within), hd95, assd, *physical, pair.case)


def boundary_iou(truth: Mask, prediction: Mask, keep: Mask | None = None, *, width: int | None = None) -> float:
    """Return the IoU of the bands inside the two masks. width: of the bands, in pixels; None is `band_width`.

    Source: Cheng et al. 2021, Boundary IoU, arXiv:2103.16562, and its published code (picture edge, rounding).
    """
    width = band_width(truth.shape) if width is None else width
    pair = pair_up(truth, prediction, keep, width=width)
    return _band_iou(pair, width) if pair.case == "both" else _without_boundaries(pair, None).boundary_iou


def boundary_f1(truth: Mask, prediction: Mask, keep: Mask | None = None, *, tolerance: float | None = None) -> float:
    """Return the F1 score of boundary pixels found within `tolerance` pixels; None is `default_tolerance`.

    Source: Csurka et al. 2013, What is a good evaluation measure for semantic segmentation?, BMVC.
    """
    pair = pair_up(truth, prediction, keep)
    if pair.case != "both":
        return _without_boundaries(pair, None).boundary_f1
    within = default_tolerance(pair.shape) if tolerance is None else check_tolerance(tolerance)
    return _f1(_both_ways(pair, UNIT), within)


def hd95(
    truth: Mask, prediction: Mask, keep: Mask | None = None, *, pixel_size: float | tuple[float, float] = 1.0
) -> float:
    """Return the 95 % Hausdorff distance of the two boundaries, in the unit of `pixel_size`."""
    pair, size = pair_up(truth, prediction, keep), size_of(pixel_size)
    if pair.case != "both":
        return _without_boundaries(pair, size).hd95_physical
    return _hd95(_both_ways(pair, size))


def assd(
    truth: Mask, prediction: Mask, keep: Mask | None = None, *, pixel_size: float | tuple[float, float] = 1.0
) -> float:
    """Return the average symmetric distance of the two boundaries, in the unit of `pixel_size`."""
    pair, size = pair_up(truth, prediction, keep), size_of(pixel_size)
    if pair.case != "both":
        return _without_boundaries(pair, size).assd_physical
    return _assd(_both_ways(pair, size))


def band_width(shape: tuple[int, ...]) -> int:
    """Return how deep the bands of boundary IoU are in a picture of this (h, w), in pixels."""
    return max(1, round(BAND_SHARE * math.hypot(*shape)))


def default_tolerance(shape: tuple[int, ...]) -> float:
    """Return the tolerance of boundary F1 in a picture of this (h, w), in pixels."""
    return float(math.ceil(TOLERANCE_SHARE * math.hypot(*shape)))


def size_of(pixel_size: float | tuple[float, float]) -> Size:
    """Return (height, width) of a pixel. Raises ConfigError unless both are above 0."""
    height, width = pixel_size if isinstance(pixel_size, tuple) else (pixel_size, pixel_size)
    if not (0 < height < math.inf and 0 < width < math.inf):
        raise ConfigError(f"A pixel size is one length above 0, or (height, width); got {pixel_size}.")
    return float(height), float(width)


def check_tolerance(tolerance: float) -> float:
    """Return the tolerance. Raises ConfigError unless it is a length in pixels, 0 or more."""
    if not 0 <= tolerance < math.inf:
        raise ConfigError(f"A boundary tolerance is a number of pixels, 0 or more; got {tolerance}.")
    return float(tolerance)


def _both_ways(pair: Pair, size: Size) -> tuple[Floats, Floats]:
    """Return the distances of the predicted boundary to the true one, and the reverse."""
    true, predicted = pair.boundary_truth, pair.boundary_prediction
    return nearest(predicted, true, size), nearest(true, predicted, size)


def _hd95(distances: tuple[Floats, Floats]) -> float:
    return max(float(np.percentile(directed, PERCENTILE)) for directed in distances)


def _assd(distances: tuple[Floats, Floats]) -> float:
    there, back = distances
    return float((there.sum() + back.sum()) / (there.size + back.size))


def _f1(distances: tuple[Floats, Floats], tolerance: float) -> float:
    precision, recall = (np.count_nonzero(directed <= tolerance) / directed.size for directed in distances)
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _band_iou(pair: Pair, width: int) -> float:
    true = pair.truth & ~erode_square(pair.inside_truth, width)
    predicted = pair.prediction & ~erode_square(pair.inside_prediction, width)
    return float(np.count_nonzero(true & predicted) / np.count_nonzero(true | predicted))


def _physical(pair: Pair, hd95: float, assd: float, size: Size | None) -> tuple[float, float]:
    """Return both distances with pixels of this size. Squares only stretch them; else the nearest may be another."""
    if size is None:
        return math.nan, math.nan
    if size[0] == size[1]:
        return hd95 * size[0], assd * size[0]
    distances = _both_ways(pair, size)
    return _hd95(distances), _assd(distances)


def _without_boundaries(pair: Pair, size: Size | None) -> BoundaryScores:
    """Return what the rule for empty masks says, or NaN where nothing can be said."""
    diagonal = pair.diagonal
    physical = math.nan if size is None else math.hypot(pair.shape[0] * size[0], pair.shape[1] * size[1])
    if pair.case == "neither":
        return BoundaryScores(1.0, 1.0, 0.0, 0.0, 0.0 * physical, 0.0 * physical, pair.case)
    if pair.case in ("missed", "invented"):
        return BoundaryScores(0.0, 0.0, diagonal, diagonal, physical, physical, pair.case)
    return BoundaryScores(*(6 * (math.nan,)), pair.case)
