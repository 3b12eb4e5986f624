"""Copies of clean sets that are damaged, checked and made whole again.

A copy's files are hard links into a clean one, so that making it whole costs nothing; what damages a file replaces it
(`put`), and never writes through the link. Knows nothing of what faults there are.
"""

import io
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.data.dataset import Dataset
from maskwright.data.read import read_dataset

_NUMBER = re.compile(r"\d+")
SUFFIXES = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".gif": "GIF", ".bmp": "BMP"}


@dataclass(frozen=True)
class Pair:
    """One picture and its mask in a copy. row: in the clean set."""

    id: str
    image: Path
    mask: Path
    row: int


class CleanSet:
    """Some pairs of a set, alone in a folder. dataset: that folder, read without being told how."""

    def __init__(self, name: str, source: Dataset, rows: Sequence[int], folder: Path) -> None:
        self.name, self.folder = name, folder
        for row in rows:
            sample = source[row]
            for path in (sample.image, *sample.masks):
                place = folder / path.relative_to(source.root)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place)
        self.dataset = read_dataset(folder)
        self._labels: dict[int, NDArray[np.uint8]] = {}

    def __len__(self) -> int:
        return len(self.dataset)

    def labels(self, row: int) -> NDArray[np.uint8]:
        """Return the decoded mask: (H, W) class indices. The last ones are kept."""
        if row not in self._labels:
            if len(self._labels) > 16:
                self._labels.clear()
            self._labels[row] = self.dataset.read_mask(row)
        return self._labels[row]

    @property
    def background(self) -> bool:
        """Whether class 0 is background, as opposed to one thing among others."""
        return self.dataset.classes.names[0] == "background"

    @cached_property
    def stretched(self) -> bool:
        """Whether pictures and masks differ in size all over the set."""
        return self.dataset.read_image(0).shape[:2] != self.labels(0).shape[:2]

    @cached_property
    def image_mode(self) -> str:
        """Pillow's word for the pixels of the first picture."""
        return open_picture(self.dataset[0].image).mode

    @cached_property
    def raw_values(self) -> dict[int, Any]:
        """Return label -> the raw pixel that stands for it, as it is met in the mask files."""
        found: dict[int, Any] = {}
        for row in range(len(self)):
            labels, raw = self.labels(row), np.asarray(open_picture(self.dataset[row].masks[0]))
            for label in np.unique(labels):
                if int(label) not in found:  # its usual value: blurred borders hold others
                    values, times = np.unique(raw[labels == label], axis=0, return_counts=True)
                    found[int(label)] = values[times.argmax()]
            if len(found) > len(self.dataset.classes.names):
                break
        return found


class Copy:
    """A working copy of a clean set."""

    def __init__(self, clean: CleanSet, folder: Path) -> None:
        self.clean, self.folder = clean, folder
        self.restore()

    def restore(self) -> None:
        """Make the copy equal to the clean set again; files that were not damaged stay the same files."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.clean.folder, self.folder, copy_function=os.link)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs, as they are before the damage."""
        dataset = self.clean.dataset
        return tuple(
            Pair(
                name,
                self.folder / dataset.columns.images[row],
                self.folder / dataset.columns.masks[row][0],
                row,
            )
            for row, name in enumerate(dataset.columns.ids)
        )

    def labels(self, pair: Pair) -> NDArray[np.uint8]:
        """Return the undamaged mask of a pair: (H, W) class indices."""
        return self.clean.labels(pair.row)

    def sibling(self, pair: Pair, digits: str, *, image_suffix: str = "", mask_suffix: str = "") -> Pair:
        """Return where another pair of the set's own naming would lie: `digits` before the name's last number."""
        number = list(_NUMBER.finditer(pair.image.stem))[-1][0]
        image, mask = (
            path.with_name(digits.join(_around_last(path.stem, number)) + (suffix or path.suffix))
            for path, suffix in ((pair.image, image_suffix), (pair.mask, mask_suffix))
        )
        return Pair(image.stem, image, mask, pair.row)


def _around_last(stem: str, number: str) -> tuple[str, str]:
    at = stem.rindex(number)
    return stem[:at], stem[at:]


def open_picture(path: Path) -> Image.Image:
    """Open and decode with Pillow, in the file's own mode."""
    image = Image.open(io.BytesIO(path.read_bytes()))
    image.load()
    return image


def put(path: Path, content: bytes) -> None:
    """Write a file in place of what was there; other links to the old one keep theirs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def put_picture(path: Path, image: Image.Image, form: str = "", **options: Any) -> None:
    """Save a picture in place of what was there. form: Pillow's word; None takes the suffix's."""
    stream = io.BytesIO()
    form = form or SUFFIXES[path.suffix.casefold()]
    if form == "JPEG":
        options = {"quality": 92, **options}
        image = image if image.mode in ("L", "RGB") else image.convert("RGB")
    image.save(stream, form, **options)
    put(path, stream.getvalue())


def with_pixels(raw: NDArray[Any], like: Image.Image) -> Image.Image:
    """Return raw mask pixels as a picture of the same mode and palette as `like`."""
    if like.mode == "1":
        return Image.fromarray(raw.astype(np.uint8) * np.uint8(255)).convert("1", dither=Image.Dither.NONE)
    made = Image.fromarray(np.ascontiguousarray(raw))
    if like.mode == "P":
        palette = like.getpalette() or []
        needed = 3 * (int(raw.max()) + 1)  # Pillow writes no more bits than the palette's length asks for
        made.putpalette([*palette, *(255,) * (needed - len(palette))])
    return made


def each(pairs: Sequence[Pair], rng: np.random.Generator) -> Iterator[Pair]:
    """Yield pairs in random order."""
    for i in rng.permutation(len(pairs)):
        yield pairs[int(i)]
