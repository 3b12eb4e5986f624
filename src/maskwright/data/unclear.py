"""Setting aside what nobody can pair by its name: a mask that fits several pictures, several masks that fit one.

Only where most of the set is clear; a set that is a muddle throughout stays an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from maskwright.data.names import Words, folder_of, shown, some
from maskwright.data.several import Several, arrange
from maskwright.errors import DataError

Match = dict[str, list[tuple[str, Words]]]  # picture -> its masks, each with what its name says beyond the picture's


@dataclass(frozen=True)
class Unclear:
    """Relative paths: one mask and the pictures that it fits, or one picture and the masks that fit it."""

    images: tuple[str, ...]
    masks: tuple[str, ...]


def arrange_clear(match: Match, where: str) -> tuple[Several, tuple[Unclear, ...]]:
    """Arrange the masks of those pictures for which it is clear which ones count; return the others as well.

    Raises DataError where that is unclear for half of the pictures or more.
    """
    try:
        return arrange(match, where), ()
    except DataError as error:
        for odd in _odd_ones(match):
            clear = {image: masks for image, masks in match.items() if image not in odd}
            if len(clear) <= len(odd):
                continue
            try:
                several = arrange(clear, where)
            except DataError:
                continue
            unclear = (Unclear((image,), tuple(mask for mask, _ in match[image])) for image in match if image in odd)
            return several, tuple(unclear)
        raise error


def _odd_ones(match: Match) -> Iterator[set[str]]:
    """Yield pictures that may be what makes a set unclear: of several masks without a number, of several masks."""
    several = {image for image, masks in match.items() if len(masks) > 1}
    yield {image for image in several if sum(not extra for _, extra in match[image]) > 1}
    yield several


def clashes_apart(clashes: list[tuple[str, list[str]]], paired: int) -> tuple[Unclear, ...] | None:
    """Return masks that fit several pictures, those of the same pictures together; None if they are no exception.

    paired: how many pictures have found a mask that fits no other.
    """
    together: dict[tuple[str, ...], list[str]] = {}
    for mask, images in clashes:
        together.setdefault(tuple(sorted(images)), []).append(mask)
    if len(together) >= paired:
        return None
    return tuple(Unclear(images, tuple(masks)) for images, masks in together.items())


def clash_error(clashes: list[tuple[str, list[str]]], where: str) -> DataError:
    """Say that masks, or whole folders of them, fit several pictures."""
    mask, images = clashes[0]
    folders = sorted({folder_of(image) or "." for image in images})
    if len(folders) > 1:
        return DataError(
            f"Several folders hold pictures for the same masks: {' and '.join(shown(f) for f in folders)} "
            f"(as {shown(mask)}, which fits {some(images)}).",
            where=where,
            fix=f"say which one: --images {shown(folders[0])} (or images: {shown(folders[0])} in dataset.yaml)",
        )
    return DataError(
        f"It is not clear which picture a mask belongs to: {shown(mask)} fits {some(images)}"
        + (f"; {len(clashes)} masks in all." if len(clashes) > 1 else "."),
        where=where,
        fix="remove or rename one of the pictures, or state the pairs in a CSV file with the columns image and mask "
        "(pairs: pairs.csv in dataset.yaml)",
    )
