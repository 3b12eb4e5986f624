"""Where a model's probabilities and a mask contradict each other, in one picture, as places with figures.

Knows arrays only. A thin ring along a border is no dispute: a place counts by the largest disc inside it. What is
typical of a model and a set, and therefore no accusation, is decided in `suspects.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.formats import resize_labels
from maskwright.images.resize import resize_float

SIDE = 256  # pixels: longer masks are looked at at this length
LEAD = 0.3  # of the model's class over the mask's, for a pixel to be in dispute
THIN = 1.5  # pixels at SIDE: what is no farther from the edge of a dispute is shaved off
ALONE = 0.3  # share of an object that the other side has too, below which it stands alone
SHIFT = 0.25  # of the side: how far a mask may have slipped
GAIN = 0.1  # of the intersection over union that undoing a shift must bring
FITS = 0.7  # intersection over union after a shift is undone

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Dispute:
    """A place where the model contradicts the mask.

    kind: missing, extra, cut-off, merged, shifted or wrong-class: what seems to be the matter with the mask.
    box: (top, left, bottom, right) in pixels of the mask, the last two exclusive. confidence: mean lead of the
    model's class over the mask's, 0 to 1. radius: of the largest disc inside, area: of the place, as shares of the
    picture's side (the root of its area) and of its area. part: share of the object concerned that is in dispute.
    """

    kind: str
    box: Box
    confidence: float
    radius: float
    area: float
    part: float
    labelled: int
    seen: int


@dataclass(frozen=True)
class Disagreement:
    """What a model says to one mask. disputes: largest first. doubt: mean over foreground of the lead against it.

    overlap: of the model's foreground and the mask's, soft, 0 to 1; 1 where both are empty.
    """

    disputes: tuple[Dispute, ...]
    overlap: float


def disagreement(probabilities: Floats, mask: NDArray[np.uint8], classes: Classes) -> Disagreement:
    """Compare a model's probabilities (K, h, w) of any size with a mask (H, W), or (H, W, K) of overlapping classes.

    K is 1 for two exclusive classes. Ignored pixels count for nothing. Raises ShapeError for another K.
    """
    if probabilities.ndim != 3 or probabilities.shape[0] != classes.num_outputs:
        raise ShapeError(f"Probabilities ({classes.num_outputs}, h, w) are wanted; got {probabilities.shape}.")
    scale = min(1.0, SIDE / max(mask.shape[:2]))
    size = (max(1, round(mask.shape[0] * scale)), max(1, round(mask.shape[1] * scale)))
    small = mask if size == mask.shape[:2] else resize_labels(mask, size)
    planes = resize_float(np.ascontiguousarray(probabilities, np.float32), size)
    views = list(_views(planes, small, classes))
    disputes = [dispute for view in views for dispute in _disputes_of(view, mask.shape[:2])]
    return Disagreement(tuple(sorted(disputes, key=lambda one: -one.radius)), _overlap(views))


@dataclass(frozen=True)
class _View:
    """One question: the mask's classes against the model's, (h, w) each. lead: of the model's class over the mask's."""

    truth: NDArray[np.uint8]
    said: NDArray[np.uint8]
    lead: Floats
    counts: Bools
    foreground: Floats  # probability of any foreground
    numbers: tuple[int, ...]  # label here -> the class's number; -1 is none


def _views(planes: Floats, mask: NDArray[np.uint8], classes: Classes) -> Iterator[_View]:
    if classes.exclusive:
        yield _view(
            np.stack([1 - planes[0], planes[0]]) if classes.binary else planes, mask, tuple(range(len(classes.names)))
        )
        return
    for number, plane in enumerate(planes):
        yield _view(np.stack([1 - plane, plane]), mask[:, :, number], (-1, number))


def _view(planes: Floats, mask: NDArray[np.uint8], numbers: tuple[int, ...]) -> _View:
    counts = mask != IGNORE
    truth = np.where(counts, mask, 0).astype(np.intp)[None]
    own = np.take_along_axis(planes, truth, 0)[0]
    others = planes.copy()
    np.put_along_axis(others, truth, -1, 0)
    lead = np.where(counts, np.maximum(others.max(axis=0) - own, 0), 0)
    return _View(
        truth[0].astype(np.uint8), planes.argmax(axis=0).astype(np.uint8), lead, counts, 1 - planes[0], numbers
    )


def _overlap(views: list[_View]) -> float:
    both = either = 0.0
    for view in views:
        labelled, seen = (view.truth > 0) & view.counts, np.where(view.counts & (view.said > 0), view.foreground, 0)
        both += float(seen[labelled].sum())
        either += float(np.maximum(seen, labelled).sum())
    return both / either if either >= 1 else 1.0


def _disputes_of(view: _View, size: tuple[int, ...]) -> list[Dispute]:
    slipped = _shift_of(view, size)
    if slipped is not None:
        return [slipped]
    against = view.lead > LEAD
    missing = against & (view.truth == 0)
    extra = against & (view.said == 0) & (view.truth > 0)
    return [
        *_places(view, missing, "missing", size),
        *_places(view, extra, "extra", size),
        *_places(view, against & (view.truth > 0) & (view.said > 0), "wrong-class", size),
    ]


def _places(view: _View, against: Bools, kind: str, size: tuple[int, ...]) -> Iterator[Dispute]:
    """Yield the places of one kind that are more than a thin ring."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(against)
    cores, count = ndimage.label(depth > THIN)
    if not count:
        return
    ours, others = (view.said, view.truth) if kind == "missing" else (view.truth, view.said)
    objects, _ = ndimage.label(ours > 0)
    for number in range(1, count + 1):
        core = cores == number
        radius = float(depth[core].max())
        middle = core & (depth >= radius / 2)
        whole = objects == np.bincount(objects[core]).argmax()
        area = np.pi * (np.sqrt(core.sum() / np.pi) + THIN) ** 2  # with what was shaved off
        yield Dispute(
            kind=_named(view, kind, whole, core, float((others[whole] > 0).mean())),
            box=_box(core, size),
            confidence=round(float(view.lead[middle].mean()), 4),
            radius=round(radius / float(np.sqrt(core.size)), 5),
            area=round(float(area) / core.size, 6),
            part=round(min(1.0, float(area / whole.sum())), 4),
            labelled=view.numbers[_usual(view.truth[middle])],
            seen=view.numbers[_usual(view.said[middle])],
        )


def _usual(labels: NDArray[np.uint8]) -> int:
    return int(np.bincount(labels).argmax())


def _named(view: _View, kind: str, whole: Bools, core: Bools, agreed: float) -> str:
    """Name what is the matter. whole: the object concerned; agreed: the share of it that the other side has too."""
    if kind == "wrong-class" or agreed < ALONE:
        return kind
    return "cut-off" if kind == "missing" else "merged" if _separates(view, whole, core) else "extra"


def _separates(view: _View, whole: Bools, core: Bools) -> bool:
    """Whether the place lies between two large parts of one object of the mask that the model sees apart."""
    from scipy import ndimage

    parts, _ = ndimage.label((view.said > 0) & whole)
    large = np.bincount(parts.ravel()) > 0.1 * whole.sum()
    large[0] = False
    near = parts[ndimage.binary_dilation(core, iterations=2 + 2 * int(np.ceil(THIN)))]
    return int(large[np.unique(near)].sum()) > 1


def _shift_of(view: _View, size: tuple[int, ...]) -> Dispute | None:
    """Return the dispute of a mask that would fit as a whole if it were shifted."""
    labelled, seen = (view.truth > 0) & view.counts, (view.foreground > 0.5) & view.counts
    if not labelled.any() or not seen.any():
        return None
    rows, columns = _best_shift(labelled, seen)
    length = float(np.hypot(rows, columns))
    if length <= 2 * THIN or length > SHIFT * np.sqrt(labelled.size):
        return None
    before, after = _iou(labelled, seen), _iou(*_moved_together(labelled, seen, rows, columns))
    if after < FITS or after - before < GAIN or (1 - after) > 0.7 * (1 - before):
        return None
    differ = (labelled != seen) & (view.lead > LEAD)
    area = float(differ.mean())
    return Dispute(
        kind="shifted",
        box=_box(labelled | seen, size),
        confidence=round(float(view.lead[differ].mean()), 4) if differ.any() else 0.0,
        radius=round(length / 2 / float(np.sqrt(labelled.size)), 5),
        area=round(area, 6),
        part=round(min(1.0, area / float(labelled.mean())), 4),
        labelled=view.numbers[_usual(view.truth[labelled])],
        seen=view.numbers[_usual(view.said[seen])],
    )


def _best_shift(labelled: Bools, seen: Bools) -> tuple[int, int]:
    """Return by how many rows and columns the mask must move to lie on what the model sees."""
    from scipy import fft

    height, width = (fft.next_fast_len(2 * side) for side in labelled.shape)
    one = fft.rfft2(labelled.astype(np.float32), (height, width))
    other = fft.rfft2(seen.astype(np.float32), (height, width))
    match = fft.irfft2(other * np.conj(one), (height, width))
    row, column = np.unravel_index(int(match.argmax()), match.shape)
    return (int(row) if row <= height // 2 else int(row) - height), (
        int(column) if column <= width // 2 else int(column) - width
    )


def _moved_together(labelled: Bools, seen: Bools, rows: int, columns: int) -> tuple[Bools, Bools]:
    """Return both where they overlap once the mask is moved."""
    height, width = labelled.shape
    here = (slice(max(0, rows), min(height, height + rows)), slice(max(0, columns), min(width, width + columns)))
    there = (slice(max(0, -rows), min(height, height - rows)), slice(max(0, -columns), min(width, width - columns)))
    return labelled[there], seen[here]


def _iou(one: Bools, other: Bools) -> float:
    either = int((one | other).sum())
    return float((one & other).sum()) / either if either else 1.0


def _box(place: Bools, size: tuple[int, ...]) -> Box:
    """Return the box in pixels of the mask, grown by what was shaved off."""
    margin, ends = int(np.ceil(THIN)), []
    for axis, (grid, full) in enumerate(zip(place.shape, size, strict=True)):
        found = np.flatnonzero(place.any(axis=1 - axis))
        first, last = max(0, int(found[0]) - margin), min(grid, int(found[-1]) + 1 + margin)
        ends.append((first * full // grid, -(-last * full // grid)))
    (top, bottom), (left, right) = ends
    return top, left, bottom, right
