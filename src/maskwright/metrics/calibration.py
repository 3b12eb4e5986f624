"""Whether a probability means what it says: of the pixels given 0.8, do 80 % belong to the class?

Sums over pixels in 15 equal bins of the probability, from which the reliability diagram, the expected and maximal
calibration error, the Brier score and the negative log-likelihood follow. Sums of pictures add up.

The pixels of a picture are not independent of each other: such a sum holds millions of them and is still worth no
more than its pictures are. Nothing here is a test, and no interval may be taken over pixels.

Sources: Naeini et al. 2015, AAAI ("Obtaining well calibrated probabilities using Bayesian binning"), and Guo et al.
2017, arXiv:1706.04599, for bins, ECE and MCE; Brier 1950, Monthly Weather Review 78.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE

BINS = 15
SMALLEST = float(np.finfo(np.float32).eps)  # a smaller probability counts as this one in a logarithm

DEFINITION = (
    "pixels in 15 equal bins of the probability, open at their lower end; ECE is the mean over pixels, MCE the largest "
    "over bins, of |frequency - mean probability| (Naeini 2015, Guo 2017). Two classes, or overlapping ones: the "
    "foreground's probability against how often it is there, every class of every pixel. Several exclusive classes: "
    "the top class's probability against how often it is right. Pixels of all pictures are pooled, ignored ones left "
    "out; they are not independent of each other"
)

_BLOCK = 1 << 17  # pixels looked at together: small enough to stay in a core's cache


@dataclass(frozen=True, eq=False)
class CalibrationSums:
    """What is kept of probabilities and truth; of several pictures they add up.

    pixels, true: (bins,) int64, the answers that fell into each bin, and those that were right (or foreground).
    confidence: (bins,) float64, the sum of their probabilities. squared, log: sums over all answers of what Brier
    score and negative log-likelihood are means of. An answer is a pixel, or a class of a pixel for overlapping classes.
    """

    pixels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    true: NDArray[np.int64]
    squared: float = 0.0
    log: float = 0.0

    def __add__(self, other: "CalibrationSums") -> "CalibrationSums":
        return CalibrationSums(
            self.pixels + other.pixels, self.confidence + other.confidence, self.true + other.true,
            self.squared + other.squared, self.log + other.log,
        )  # fmt: skip

    @property
    def answers(self) -> int:
        """Return how many answers were counted."""
        return int(self.pixels.sum())


def no_sums(bins: int = BINS) -> CalibrationSums:
    """Return the sums of nothing."""
    return CalibrationSums(np.zeros(bins, np.int64), np.zeros(bins), np.zeros(bins, np.int64))


def calibration_sums(truth: NDArray[Any], probabilities: NDArray[Any], *, bins: int = BINS) -> CalibrationSums:
    """Sum up one picture.

    truth, probabilities: (H, W) of 0, 1, IGNORE and (1, H, W): two classes. (H, W) class indices and IGNORE and
    (K, H, W) that sum to 1: several classes. (H, W, K) of 0, 1, IGNORE and (K, H, W): overlapping classes.
    Probabilities are float32 in [0, 1]; a value that rounding has put outside counts as 0 or 1.

    Raises ShapeError when the two do not belong together.
    """
    several = truth.ndim == 2 and probabilities.ndim == 3 and probabilities.shape[0] > 1
    size = truth.shape[:2] if truth.ndim == 2 else (*truth.shape[:2], probabilities.shape[0])
    if truth.shape != size or probabilities.ndim != 3 or probabilities.shape[1:] != truth.shape[:2]:
        raise ShapeError(
            "calibration_sums wants truth (H, W) or (H, W, K) and probabilities (K, H, W); "
            f"got {truth.shape} and {probabilities.shape}."
        )
    if several:
        return _in_blocks(truth.reshape(-1), probabilities.reshape(len(probabilities), -1), bins)
    channels = truth[..., None] if truth.ndim == 2 else truth
    total = no_sums(bins)
    for k, values in enumerate(probabilities):
        total += _in_blocks(channels[..., k].reshape(-1), values.reshape(1, -1), bins)
    return total


def expected_error(sums: CalibrationSums) -> float:
    """Return the expected calibration error, in [0, 1]: the bins' gaps, weighted by their pixels. NaN for no pixel."""
    return float(np.abs(sums.true - sums.confidence).sum() / sums.answers) if sums.answers else float("nan")


def maximum_error(sums: CalibrationSums) -> float:
    """Return the largest gap of a bin that has a pixel, in [0, 1]; one pixel can make it. NaN for no pixel."""
    used = sums.pixels > 0
    gaps = np.abs(sums.true - sums.confidence)[used] / sums.pixels[used]
    return float(gaps.max()) if gaps.size else float("nan")


def brier_score(sums: CalibrationSums) -> float:
    """Return the mean squared distance of probability and truth, in [0, 1]; NaN for no pixel.

    Two or overlapping classes: (p - y)^2. Several: half the sum over the classes, which for two is the same number.
    """
    return sums.squared / sums.answers if sums.answers else float("nan")


def negative_log_likelihood(sums: CalibrationSums) -> float:
    """Return the mean of -ln of the probability that the truth was given, from 0 up; NaN for no pixel.

    A probability below 1.2e-7, the step of float32 at 1, counts as that: one wrong pixel costs at most 15.9.
    """
    return sums.log / sums.answers if sums.answers else float("nan")


def reliability(sums: CalibrationSums) -> list[dict[str, Any]]:
    """Return each bin as JSON values: {low, high, pixels, confidence, frequency}; the last two null in an empty bin."""
    number = len(sums.pixels)
    return [
        {
            "low": j / number, "high": (j + 1) / number, "pixels": int(pixels),
            "confidence": float(sums.confidence[j] / pixels) if pixels else None,
            "frequency": float(sums.true[j] / pixels) if pixels else None,
        }
        for j, pixels in enumerate(sums.pixels)
    ]  # fmt: skip


def _in_blocks(truth: NDArray[Any], values: NDArray[Any], bins: int) -> CalibrationSums:
    """Sum up (P,) truth and (K, P) probabilities; K is 1 for yes or no."""
    total = no_sums(bins)
    for start in range(0, truth.size, _BLOCK):
        t, p = truth[start : start + _BLOCK], values[:, start : start + _BLOCK]
        keep = t != IGNORE
        if not keep.all():
            t, p = t[keep], p[:, keep]
        p = np.clip(p, 0, 1, dtype=np.float32)
        total += _yes_or_no(t == 1, p[0], bins) if len(p) == 1 else _one_of_several(t, p, bins)
    return total


def _yes_or_no(true: NDArray[np.bool_], p: NDArray[np.float32], bins: int) -> CalibrationSums:
    given = np.where(true, p, 1 - p)
    return _sums(p, true, float(np.square(1 - given).sum(dtype=np.float64)), given, bins)


def _one_of_several(t: NDArray[Any], p: NDArray[np.float32], bins: int) -> CalibrationSums:
    given = np.take_along_axis(p, t[None].astype(np.intp), axis=0)[0]
    squared = (np.square(p, dtype=np.float64).sum() - 2 * given.sum(dtype=np.float64) + t.size) / 2
    return _sums(p.max(axis=0), p.argmax(axis=0) == t, float(squared), given, bins)


def _sums(
    confidence: NDArray[np.float32], true: NDArray[np.bool_], squared: float, given: NDArray[np.float32], bins: int
) -> CalibrationSums:
    """Sort answers into bins ((j - 1) / bins, j / bins], 0 into the first. given: the truth's own probability."""
    at = np.maximum(np.ceil(confidence * np.float32(bins)).astype(np.intp) - 1, 0)
    both = np.bincount(at + bins * true, minlength=2 * bins).reshape(2, bins)
    confidences = np.bincount(at, weights=confidence, minlength=bins).astype(np.float64)
    log = -float(np.log(np.maximum(given, np.float32(SMALLEST))).sum(dtype=np.float64))
    return CalibrationSums(both.sum(axis=0), confidences, both[1], squared, log)
