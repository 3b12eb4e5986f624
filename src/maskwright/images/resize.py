"""Antialiased bilinear resizing in plain numpy: as a matrix, or adding up only the rows that count.

The weights are those of torch's `F.interpolate(mode="bilinear", antialias=True, align_corners=False)`, computed in the
same single precision and order, so that training, the model file and scoring resize alike. Knows nothing of files.
"""

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError

_ROWS_AT_ONCE = 64  # so that what is being added stays in a core's cache


def resize_matrix(n_in: int, n_out: int) -> NDArray[np.float32]:
    """Return the weights that resize a line of `n_in` pixels to `n_out`: (n_out, n_in) float32.

    Row i is a triangle around (i + 0.5) * n_in / n_out, one input pixel wide to each side when enlarging and
    n_in / n_out wide when shrinking (that is the antialiasing), cut at the borders and scaled to sum 1.
    Equal sizes give the identity. Raises ShapeError for a size below 1.
    """
    first, weights = line_taps(n_in, n_out)
    matrix = np.zeros((n_out, n_in), np.float32)
    columns = first[:, None] + np.arange(weights.shape[1])
    inside = columns < n_in
    matrix[np.nonzero(inside)[0], columns[inside]] = weights[inside]
    return matrix


def resize_float(array: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize (C, H, W) float32 to (C, h, w), antialiased bilinear. Equal sizes return the array itself.

    Raises ShapeError for another number of axes or an empty size.
    """
    if array.ndim != 3:
        raise ShapeError(f"resize_float wants (C, H, W); got {array.shape}.")
    values = np.asarray(array, np.float32)
    enlarging = size[0] * size[1] >= values.shape[1] * values.shape[2]  # then columns are turned while they are few
    if enlarging or size[0] * values.shape[2] > values.shape[1] * size[1]:  # else what leaves less to do comes first
        return _along_rows(_along_columns(values, size[1]), size[0])
    return _along_columns(_along_rows(values, size[0]), size[1])


def resize_window(
    array: NDArray[np.float32], at: tuple[int, int], full: tuple[int, int], size: tuple[int, int], rows: slice,
    columns: slice,
) -> NDArray[np.float32]:  # fmt: skip
    """Return rows and columns of what `resize_float` makes of an array of size `full` for `size`, from a part of it.

    array: the part, (C, h, w), whose upper left is at `at` of the whole; what `line_taps` names must lie in it.
    """
    part = np.asarray(array, np.float32)
    across = _part_along_rows(part.transpose(0, 2, 1), at[1], (full[1], size[1]), columns).transpose(0, 2, 1)
    return np.ascontiguousarray(_part_along_rows(across, at[0], (full[0], size[0]), rows))


def _part_along_rows(array: NDArray[np.float32], at: int, lengths: tuple[int, int], part: slice) -> NDArray[np.float32]:
    """Resize the middle axis of a part of an array that begins at `at`, from one whole length to another."""
    if lengths[0] == lengths[1]:
        return array[:, part.start - at : part.stop - at]
    first, weights = line_taps(*lengths)
    first, weights = first[part], weights[part]
    result = np.empty((array.shape[0], len(first), array.shape[2]), np.float32)
    for channel, picture in zip(result, np.ascontiguousarray(array), strict=True):
        for start in range(0, len(first), _ROWS_AT_ONCE):
            block = slice(start, start + _ROWS_AT_ONCE)
            _add_rows(picture, first[block] - at, weights[block], channel[block])
    return result


def _along_columns(array: NDArray[np.float32], n_out: int) -> NDArray[np.float32]:
    """Resize the last axis of (C, H, W)."""
    if array.shape[2] == n_out:
        return array
    turned = np.ascontiguousarray(array.transpose(0, 2, 1))
    return np.ascontiguousarray(_along_rows(turned, n_out).transpose(0, 2, 1))


def _along_rows(array: NDArray[np.float32], n_out: int) -> NDArray[np.float32]:
    """Resize the middle axis of (C, H, W)."""
    return array if array.shape[1] == n_out else _part_along_rows(array, 0, (array.shape[1], n_out), slice(0, n_out))


def _add_rows(
    picture: NDArray[np.float32], first: NDArray[np.int64], weights: NDArray[np.float32], result: NDArray[np.float32]
) -> None:
    """Write each row's weighted sum of the rows of `picture` (H, W) from `first` on into `result` (rows, W)."""
    np.take(picture, first, axis=0, out=result, mode="clip")
    result *= weights[:, 0, None]
    rows = np.empty_like(result)
    for tap in range(1, weights.shape[1]):
        share = weights[:, tap, None]
        if share.any():  # when enlarging, no third row counts
            np.take(picture, first + tap, axis=0, out=rows, mode="clip")  # beyond the border the weight is zero
            rows *= share
            result += rows


def line_taps(n_in: int, n_out: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return for each output pixel its first input pixel (n_out,) and the weights from there on (n_out, taps).

    Weights beyond the last input pixel are zero; when enlarging, so are those from the third on.
    """
    if n_in < 1 or n_out < 1:
        raise ShapeError(f"A line of {n_in} pixels cannot be resized to {n_out}.", fix="both sizes must be at least 1")
    one, half = np.float32(1), np.float32(0.5)
    scale = np.float32(n_in) / np.float32(n_out)
    support = max(scale, one)
    center = scale * (np.arange(n_out, dtype=np.float32) + half)
    first = np.maximum((center - support + half).astype(np.int64), 0)
    taps = int(np.ceil(support)) * 2 + 1
    pixel = first[:, None] + np.arange(taps)
    distance = (pixel.astype(np.float32) - center[:, None] + half) * (one / support)
    weights = np.maximum(one - np.abs(distance), np.float32(0))
    weights[pixel >= n_in] = 0
    return first, weights / weights.sum(axis=1, keepdims=True, dtype=np.float32)
