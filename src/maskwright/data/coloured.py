"""The encoding of colour-coded masks: one colour a class."""

from collections import Counter
from collections.abc import Sequence

from maskwright.data.colours import VOID, colour_name
from maskwright.data.guess import MAX_CLASSES, Guess, Table
from maskwright.data.looks import Look, RawColour
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding


def guess_colours(looks: Sequence[Look]) -> Guess:
    """Guess from looks at masks of which some are coloured. Raises DataError for too many colours."""
    counts: Counter[RawColour] = Counter()
    for look in looks:
        counts.update(colours_of(look))
    if any(look.too_many for look in looks) or len(counts) > MAX_CLASSES:
        raise DataError(
            f"The masks are coloured and hold {len(counts)} colours or more, too many to be classes.",
            where=str(next((look.path for look in looks if look.too_many), looks[0].path)),
            fix="these may be photographs, or masks saved as JPEG: save masks as PNG, or name the folder of the masks "
            "(--masks FOLDER)",
        )
    colours = _in_order(set(counts) - {VOID})
    background = bool(colours) and colours[0] in ((0, 0, 0), (255, 255, 255))
    names = tuple("background" if i == 0 and background else colour_name(c) for i, c in enumerate(colours))
    table: Table = tuple((colour, index) for index, colour in enumerate(colours))
    if VOID in counts:
        table = (*table, (VOID, IGNORE))
    listed = ", ".join(f"{_hex(colour)} {name}" for colour, name in zip(colours, names, strict=True))
    note = f"masks are colour-coded, {len(colours)} classes (guessed): {listed}"
    classes = Classes(names, tuple(colours), ignored="void" if VOID in counts else "")
    return Guess(MaskEncoding("colour", table), classes, None, (note,))


def colours_of(look: Look) -> dict[RawColour, int]:
    """Return colour -> pixels of any mask: a palette's colours, grey as three equal bands."""
    if look.colours:
        return look.colours
    if look.palette is not None and look.indices is not None:
        return {look.palette[index]: times for index, times in look.indices.items()}
    return {(value, value, value): times for value, times in look.values.items()}


def _in_order(colours: set[RawColour]) -> list[RawColour]:
    """Black first, or white where there is no black; the others by their numbers."""
    found = sorted(colours)
    for first in ((0, 0, 0), (255, 255, 255)):
        if first in found:
            found.remove(first)
            return [first, *found]
    return found


def _hex(colour: RawColour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
