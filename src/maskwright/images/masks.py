"""How classes are written into mask files, and reading them: raw values to class indices.

An encoding is a value that can be written to a file and read back; guessing one is the business of `data/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.modes import Pixels
from maskwright.images.present import map_values

Kind = Literal["index", "binary", "antialiased", "trimap", "colour", "objects", "per-class"]
Raw = int | tuple[int, int, int]

_UNKNOWN = 254  # in the lookups: what is no class. Class indices stay below it.
_HALF = 127.5


@dataclass(frozen=True)
class MaskEncoding:
    """How mask files say which class a pixel belongs to.

    kind: index, binary, trimap: one grey value a class. colour: one colour a class. antialiased: two grey values with
    blurred or lossy borders, cut at `cut`. objects: one file an object. per-class: one file a class.
    table: (raw value or colour, class index or IGNORE) for each. With antialiased, the lowest and highest values that
    are not ignored are the two classes (0 and 255, background and class 1, when the table does not say).
    cut: antialiased, objects, per-class: raw values above it are foreground. None: 127.5 for antialiased; half of the
    file's largest value for files of one object or class.
    """

    kind: Kind
    table: tuple[tuple[Raw, int], ...] = ()
    cut: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, for JSON."""
        table = [[list(raw) if isinstance(raw, tuple) else raw, label] for raw, label in self.table]
        return {"kind": self.kind, "table": table, "cut": self.cut}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "MaskEncoding":
        """Build from what `to_dict` returned. Raises DataError for anything else."""
        try:
            kind, cut = content["kind"], content.get("cut")
            table = tuple((_raw(raw), int(label)) for raw, label in content.get("table", ()))
            if kind not in get_args(Kind) or any(not (0 <= label < _UNKNOWN or label == IGNORE) for _, label in table):
                raise ValueError(f"kind {kind!r}")
            return cls(kind, table, None if cut is None else float(cut))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"This is no mask encoding ({error}).", fix=f"kinds: {', '.join(get_args(Kind))}"
            ) from error


def decode_mask(raw: Pixels, encoding: MaskEncoding, *, classes: Classes, where: str = "") -> NDArray[np.uint8]:
    """Turn a mask as `read_labels` gives it into class indices and IGNORE: (H, W) uint8.

    raw: (H, W), or (H, W, 3 or 4); alpha is dropped, and colours that are all grey count as grey. where: the file's
    name, for errors. Raises DataError naming the first value that is no class, its row and its column.
    """
    if encoding.kind in ("objects", "per-class"):
        return decode_many([(None, raw)], encoding, classes=classes, where=where)
    if encoding.kind == "colour":
        return _decode_colours(raw, encoding, classes, where)
    values = as_grey(raw, where)
    if encoding.kind == "antialiased":
        return _decode_antialiased(values, encoding)
    return _decode_values(values, encoding, classes, where)


def decode_many(
    raws: Sequence[tuple[int | None, Pixels]],
    encoding: MaskEncoding,
    *,
    classes: Classes,
    where: str = "",
    size: tuple[int, int] | None = None,
) -> NDArray[np.uint8]:
    """Join the files of one picture, one an object or one a class.

    raws: (class index, mask as `read_labels` gives it) of each file; None is class 1 (of overlapping classes: 0), and
    IGNORE marks pixels that count in nothing. In each file the foreground is what lies above the encoding's cut.
    size: (height, width), needed only where there may be no file at all.

    Returns (H, W) uint8 for exclusive classes, (H, W, C) of 0, 1 and IGNORE for overlapping ones.
    Raises DataError where sizes differ, or where exclusive classes claim the same pixel.
    """
    shape = tuple(raws[0][1].shape[:2]) if raws else size
    if shape is None:
        raise DataError("There is no mask file for this picture.", where=where, fix="add one, or an empty one")
    mask = np.zeros(shape if classes.exclusive else (*shape, len(classes.names)), np.uint8)
    ignored = np.zeros(shape, bool)
    for label, raw in raws:
        if raw.shape[:2] != shape:
            raise DataError(
                f"The masks of one picture differ in size: {shape[0]} x {shape[1]} and "
                f"{raw.shape[0]} x {raw.shape[1]} (height x width).",
                where=where,
                fix="save them at one size",
            )
        inside = _foreground(as_grey(raw, where), encoding.cut)
        if label == IGNORE:
            ignored |= inside
        else:
            _add(mask, inside, label, classes, where)
    mask[ignored] = IGNORE
    return mask


def as_grey(raw: Pixels, where: str = "") -> Pixels:
    """Return (H, W) of a mask that is grey, or grey written as RGB or RGBA. Raises DataError at the first colour."""
    if raw.ndim == 2:
        return raw
    red = raw[:, :, 0]
    if raw.shape[2] not in (3, 4):
        raise DataError(f"The mask has {raw.shape[2]} bands.", where=where, fix="save it with one band")
    coloured = (red != raw[:, :, 1]) | (red != raw[:, :, 2])
    if coloured.any():
        row, column = _first(coloured)
        colour = tuple(int(value) for value in raw[row, column, :3])
        raise DataError(
            f"The mask is coloured: it holds {colour}, where grey values are expected.",
            where=_at(where, row, column),
            fix="state encoding: colour in dataset.yaml, or save the mask with one band",
        )
    return red


def _decode_values(values: Pixels, encoding: MaskEncoding, classes: Classes, where: str) -> NDArray[np.uint8]:
    lookup = _value_lookup(encoding.table)
    mask = map_values(values, lookup[:256]) if values.dtype == np.uint8 else lookup[values]
    if not mask.size or mask.max() < _UNKNOWN:
        return mask
    unknown = mask == _UNKNOWN
    if unknown.any():
        row, column = _first(unknown)
        raise _no_class(str(int(values[row, column])), encoding, classes, _at(where, row, column))
    return mask


def _decode_antialiased(values: Pixels, encoding: MaskEncoding) -> NDArray[np.uint8]:
    entries = [(raw, label) for raw, label in encoding.table if isinstance(raw, int)]
    kept = sorted((raw, label) for raw, label in entries if label != IGNORE)
    low, high = (kept[0][1], kept[-1][1]) if len(kept) > 1 else (0, 1)
    mask = np.where(values > (_HALF if encoding.cut is None else encoding.cut), np.uint8(high), np.uint8(low))
    for raw, label in entries:
        if label == IGNORE:
            mask[values == raw] = IGNORE
    return mask


def _decode_colours(raw: Pixels, encoding: MaskEncoding, classes: Classes, where: str) -> NDArray[np.uint8]:
    colours = raw if raw.ndim == 3 else np.repeat(raw[:, :, None], 3, axis=2)
    if colours.shape[2] not in (3, 4):
        raise DataError(f"The mask has {colours.shape[2]} bands.", where=where, fix="save it as RGB")
    if colours.dtype != np.uint8:
        if int(colours.max(initial=0)) > 255:
            raise DataError("The mask's colours have 16 bits a band.", where=where, fix="save it as 8-bit RGB")
        colours = colours.astype(np.uint8)
    packed = (colours[:, :, 0].astype(np.uint32) << 16) | (colours[:, :, 1].astype(np.uint32) << 8) | colours[:, :, 2]
    mask: NDArray[np.uint8] = _colour_lookup(encoding.table)[packed]
    unknown = mask == _UNKNOWN
    if unknown.any():
        row, column = _first(unknown)
        colour = tuple(int(value) for value in colours[row, column, :3])
        raise _no_class(f"the colour {colour}", encoding, classes, _at(where, row, column))
    return mask


@lru_cache(maxsize=16)
def _value_lookup(table: tuple[tuple[Raw, int], ...]) -> NDArray[np.uint8]:
    """Return the label of each raw value up to 65535."""
    lookup = np.full(1 << 16, _UNKNOWN, np.uint8)
    for raw, label in table:
        if isinstance(raw, int):
            lookup[raw] = label
    lookup.flags.writeable = False
    return lookup


@lru_cache(maxsize=2)
def _colour_lookup(table: tuple[tuple[Raw, int], ...]) -> NDArray[np.uint8]:
    """Return the label of each of the 2**24 colours: 16 MB, and one step a pixel however many classes there are."""
    lookup = np.full(1 << 24, _UNKNOWN, np.uint8)
    for raw, label in table:
        red, green, blue = (raw, raw, raw) if isinstance(raw, int) else raw
        lookup[(red << 16) | (green << 8) | blue] = label
    lookup.flags.writeable = False
    return lookup


def _foreground(values: Pixels, cut: float | None) -> NDArray[np.bool_]:
    """Return what lies above the cut; without one, above half of the largest value (0/1, 0/255, 0/7 alike)."""
    above: NDArray[np.bool_] = values > (int(values.max(initial=0)) / 2 if cut is None else cut)
    return above


def _add(mask: NDArray[np.uint8], inside: NDArray[np.bool_], label: int | None, classes: Classes, where: str) -> None:
    """Write the foreground of one file into the joined mask."""
    if not classes.exclusive:
        mask[inside, 0 if label is None else label] = 1
        return
    value = 1 if label is None else label
    taken = inside & (mask != 0) & (mask != value)
    if taken.any():
        row, column = _first(taken)
        first, second = (classes.names[index] for index in (int(mask[row, column]), value))
        raise DataError(
            f"The classes {first} and {second} both claim a pixel.",
            where=_at(where, row, column),
            fix="correct the masks, so that each pixel belongs to one class",
        )
    mask[inside] = value


def _no_class(value: str, encoding: MaskEncoding, classes: Classes, where: str) -> DataError:
    names = ", ".join(f"{raw} {classes.names[label] if label < len(classes.names) else 'ignored'}"
                      for raw, label in encoding.table[:12])  # fmt: skip
    more = ", ..." if len(encoding.table) > 12 else ""
    return DataError(
        f"Mask holds {value}, which is no class.",
        where=where,
        fix=f"known: {names}{more}; correct the mask, or add the value under 'values' in dataset.yaml "
        "(the name 'ignore' for pixels that do not count)",
    )


def _first(bad: NDArray[np.bool_]) -> tuple[int, int]:
    row, column = divmod(int(bad.argmax()), bad.shape[1])
    return row, column


def _at(where: str, row: int, column: int) -> str:
    return f"{where + ', ' if where else ''}first at row {row}, column {column}"


def _raw(value: Any) -> Raw:
    """Return a raw value or colour, checked."""
    parts = tuple(int(part) for part in value) if isinstance(value, list | tuple) else (int(value),)
    if len(parts) == 1 and 0 <= parts[0] <= 65535:
        return parts[0]
    if len(parts) == 3 and all(0 <= part <= 255 for part in parts):
        return (parts[0], parts[1], parts[2])
    raise ValueError(f"value {value!r}")
