"""How salient-object papers score a grey map against a mask: MAE, F-beta, S-measure and E-measure.

Everything follows from one table of whole numbers: how many pixels of each of 256 grey levels the object and the
background hold, in each of the four parts into which the object's centre divides the picture.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEVELS = 256
BETA_SQUARED = 0.3
ALPHA = 0.5  # of the S-measure: weight of the object-aware part
_BLOCK = 1 << 17  # pixels counted together

MAP_RULE = "probabilities are rounded to the 256 grey levels of an 8-bit picture, as maps are handed in"
NORMALISED_RULE = (
    "each map is stretched so that its smallest kept value is 0 and its largest 1, as the toolboxes of the papers do; "
    "a map of one level stays as it is"
)
RAW_RULE = "maps are not stretched: numbers of papers, whose toolboxes do so, are not comparable"
F_RULE = (
    "F-beta with beta squared 0.3, at the 256 cuts (at least the cut's level, of 0 to 255): the curves of all pictures "
    "are averaged, then the mean and the largest value of that one curve are taken; adaptive: cut at twice the map's "
    "mean, at most 1; a truth without object scores 1 at cuts that mark nothing, else 0"
)
E_RULE = (
    "E-measure (Fan et al. 2018) at the same cuts, averaged in the same way; its sum is divided by the pixels, as in "
    "the paper (its code divides by one pixel less, so that it is larger by one part in the number of pixels); truth "
    "without object: the share of pixels not marked; object everywhere: the share marked"
)
S_RULE = (
    "S-measure (Fan et al. 2017) with alpha 0.5: half object-aware, half the structural similarity of the four parts "
    "about the object's centre; truth without object: 1 - the map's mean; object everywhere: the map's mean"
)
IGNORED_RULE = (
    "ignored pixels are left out of everything: of the stretching, the object's centre, and each of the four parts of "
    "the S-measure, which weigh by the pixels they keep"
)


@dataclass(frozen=True, eq=False)
class SaliencyTable:
    """What is left of a picture. counts: (4, 2, 256) kept pixels by part, background or object, and grey level.

    The parts are above left, above right, below left, below right of the object's centre.
    values: (256,) in [0, 1], what each grey level stands for.
    """

    counts: Integers
    values: Floats

    @property
    def levels(self) -> Integers:
        """Return (2, 256): pixels of background and object at each grey level, in the whole picture."""
        total: Integers = self.counts.sum(axis=0)
        return total


def saliency_table(
    probabilities: NDArray[np.floating], truth: Mask, keep: Mask | None = None, *, normalise: bool = True
) -> SaliencyTable:
    """Count the grey levels of a map.

    probabilities: (h, w) in [0, 1]. truth: bool (h, w), True on the object. keep: bool, False at ignored pixels.
    normalise: stretch the map from its smallest to its largest kept level, as the papers' toolboxes do.

    Raises ShapeError when the three do not belong together.
    """
    if truth.ndim != 2 or truth.dtype != np.bool_ or probabilities.shape != truth.shape:
        raise ShapeError(f"A map and a boolean mask (h, w) are wanted; got {probabilities.shape}, {truth.shape}.")
    if keep is not None and (keep.shape != truth.shape or keep.dtype != np.bool_):
        raise ShapeError(f"The pixels to keep are boolean, of shape {truth.shape}; got {keep.shape} {keep.dtype}.")
    height, width = truth.shape
    row, column = _centre(truth if keep is None else truth & keep)
    counts = np.zeros((4, 2 * LEVELS), np.int64)
    step = max(1, _BLOCK // max(1, width))
    for part, (rows, right) in enumerate((rows, right) for rows in ((0, row), (row, height)) for right in (0, 1)):
        columns = slice(column, width) if right else slice(0, column)
        for top in range(rows[0], rows[1], step):
            block = slice(top, min(top + step, rows[1])), columns
            counts[part] += _count(probabilities[block], truth[block], None if keep is None else keep[block])
    table = counts.reshape(4, 2, LEVELS)
    return SaliencyTable(table, _values(table.sum(axis=(0, 1)), normalise))


def mae(table: SaliencyTable) -> float:
    """Return the mean absolute difference of map and truth; NaN where no pixel counts.

    Source: Perazzi et al. 2012, Saliency filters, CVPR.
    """
    background, thing = table.levels
    return _share(float(background @ table.values + thing @ (1 - table.values)), int(table.counts.sum()))


def f_curve(table: SaliencyTable) -> Floats:
    """Return F-beta at the 256 cuts, (256,): cut t marks the levels (of the stretched map) of at least t.

    Source: Achanta et al. 2009, Frequency-tuned salient region detection, CVPR.
    """
    return _f_beta(*_marked_at_cuts(table))


def f_adaptive(table: SaliencyTable) -> float:
    """Return F-beta at twice the mean of the map, at most 1."""
    return float(_f_beta(*_marked_at_mean(table))[0])


def e_curve(table: SaliencyTable) -> Floats:
    """Return the E-measure at the 256 cuts, (256,).

    Source: Fan et al. 2018, Enhanced-alignment measure for binary foreground map evaluation, arXiv:1805.10421.
    """
    return _e_measure(*_marked_at_cuts(table))


def e_adaptive(table: SaliencyTable) -> float:
    """Return the E-measure at twice the mean of the map, at most 1."""
    return float(_e_measure(*_marked_at_mean(table))[0])


def s_measure(table: SaliencyTable) -> float:
    """Return the structure measure, in [0, 1]; NaN where no pixel counts.

    Source: Fan et al. 2017, Structure-measure: a new way to evaluate foreground maps, arXiv:1708.00786.
    """
    background, thing = table.levels
    pixels, objects = int(table.counts.sum()), int(thing.sum())
    if objects in (0, pixels):
        mean = _share(float((background + thing) @ table.values), pixels)
        return mean if objects else 1 - mean
    share = objects / pixels
    of_object = share * _likeness(thing, table.values) + (1 - share) * _likeness(background, 1 - table.values)
    of_regions = sum(part.sum() / pixels * _similarity(part, table.values) for part in table.counts if part.any())
    return float(max(0.0, ALPHA * of_object + (1 - ALPHA) * of_regions))


def _count(probabilities: NDArray[np.floating], truth: Mask, keep: Mask | None) -> Integers:
    """Return (512,): background's 256 levels, then the object's."""
    level = np.rint(np.clip(probabilities, 0, 1) * (LEVELS - 1)).astype(np.uint16)
    level += truth.astype(np.uint16) * LEVELS
    return np.bincount(level.reshape(-1) if keep is None else level[keep], minlength=2 * LEVELS)


def _values(levels: Integers, normalise: bool) -> Floats:
    values = np.arange(LEVELS) / (LEVELS - 1)
    shown = np.flatnonzero(levels)
    if normalise and shown.size > 1:
        low, high = values[shown[0]], values[shown[-1]]
        values = np.clip((values - low) / (high - low), 0, 1)
    return values


def _centre(truth: Mask) -> tuple[int, int]:
    """Return how many rows and columns the parts above and on the left have; the middle without an object."""
    height, width = truth.shape
    rows, columns = np.count_nonzero(truth, axis=1), np.count_nonzero(truth, axis=0)
    number = rows.sum()
    if not number:
        return height // 2, width // 2
    row, column = (np.rint(counts @ np.arange(counts.size) / number) for counts in (rows, columns))
    return int(row) + 1, int(column) + 1


def _marked_at_cuts(table: SaliencyTable) -> tuple[Floats, Integers]:
    """Return (2, 256) pixels of background and object at or above each cut, and (2,) all of them."""
    at = (table.values * (LEVELS - 1)).astype(np.intp)
    counts = np.stack([np.bincount(at, weights=levels, minlength=LEVELS) for levels in table.levels])
    return counts[:, ::-1].cumsum(axis=1)[:, ::-1], table.levels.sum(axis=1)


def _marked_at_mean(table: SaliencyTable) -> tuple[Floats, Integers]:
    levels = table.levels
    mean = _share(float(levels.sum(axis=0) @ table.values), int(levels.sum()))
    marked = levels[:, table.values >= min(2 * mean, 1.0)].sum(axis=1, keepdims=True)
    return marked.astype(np.float64), levels.sum(axis=1)


def _f_beta(marked: Floats, pixels: Integers) -> Floats:
    """Return F-beta = (1 + b) tp / (b * truth + marked), b being beta squared; (cuts,)."""
    whole = BETA_SQUARED * pixels[1] + marked.sum(axis=0)
    empty = 1.0 if pixels.sum() else np.nan
    return np.where(whole > 0, (1 + BETA_SQUARED) * marked[1] / np.where(whole > 0, whole, 1), empty)


def _e_measure(marked: Floats, pixels: Integers) -> Floats:
    total, objects = int(pixels.sum()), int(pixels[1])
    if not total:
        return np.full(marked.shape[1], np.nan)
    share_marked: Floats = marked.sum(axis=0) / total
    if objects in (0, total):
        return share_marked if objects else np.subtract(1, share_marked)
    missed = pixels[:, None] - marked
    aligned = np.zeros(marked.shape[1])
    for number, is_marked, is_object in (
        (marked[1], 1, 1), (marked[0], 1, 0), (missed[1], 0, 1), (missed[0], 0, 0),
    ):  # fmt: skip
        a, b = is_marked - share_marked, is_object - objects / total
        aligned += number * (1 + 2 * a * b / (a**2 + b**2)) ** 2 / 4
    return aligned / total


def _likeness(levels: Integers, values: Floats) -> float:
    """Return the object-aware score of a region that should be 1 everywhere."""
    mean, variance = _moments(levels, values)
    return 2 * mean / (mean**2 + 1 + math.sqrt(variance))


def _similarity(part: Integers, values: Floats) -> float:
    """Return the structural similarity of map and truth in one part, (2, 256) counts."""
    number, levels = int(part.sum()), part.sum(axis=0)
    y = int(part[1].sum()) / number
    flat_map, flat_truth = np.count_nonzero(levels) == 1, y in (0, 1)
    if flat_map or flat_truth:
        return float(flat_map and flat_truth)
    x, variance = _moments(levels, values)
    together = (part[1] @ (values - x) * (1 - y) - part[0] @ (values - x) * y) / (number - 1)
    return float(4 * x * y * together / ((x**2 + y**2) * (variance + y * (1 - y) * number / (number - 1))))


def _moments(levels: Integers, values: Floats) -> tuple[float, float]:
    """Return mean and variance (of a sample) of the values that occur so often."""
    number = int(levels.sum())
    mean = float(levels @ values) / number
    return mean, float(levels @ (values - mean) ** 2) / max(1, number - 1)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")
