"""What one mask file holds, in a few numbers: from these the encoding is guessed, and later masks are compared.

Knows nothing of classes. Only the summary is kept, so that many large masks can be looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.data.names import LOSSY_SUFFIXES, suffix_of
from maskwright.images.formats import read_labels, read_palette
from maskwright.images.modes import Pixels
from maskwright.images.present import map_values

RawColour = tuple[int, int, int]
MAX_COLOURS = 4096
NEAR, FAR = 8, 96  # grey levels: what lossy formats change, and what tells two main values from class numbers
GREY_SPREAD = 48  # largest difference of a grey pixel's bands that a lossy format leaves behind
_TINTED_SHARE, _TINTS = 0.25, 16  # of a file that was lossy once: at most this share, at least so many tints


@dataclass(frozen=True)
class Look:
    """A summary of one mask file.

    values: grey value -> pixels; empty for colour. colours: colour -> pixels; empty for grey.
    palette, indices: of a palette file: index -> colour and index -> pixels, for the indices in use; `values` are then
    the greys if all of these are grey and differ, else the indices.
    outside: pixels that have neither of the two most frequent values, nor (if these lie far apart) one close to them.
    flat: those of them whose right and lower neighbours are equal (areas are flat, blurred borders are not).
    touching: for files of three values, how many neighbouring pixels hold each two of them.
    too_many: more colours than are counted. only_alpha: one colour throughout, but a transparency that varies.
    """

    path: Path
    shape: tuple[int, int]
    values: dict[int, int]
    colours: dict[RawColour, int]
    palette: dict[int, RawColour] | None = None
    indices: dict[int, int] | None = None
    grey_copy: bool = False
    outside: int = 0
    flat: int = 0
    touching: dict[tuple[int, int], int] | None = None
    too_many: bool = False
    only_alpha: bool = False

    @property
    def grey_palette(self) -> bool:
        """The palette's colours in use are all grey and differ."""
        return self.palette is not None and is_grey_palette(self.palette)


def look_at(path: Path) -> Look:
    """Read and summarise one mask file. Raises DataError where it cannot be read."""
    raw = read_labels(path)
    if raw.ndim == 2:
        palette = read_palette(path) if raw.dtype == np.uint8 else None
        look = _look_at_values(path, raw)
        if palette is None:
            return look
        used = used_colours(look.values, palette)
        if is_grey_palette(used):
            greys = _look_at_values(path, greys_of_palette(raw, palette))
            return replace(greys, palette=used, indices=look.values)
        return replace(look, palette=used, indices=look.values)
    alpha = raw[:, :, 3] if raw.shape[2] == 4 else None
    grey = near_grey(raw, path)
    if grey is not None:
        look = _look_at_values(path, grey)
        only_alpha = alpha is not None and len(look.values) == 1 and int(alpha.min()) != int(alpha.max())
        return replace(look, grey_copy=True, only_alpha=only_alpha)
    return _look_at_colours(path, raw)


def used_colours(indices: Iterable[int], palette: tuple[RawColour, ...]) -> dict[int, RawColour]:
    """Return index -> colour of the indices in use; an index beyond the palette is black."""
    return {index: palette[index] if index < len(palette) else (0, 0, 0) for index in indices}


def is_grey_palette(used: dict[int, RawColour]) -> bool:
    """Whether colours are all grey, and no two indices have the same: then greys say as much as indices."""
    return all(len(set(colour)) == 1 for colour in used.values()) and len(set(used.values())) == len(used)


def near_grey(raw: Pixels, path: Path) -> Pixels | None:
    """Return (H, W) of a colour mask whose bands are equal, alpha dropped; None where it is really coloured.

    The bands may differ a little in a file of a lossy format (by its suffix), or in one that shows such a past: light
    and dark grey, and between them a few pixels of many faint colours. Few or dim colours are colours.
    """
    if raw.ndim == 2:
        return raw
    if raw.shape[2] < 3:
        return raw[:, :, 0]
    red, green, blue = raw[:, :, 0], raw[:, :, 1], raw[:, :, 2]
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    if np.array_equal(high, low):
        return red
    if int((high - low).max()) > GREY_SPREAD:
        return None
    return green if suffix_of(path.name) in LOSSY_SUFFIXES or _once_lossy(raw, high != low) else None


def _once_lossy(raw: Pixels, tinted: NDArray[np.bool_]) -> bool:
    """Whether the pixels that are not grey are few, of many colours, and beside greys that lie far apart."""
    greys = raw[:, :, 0][~tinted]
    if tinted.mean() > _TINTED_SHARE or not greys.size or int(greys.max()) - int(greys.min()) < FAR:
        return False
    return len(np.unique(raw[tinted][:, :3], axis=0)) >= _TINTS


def through_palette(indices: Pixels, palette: tuple[RawColour, ...]) -> NDArray[np.uint8]:
    """Return (H, W, 3) of palette indices; an index beyond the palette is black, as picture viewers show it."""
    return _palette_table(palette)[indices]


def greys_of_palette(indices: Pixels, palette: tuple[RawColour, ...]) -> NDArray[np.uint8]:
    """Return (H, W) of palette indices (H, W) uint8 whose colours are grey."""
    return map_values(np.asarray(indices, np.uint8), np.ascontiguousarray(_palette_table(palette)[:, 0]))


def _palette_table(palette: tuple[RawColour, ...]) -> NDArray[np.uint8]:
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    return table


def _look_at_values(path: Path, values: Pixels) -> Look:
    counts = np.bincount(values.ravel(), minlength=1)
    found = {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    shape = (values.shape[0], values.shape[1])
    if len(found) <= 2:
        return Look(path, shape, found, {})
    main = sorted(found, key=lambda value: found[value])[-2:]
    near = NEAR if abs(main[0] - main[1]) >= FAR else 0
    inner = values[:-1, :-1].astype(np.int32)
    outside = (np.abs(inner - main[0]) > near) & (np.abs(inner - main[1]) > near)
    flat = outside & (inner == values[1:, :-1]) & (inner == values[:-1, 1:])
    touching = _touching(values, tuple(found)) if len(found) == 3 else None
    return Look(path, shape, found, {}, outside=int(outside.sum()), flat=int(flat.sum()), touching=touching)


def _touching(values: Pixels, three: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Count for each two of three values how often they are neighbours."""
    lookup = np.zeros(int(max(three)) + 1, np.uint8)
    for i, value in enumerate(three):
        lookup[value] = 1 << i
    bits = lookup[values]
    both = np.bincount((bits[:, 1:] | bits[:, :-1]).ravel(), minlength=8)
    both += np.bincount((bits[1:] | bits[:-1]).ravel(), minlength=8)
    return {(three[i], three[j]): int(both[(1 << i) | (1 << j)]) for i, j in ((0, 1), (0, 2), (1, 2))}


def _look_at_colours(path: Path, raw: Pixels) -> Look:
    wide = raw[:, :, :3].astype(np.uint64)
    packed = (wide[:, :, 0] << np.uint64(32)) | (wide[:, :, 1] << np.uint64(16)) | wide[:, :, 2]
    found, counts = np.unique(packed, return_counts=True)
    shape = (raw.shape[0], raw.shape[1])
    kept = np.argsort(counts)[::-1][:MAX_COLOURS]
    colours = {
        (int(found[i]) >> 32, (int(found[i]) >> 16) & 0xFFFF, int(found[i]) & 0xFFFF): int(counts[i]) for i in kept
    }
    return Look(path, shape, {}, colours, too_many=len(found) > MAX_COLOURS)
