"""From probabilities at the picture's size to a mask on the truth's own grid.

Scores are taken on the mask's grid: probabilities are resized bilinearly to it and cut afterwards.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError, ShapeError
from maskwright.images.classes import Classes
from maskwright.images.resize import resize_float

GRID = "the truth mask's own grid, at its own resolution"
RESIZING = (
    "probabilities are resized to the truth's grid bilinearly (antialiased when made smaller), then cut; "
    "the truth is never resized"
)
RESIZING_OF_MASKS = "predicted masks are resized to the truth's grid by nearest; the truth is never resized"

_ROUNDING = 1e-3


def probabilities_on_grid(probabilities: NDArray[Any], size: tuple[int, int], classes: Classes) -> NDArray[np.float32]:
    """Return (K, h, w) float32 probabilities on a grid of `size` = (h, w).

    Raises ShapeError for a wrong K, DataError for values that are no probabilities (NaN, logits).
    """
    if probabilities.ndim != 3 or probabilities.shape[0] != classes.num_outputs:
        raise ShapeError(
            f"Scoring wants probabilities ({classes.num_outputs}, H, W) for {len(classes.names)} classes; "
            f"got {probabilities.shape}."
        )
    values: NDArray[np.float32] = np.asarray(probabilities, np.float32)
    low, high = float(values.min()), float(values.max())
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # also true of NaN
        raise DataError(
            f"What the model returned are no probabilities: they go from {low:.4g} to {high:.4g}.",
            fix="return values from 0 to 1, after sigmoid or softmax",
        )
    return values if values.shape[1:] == size else resize_float(values, size)


def cut(probabilities: NDArray[np.float32], classes: Classes, threshold: float | None) -> NDArray[np.uint8]:
    """Return the mask that probabilities (K, H, W) mean.

    Two exclusive classes: (H, W), 1 where the probability is above the threshold. Several: (H, W), the most
    probable class, the first of equals. Overlapping: (H, W, K), each class cut by itself. `threshold` None is 0.5.
    """
    at = 0.5 if threshold is None else threshold
    if classes.binary:
        above: NDArray[np.uint8] = (probabilities[0] > at).view(np.uint8)
        return above
    if not classes.exclusive:
        return np.moveaxis(probabilities > at, 0, -1).astype(np.uint8, order="C")
    best = probabilities[0].copy()
    label = np.zeros(best.shape, np.uint8)
    for k in range(1, len(probabilities)):
        np.copyto(label, np.uint8(k), where=probabilities[k] > best)
        np.maximum(best, probabilities[k], out=best)
    return label


def cut_in_words(classes: Classes, threshold: float | None | tuple[float, ...]) -> str:
    """Say how probabilities became a mask."""
    if classes.exclusive and not classes.binary:
        return "each pixel gets its most probable class"
    what = f"'{classes.names[-1]}'" if classes.binary else "each class"
    if isinstance(threshold, tuple):
        cuts = ", ".join(f"{one:.4g}" for one in threshold)
        return f"{what} where its probability is above its fold's threshold ({cuts})"
    return f"{what} where its probability is above {0.5 if threshold is None else threshold:.4g}"
