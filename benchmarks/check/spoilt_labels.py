"""Copies of a picture set in which a stated share of the masks is spoilt, each in one way that annotators err.

    spoil(dataset, folder, ways=("object-removed",), share=0.1, seed=0) -> {id of a picture: how it was spoilt}

Masks are decoded and written anew as class indices, all of them, so that nothing but the damage tells them apart.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy import ndimage

from maskwright.data.dataset import Dataset
from maskwright.images.writing import encode_png

Mask = NDArray[np.uint8]
Spoiler = Callable[[Mask, np.random.Generator], Mask | None]
LEAST = 0.001  # of the picture: smaller specks are no objects


def object_removed(mask: Mask, rng: np.random.Generator) -> Mask | None:
    """Take away one object of ten, at least one; None for masks of fewer than two."""
    labels, sizes = _objects(mask)
    if len(sizes) < 2:
        return None
    chosen = rng.choice(sizes, max(1, round(len(sizes) / 10)), replace=False)
    return np.where(np.isin(labels, chosen), np.uint8(0), mask)


def shifted(mask: Mask, rng: np.random.Generator) -> Mask | None:
    """Move the whole mask by a tenth of the side, in a random direction."""
    angle, side = rng.uniform(0, 2 * np.pi), 0.1 * np.sqrt(mask.size)
    moved: Mask = ndimage.shift(mask, (side * np.sin(angle), side * np.cos(angle)), order=0, cval=0)
    return moved if (moved != mask).mean() > LEAST else None


def ellipse(mask: Mask, rng: np.random.Generator) -> Mask | None:
    """Draw the ellipse of the same area and middle, but of twice the length, turned anyhow."""
    rows, columns = np.nonzero((mask > 0) & (mask < 255))
    if not len(rows):
        return None
    angle, axis = rng.uniform(0, np.pi), np.sqrt(len(rows) / np.pi)
    y, x = np.indices(mask.shape)
    y, x = y - rows.mean(), x - columns.mean()
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    inside = (along / (axis * np.sqrt(2))) ** 2 + (across / (axis / np.sqrt(2))) ** 2 <= 1
    return np.where(inside, mask[rows[0], columns[0]], 0).astype(np.uint8)


def emptied(mask: Mask, rng: np.random.Generator) -> Mask | None:
    """Leave background only."""
    return np.zeros_like(mask) if (mask > 0).mean() > LEAST else None


def half_cut(mask: Mask, rng: np.random.Generator) -> Mask | None:
    """Cut the foreground in half through its middle, and leave one half of it."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.indices(mask.shape)
    side = (x - np.median(columns)) * np.cos(angle) + (y - np.median(rows)) * np.sin(angle)
    return np.where(side > 0, np.uint8(0), mask)


def wrong_class(mask: Mask, rng: np.random.Generator) -> Mask | None:
    """Give one object (of many, one of ten) the other of the two foreground classes."""
    labels, sizes = _objects(mask)
    if not len(sizes):
        return None
    chosen = np.isin(labels, rng.choice(sizes, max(1, round(len(sizes) / 10)), replace=False))
    return np.where(chosen & np.isin(mask, (1, 2)), 3 - mask, mask).astype(np.uint8)


WAYS: Mapping[str, Spoiler] = {
    "object-removed": object_removed, "shifted": shifted, "ellipse": ellipse, "emptied": emptied,
    "half-cut": half_cut, "wrong-class": wrong_class,
}  # fmt: skip


def spoil(dataset: Dataset, folder: Path, *, ways: Sequence[str], share: float = 0.1, seed: int = 0) -> dict[str, str]:
    """Write the copy; return which pictures were spoilt and how, the ways by turns."""
    rng, spoilt = np.random.default_rng(seed), dict[str, str]()
    order, wanted = rng.permutation(len(dataset)), round(share * len(dataset))
    for row in order:
        mask, name = dataset.read_mask(int(row)), dataset[int(row)].id
        if len(spoilt) < wanted and (worse := WAYS[ways[len(spoilt) % len(ways)]](mask, rng)) is not None:
            spoilt[name] = ways[len(spoilt) % len(ways)]
            mask = worse
        _write(folder, dataset[int(row)].image, name, mask)
    classes = {str(name): number for number, name in enumerate(dataset.classes.names)}
    values = {**classes, **({"ignore": 255} if dataset.classes.ignored else {})}
    content = {"images": "images", "masks": "masks", "encoding": "index", "group": "name", "values": values}
    (folder / "dataset.yaml").write_text(yaml.safe_dump({**content, "classes": list(dataset.classes.names)}))
    return spoilt


def _write(folder: Path, image: Path, name: str, mask: Mask) -> None:
    safe = name.replace("/", "_")
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(image, folder / "images" / f"{safe}{image.suffix}")
    (folder / "masks" / f"{safe}.png").write_bytes(encode_png(mask))


def _objects(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the numbered objects of a mask, touching ones of one class together, and the numbers of the large ones."""
    labels, count = np.zeros(mask.shape, np.int32), 0
    for value in np.unique(mask[(mask > 0) & (mask < 255)]):
        found, number = ndimage.label(mask == value)
        labels[found > 0] = found[found > 0] + count
        count += number
    sizes = np.bincount(labels.ravel(), minlength=1)[1:]
    return labels, np.flatnonzero(sizes >= LEAST * mask.size) + 1
