"""The form of a guess about masks, and what the guessing files share."""

from collections.abc import Sequence
from dataclasses import dataclass

from maskwright.data.looks import Look, RawColour
from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.images.masks import MaskEncoding

Table = tuple[tuple[int | RawColour, int], ...]
BINARY = ("background", "foreground")
MAX_CLASSES = 250


@dataclass(frozen=True)
class Guess:
    """encoding, classes; palette: index -> colour where palette indices are the classes; notes: what was seen.

    ignore_guessed: nobody stated that the ignored value does not count.
    """

    encoding: MaskEncoding
    classes: Classes
    palette: dict[int, RawColour] | None
    notes: tuple[str, ...]
    ignore_guessed: bool = False


def used_palette(looks: Sequence[Look]) -> dict[int, RawColour] | None:
    """Return index -> colour where palette indices are the classes: None without such palettes, {} if they contradict.

    Palettes that are grey throughout the sample are read as greys instead.
    """
    palettes = [look.palette for look in looks if look.palette is not None]
    if not palettes or all(look.grey_palette for look in looks if look.palette is not None):
        return None
    merged: dict[int, RawColour] = {}
    for palette in palettes:
        for index, colour in palette.items():
            if merged.setdefault(index, colour) != colour:
                return {}
    return merged


def values_of(look: Look, *, by_index: bool) -> dict[int, int]:
    """Return grey value -> pixels; of palette files the indices, where these are the classes."""
    return look.indices if by_index and look.indices is not None else look.values


def listed(values: list[int]) -> str:
    """Return values for a message: runs and long lists shortened."""
    if len(values) > 12:
        return f"{', '.join(map(str, values[:6]))}, ..., {values[-1]}"
    if len(values) > 3 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]}-{values[-1]}"
    return ", ".join(map(str, values))


def cannot_ignore(masks: str, where: str) -> DataError:
    """Return the error for a stated `ignore` that masks of this kind cannot honour."""
    return DataError(
        f"'ignore' is stated, which {masks} cannot honour.", where=where,
        fix="leave 'ignore' out; for colours, name the one that does not count under values: {ignore: [r, g, b]}",
    )  # fmt: skip
