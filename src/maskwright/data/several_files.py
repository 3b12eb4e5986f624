"""The encoding of pictures with several mask files: one an object, or one a class, exclusive or overlapping."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.data.guess import BINARY, Guess, cannot_ignore
from maskwright.data.maskfiles import MaskReader
from maskwright.data.names import LOSSY_SUFFIXES, suffix_of
from maskwright.data.threads import in_threads, spread
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding
from maskwright.recipe import DataOptions

SAMPLE = 16
_LOSSY_BLACK = 3  # what a lossy format makes of black at most; in a lossless file 1 is foreground
_BACKGROUND = ("background", "bg", "back")
Labels = tuple[tuple[int, ...], ...]


def guess_several(
    root: Path,
    masks: Sequence[Sequence[str]],
    labels: Labels,
    class_names: tuple[str, ...],
    layout: str,
    options: DataOptions,
) -> tuple[Guess, Labels]:
    """Return the encoding of several files a picture, and for "per-class" the class index of each file.

    Classes exclude each other unless two of them claim the same pixels in the sample, or `classes` is stated without
    a background. Raises DataError where stated options do not fit.
    """
    wanted = options.encoding or layout
    if wanted != layout:
        raise DataError(
            f"Encoding {wanted} is stated, but the pictures have several mask files each ({layout}).",
            where=str(root),
            fix="state the folder or a pattern of the masks (--masks '*_mask.png'), so that each picture has one",
        )
    if options.ignore is not None:
        raise cannot_ignore("masks of one file an object or a class", str(root))
    if options.values is not None:
        raise DataError(
            "'values' is stated, but the pictures have several mask files each, of one object or class.",
            where=str(root), fix="leave 'values' out; 'classes' may name the classes")  # fmt: skip
    if layout == "objects":
        names = options.classes or BINARY
        if len(names) != 2:
            raise DataError(
                f"'classes' names {len(names)} classes; files of single objects have two: background and object.",
                where="dataset.yaml", fix="name two classes")  # fmt: skip
        note = "one mask file an object (guessed): together they are the foreground"
        return Guess(MaskEncoding("objects", (), _cut(root, masks)), Classes(names), None, (note,)), ()
    return _per_class(root, masks, labels, class_names, options)


def _per_class(
    root: Path, masks: Sequence[Sequence[str]], labels: Labels, class_names: tuple[str, ...], options: DataOptions
) -> tuple[Guess, Labels]:
    found = [name for name in class_names if name.casefold() not in _BACKGROUND]
    order = _order(found, options, root)
    background = next((i for i, name in enumerate(class_names) if name.casefold() in _BACKGROUND), None)
    overlapping = _overlap(root, masks, labels, class_names, background)
    if options.classes is not None:
        overlapping = options.classes[0].casefold() not in _BACKGROUND
    first = 0 if overlapping else 1
    names = tuple(order) if overlapping else (BINARY[0], *order)
    renamed = options.classes if options.classes is not None and len(options.classes) == len(names) else names
    index = {i: names.index(name) if name in names else IGNORE for i, name in enumerate(class_names)}
    if background is not None:
        index[background] = 0 if not overlapping else IGNORE
    said = "which overlap" if overlapping else "which exclude each other"
    note = f"one mask file a class, {said} (guessed): {', '.join(names[first:])}"
    if overlapping and background is not None:
        raise DataError(
            f"The classes overlap, and one of their folders or files is called {class_names[background]}.",
            where=str(root), fix="remove it: overlapping classes have no background")  # fmt: skip
    new_labels = tuple(tuple(index[label] for label in row) for row in labels)
    classes = Classes(renamed, exclusive=not overlapping)
    return Guess(MaskEncoding("per-class", (), _cut(root, masks)), classes, None, (note,)), new_labels


def _cut(root: Path, masks: Sequence[Sequence[str]]) -> float | None:
    """Return above which value a file's pixels are foreground: half of what the sampled files reach, if they agree.

    None leaves it to each file: half of its own largest value.
    """
    reader = MaskReader(Classes(BINARY), MaskEncoding("objects"))

    def largest(path: str) -> int:
        try:
            return int(reader.read_raw(root / path).max(initial=0))
        except DataError:
            return 0

    paths = spread([path for row in masks for path in row], SAMPLE)
    found = zip(paths, in_threads(largest, paths), strict=True)
    tops = {top for path, top in found if top > (_LOSSY_BLACK if suffix_of(path) in LOSSY_SUFFIXES else 0)}
    if tops and all(128 <= top <= 255 for top in tops):
        return 127.5
    return None


def _order(found: list[str], options: DataOptions, root: Path) -> list[str]:
    """Return class names as stated, where they are the ones found; else sorted."""
    stated = [name for name in options.classes or () if name.casefold() not in _BACKGROUND]
    if not stated:
        return found
    if sorted(stated) != sorted(found):
        raise DataError(
            f"'classes' names {', '.join(stated)}, but the masks are called {', '.join(found)}.",
            where=str(root), fix="use the names of the masks' folders or endings")  # fmt: skip
    return stated


def _overlap(
    root: Path, masks: Sequence[Sequence[str]], labels: Labels, names: tuple[str, ...], background: int | None
) -> bool:
    """Whether two classes claim the same pixel in a sample of the pictures."""
    reader = MaskReader(Classes(names, exclusive=False), MaskEncoding("per-class"))
    rows = spread([i for i, row in enumerate(masks) if len(set(labels[i])) > 1], SAMPLE)

    def overlaps(row: int) -> bool:
        try:
            mask: NDArray[np.uint8] = reader.read([root / path for path in masks[row]], labels[row])
        except DataError:
            return False
        return bool((mask.sum(axis=2) > 1).any()) if background is None else bool(
            (np.delete(mask, background, axis=2).sum(axis=2) > 1).any())  # fmt: skip

    return any(list(in_threads(overlaps, rows)))
