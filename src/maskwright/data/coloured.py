"""The encoding of colour-coded masks: one colour a class."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from maskwright.data.colours import VOID, colour_name
from maskwright.data.guess import MAX_CLASSES, Guess, Table
from maskwright.data.looks import NEAR, Look, RawColour
from maskwright.data.strays import is_rare
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding


def guess_colours(looks: Sequence[Look]) -> Guess:
    """Guess from looks at masks of which some are coloured. Raises DataError for too many colours."""
    usual = _usual_ones(looks)
    counts: Counter[RawColour] = Counter()
    for look in usual:
        counts.update(colours_of(look))
    if any(look.too_many for look in usual) or len(counts) > MAX_CLASSES:
        raise DataError(
            f"The masks are coloured and hold {len(counts)} colours or more, too many to be classes.",
            where=str(next((look.path for look in looks if look.too_many), looks[0].path)),
            fix="these may be photographs, or masks saved as JPEG: save masks as PNG, or name the folder of the masks "
            "(--masks FOLDER)",
        )
    strays = _strays(usual)
    for colour in strays:
        del counts[colour]
    colours = _in_order(set(counts) - {VOID})
    background = bool(colours) and colours[0] in ((0, 0, 0), (255, 255, 255))
    names = tuple("background" if i == 0 and background else colour_name(c) for i, c in enumerate(colours))
    table: Table = tuple((colour, index) for index, colour in enumerate(colours))
    if VOID in counts:
        table = (*table, (VOID, IGNORE))
    listed = ", ".join(f"{_hex(colour)} {name}" for colour, name in zip(colours, names, strict=True))
    note = f"masks are colour-coded, {len(colours)} classes (guessed): {listed}"
    classes = Classes(names, tuple(colours), ignored="void" if VOID in counts else "")
    notes = (note, *_left_out(strays, len(looks) - len(usual), len(looks)))
    return Guess(MaskEncoding("colour", table), classes, None, notes)


def _usual_ones(looks: Sequence[Look]) -> Sequence[Look]:
    """Leave out masks of many more colours than most have, if they are few: blurred ones, JPEGs, photographs."""
    numbers = [len(colours_of(look)) for look in looks]
    most = 2 * sorted(numbers)[(len(numbers) - 1) // 2] + 8
    usual = [look for look, number in zip(looks, numbers, strict=True) if number <= most and not look.too_many]
    return usual if 2 * len(usual) > len(looks) else looks


def _strays(looks: Sequence[Look]) -> dict[RawColour, RawColour]:
    """Return colours in few pixels of few masks that are nearly another colour -> that colour."""
    shares: dict[RawColour, list[float]] = defaultdict(list)
    for look in looks:
        for colour, times in colours_of(look).items():
            shares[colour].append(times / (look.shape[0] * look.shape[1]))
    rare = {c for c, held in shares.items() if is_rare(held, len(looks))}
    near = {c: [other for other in shares.keys() - rare if _apart(c, other) <= NEAR] for c in rare}
    return {colour: others[0] for colour, others in near.items() if others}


def _apart(one: RawColour, other: RawColour) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _left_out(strays: Mapping[RawColour, RawColour], odd: int, masks: int) -> Iterator[str]:
    """Say what was not taken for a class."""
    if odd:
        yield f"{odd} of {masks} sampled masks hold many more colours than the others: none of theirs makes a class"
    if strays:
        told = ", ".join(f"{_hex(colour)} (nearly {_hex(other)})" for colour, other in sorted(strays.items()))
        yield f"not taken for a class: {told}, in few masks and few pixels (guessed; name it under 'values' if one is)"


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
