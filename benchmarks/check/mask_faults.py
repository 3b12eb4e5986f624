"""Faults of masks: wrong values, blurred, lossy, empty, classes missing or rare, tiny objects, unlabelled margins."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from copies import CleanSet, Copy, Pair, each, open_picture, put_picture, with_pixels
from faultkind import Damage, Fault, PairDamage, Rng, how_many, strengths
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from maskwright.recipe import DataOptions

Raw = NDArray[Any]
_TINY = 3  # side of a tiny object in pixels; the size that is planned is a quarter of the picture's


def edit(pair: Pair, change: Callable[[Raw], Raw]) -> None:
    """Change the raw pixels of a mask file."""
    image = open_picture(pair.mask)
    put_picture(pair.mask, with_pixels(change(np.asarray(image).copy()), image), image.format or "")


def _spot(raw: Raw, rng: Rng, side: int) -> tuple[slice, slice]:
    row, column = (int(rng.integers(0, length - side)) for length in raw.shape[:2])
    return slice(row, row + side), slice(column, column + side)


def _stray_value(value: int, colour: tuple[int, int, int], side: int) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str:
        def change(raw: Raw) -> Raw:
            raw[_spot(raw, rng, side)] = value if raw.ndim == 2 else (*colour, 255)[: raw.shape[2]]
            return raw

        edit(pair, change)
        return pair.id

    return do


def _other_scale(copy: Copy, pair: Pair, rng: Rng) -> str | None:
    """Write foreground as 1 where the others have 255."""
    if copy.labels(pair).max() == 0:
        return None
    put_picture(pair.mask, Image.fromarray((copy.labels(pair) == 1).astype(np.uint8)))
    return pair.id


def _blurred(share: float) -> PairDamage:
    """Bring the mask to a share of its size and back, as an editor does that knows nothing of classes."""

    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        if copy.labels(pair).max() == copy.labels(pair).min():
            return None
        image = open_picture(pair.mask)
        form = image.format or ""
        plain = image.convert("RGB" if image.mode in ("RGB", "RGBA") else "L")
        small = plain.resize((round(plain.width * share), round(plain.height * share)), Image.Resampling.BILINEAR)
        put_picture(pair.mask, small.resize(plain.size, Image.Resampling.BICUBIC), form)
        return pair.id

    return do


def _lossy(quality: int, *, again: bool = False) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        if copy.labels(pair).max() == copy.labels(pair).min():
            return None
        image = open_picture(pair.mask)
        stream = io.BytesIO()
        plain = image.convert("RGB" if image.mode in ("RGB", "RGBA") else "L")
        plain.save(stream, "JPEG", quality=quality)
        if again:
            put_picture(pair.mask, Image.open(stream), image.format or "")
        else:
            pair.mask.unlink()
            put_picture(pair.mask.with_suffix(".jpg"), plain, quality=quality)
        return pair.id

    return do


def _throughout(label: int) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        if np.all(copy.labels(pair) == label):
            return None
        value = copy.clean.raw_values[label]

        def change(raw: Raw) -> Raw:
            raw[:] = value
            return raw

        edit(pair, change)
        return pair.id

    return do


def _replace_class(copy: Copy, label: int, keep: int) -> list[Pair]:
    """Turn a class into background in all masks but `keep` of those that show it; return these."""
    nothing, kept = copy.clean.raw_values[0], []
    for pair in copy.pairs:
        inside = copy.labels(pair) == label
        if not inside.any():
            continue
        if len(kept) < keep:
            kept.append(pair)
            continue

        def change(raw: Raw, inside: NDArray[np.bool_] = inside) -> Raw:
            raw[inside] = nothing
            return raw

        edit(pair, change)
    return kept


def _stated(clean: CleanSet) -> DataOptions:
    """Return options that name the classes and their values, so that one which no mask shows is known."""
    names = clean.dataset.classes.names
    values = {names[label]: raw for raw, label in clean.dataset.encoding.table if label < len(names)}
    return DataOptions(values=values)


def _missing(copy: Copy, rng: Rng) -> Damage:
    _replace_class(copy, len(copy.clean.dataset.classes.names) - 1, 0)
    return Damage(((frozenset(),),), options=_stated(copy.clean))


def _gap(copy: Copy, rng: Rng) -> Damage:
    _replace_class(copy, 1, 0)
    return Damage(((frozenset(),),))


def _rare(keep: int) -> Callable[[Copy, Rng], Damage]:
    def do(copy: Copy, rng: Rng) -> Damage:
        _replace_class(copy, len(copy.clean.dataset.classes.names) - 1, keep)
        return Damage(((frozenset(),),))

    return do


def _tiny(copy: Copy, rng: Rng) -> Damage | None:
    """Leave only tiny objects in some masks, and plan a size at which they are less than a pixel."""
    expected, heights = [], []
    for pair in each(copy.pairs, rng):
        if len(expected) == how_many(len(copy.pairs)):
            break
        edit(pair, lambda raw: _specks(raw, rng, copy.clean.raw_values))
        expected.append((frozenset({pair.id}),))
        heights.append(copy.labels(pair).shape)
    height, width = np.median(heights, axis=0)
    return Damage(tuple(expected), size=(round(height / 4 / 32) * 32 or 32, round(width / 4 / 32) * 32 or 32))


def _specks(raw: Raw, rng: Rng, values: dict[int, Any]) -> Raw:
    raw[:] = values[0]
    for _ in range(6):
        raw[_spot(raw, rng, _TINY)] = values[1]
    return raw


def _margin(width: int) -> PairDamage:
    """Label nothing along the border, where objects reach it on two sides or more: else nobody could tell."""

    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        labels = copy.labels(pair)
        if width > 0.05 * min(labels.shape):
            return None
        border = np.ones(labels.shape, bool)
        border[width:-width, width:-width] = False
        inner = (labels > 0) & (labels < 200) & ~border
        lines = (inner[width], inner[-1 - width], inner[:, width], inner[:, -1 - width])
        least = max(12, 0.05 * max(labels.shape))
        if sum(longest_run(line) >= least for line in lines) < 2:
            return None
        edit(pair, lambda raw: _filled(raw, border, copy.clean.raw_values[0]))
        return pair.id

    return do


def longest_run(line: NDArray[np.bool_]) -> int:
    """Return how many True stand together at most."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
    return int((ends[1::2] - ends[::2]).max(initial=0))


def _filled(raw: Raw, where: NDArray[np.bool_], value: Any) -> Raw:
    raw[where] = value
    return raw


# --- objects ---------------------------------------------------------------------------------------------------------


def objects_of(labels: NDArray[np.uint8]) -> tuple[NDArray[np.int32], list[int]]:
    """Return numbered objects of class 1 and up, and the numbers of those that are no specks."""
    numbered, count = ndimage.label((labels > 0) & (labels < 200))
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    large = [i + 1 for i, size in enumerate(sizes) if size >= 0.002 * labels.size]
    return numbered, large


def _object_removed(copy: Copy, pair: Pair, rng: Rng) -> str | None:
    numbered, large = objects_of(copy.labels(pair))
    if len(large) < 2:
        return None
    chosen = large[rng.integers(len(large))]
    edit(pair, lambda raw: _filled(raw, numbered == chosen, copy.clean.raw_values[0]))
    return pair.id


def _object_added(copy: Copy, pair: Pair, rng: Rng) -> str | None:
    """Draw an object where there is none, of the size and shape of another."""
    numbered, large = objects_of(copy.labels(pair))
    for _ in range(20 * bool(large)):
        moved = np.roll(numbered == large[rng.integers(len(large))], rng.integers(0, numbered.shape), (0, 1))
        if not (ndimage.binary_dilation(moved, iterations=3) & (numbered > 0)).any():
            edit(pair, lambda raw, moved=moved: _filled(raw, moved, copy.clean.raw_values[1]))
            return pair.id
    return None


def _object_cut(copy: Copy, pair: Pair, rng: Rng) -> str | None:
    """Cut an object off in its middle."""
    numbered, large = objects_of(copy.labels(pair))
    if not large:
        return None
    inside = numbered == large[rng.integers(len(large))]
    half = np.median(np.flatnonzero(inside.any(axis=1)))
    inside[: int(half)] = False
    edit(pair, lambda raw: _filled(raw, inside, copy.clean.raw_values[0]))
    return pair.id


def _objects_merged(copy: Copy, pair: Pair, rng: Rng) -> str | None:
    """Fill the gap between two neighbours."""
    labels = copy.labels(pair)
    numbered, large = objects_of(labels)
    reach = round(0.03 * max(labels.shape))
    closed = ndimage.binary_closing(np.pad(numbered > 0, reach), iterations=reach)[reach:-reach, reach:-reach]
    added = closed & (numbered == 0)
    if len(large) < 2 or added.sum() < 0.01 * labels.size:
        return None
    edit(pair, lambda raw: _filled(raw, added, copy.clean.raw_values[1]))
    return pair.id


# --- where they can be ----------------------------------------------------------------------------------------------


def _has(*encodings: str, why: str) -> Callable[[CleanSet], str]:
    return lambda clean: "" if clean.dataset.encoding.kind in encodings else why


def _several(clean: CleanSet) -> str:
    return "" if len(clean.dataset.classes.names) > 2 else "two classes: the masks would be empty"


def _many_with_background(clean: CleanSet) -> str:
    if not clean.background:
        return "it has no background"
    return _several(clean) or ("" if len(clean) >= 20 else "too few pictures")


def _index_gap(clean: CleanSet) -> str:
    return _several(clean) or ("" if clean.dataset.encoding.kind == "index" else "colours say nothing of gaps")


def _with_background(clean: CleanSet) -> str:
    return "" if clean.background else "it has no background"


_BINARY = _has("binary", why="its masks are not 0/255")
_INDEX = _has("index", why="its masks hold no class numbers")
_SEEN = _has("binary", "colour", why="values between two classes are classes too, or are blurred already")

MASK_FAULTS: tuple[Fault, ...] = (
    *strengths("mask-values", (
        ("a stray value in 25 pixels", _stray_value(100, (13, 77, 200), 5)),
        ("a stray value in one pixel", _stray_value(77, (90, 5, 160), 1)),
    ), suits=_has("binary", "index", "trimap", "colour", why="any value can be in blurred masks"),
       accepted=("mask-antialiased", "class-rare"), alone=True),
    *strengths("mask-values", (("255 among class numbers", _stray_value(255, (255, 255, 255), 6)),), suits=_INDEX,
               alone=True),
    *strengths("mask-values", (("0/1 among 0/255", _other_scale),), suits=_BINARY, alone=True),
    *strengths("mask-antialiased", (("to 60 % and back", _blurred(0.6)), ("to 90 % and back", _blurred(0.9))),
               suits=_SEEN, accepted=("mask-values",), alone=True),
    *strengths("mask-lossy", (("JPEG 90", _lossy(90)), ("JPEG 50", _lossy(50))), suits=_SEEN, alone=True),
    *strengths("mask-lossy", (("JPEG 90, then as before", _lossy(90, again=True)),
                              ("JPEG 50, then as before", _lossy(50, again=True))), suits=_SEEN,
               accepted=("mask-values",), alone=True),  # colours that are no class
    *strengths("mask-empty", (("background only", _throughout(0)),), suits=_with_background,
               accepted=("mask-constant",)),
    *strengths("mask-constant", (("class 1 throughout", _throughout(1)),)),
    Fault("class-missing", "stated, in no mask", whole=_missing, suits=_several),
    Fault("class-missing", "a number left out", whole=_gap, suits=_index_gap),
    Fault("class-rare", "in one mask", whole=_rare(1), suits=_many_with_background),
    Fault("class-rare", "in two masks", whole=_rare(2), suits=_many_with_background),
    Fault("tiny-objects", "3 pixels wide, a quarter of the size planned", whole=_tiny, suits=_with_background),
    *strengths("border-ring", tuple((f"{width} px", _margin(width)) for width in (3, 1, 8)), suits=_with_background),
    *strengths("suspect-label", (
        ("an object removed", _object_removed), ("an object added", _object_added),
        ("an object cut off", _object_cut), ("objects merged", _objects_merged),
    )),
)  # fmt: skip
