"""How classes are written into the masks: guessed from a sample of them, or built from what is stated.

Every guess comes with a sentence that says what was seen. A mask met later that does not fit is an error where it is
decoded (`images/masks.py`), never read as something else.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from maskwright.data.colours import VOID, colour_name
from maskwright.data.looks import NEAR, Look, RawColour
from maskwright.data.names import shown, words
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding
from maskwright.recipe import DataOptions

Table = tuple[tuple[int | RawColour, int], ...]
BINARY = ("background", "foreground")
MAX_CLASSES = 250
_SOFT_FLATNESS = 0.35


@dataclass(frozen=True)
class Guess:
    """encoding, classes; palette: index -> colour where palette indices are the classes; notes: what was seen."""

    encoding: MaskEncoding
    classes: Classes
    palette: dict[int, RawColour] | None
    notes: tuple[str, ...]


def guess_encoding(looks: Sequence[Look], options: DataOptions) -> Guess:
    """Guess how single mask files encode classes; what `options` states is not guessed.

    looks: of a sample of the masks, at least one. Raises DataError where the masks fit no encoding, or not the
    stated one.
    """
    if all(look.only_alpha for look in looks):
        raise DataError(
            "The masks have one colour throughout and only their transparency varies.",
            where=str(looks[0].path),
            fix="save the transparency as a grey picture and use that as the mask",
        )
    if options.values is not None:
        guess = _from_values(looks, options)
    elif options.encoding == "colour" or (options.encoding is None and _coloured(looks)):
        guess = _colour(looks, options)
    else:
        guess = _grey(looks, options)
    return _with_names(guess, options)


def _coloured(looks: Sequence[Look]) -> bool:
    if any(look.colours for look in looks):
        return True
    palettes = [look.palette for look in looks if look.palette is not None and not look.grey_palette]
    return bool(palettes) and merged_palette(palettes) is None


def merged_palette(palettes: Sequence[dict[int, RawColour]]) -> dict[int, RawColour] | None:
    """Return all used indices with their colours, or None where two files mean different colours by one index."""
    merged: dict[int, RawColour] = {}
    for palette in palettes:
        for index, colour in palette.items():
            if merged.setdefault(index, colour) != colour:
                return None
    return merged if len(set(merged.values())) == len(merged) else None


# --- grey -----------------------------------------------------------------------------------------------------------


def _grey(looks: Sequence[Look], options: DataOptions) -> Guess:
    if options.encoding is not None:
        for look in looks:
            if look.colours:
                raise DataError(
                    f"The masks are coloured, which encoding {options.encoding} is not.", where=str(look.path),
                    fix="state encoding: colour, or leave the encoding out to have it guessed")  # fmt: skip
    palette = merged_palette([look.palette for look in looks if look.palette is not None and not look.grey_palette])
    counts: Counter[int] = Counter()
    for look in looks:
        counts.update(look.values)
    if options.ignore is not None:
        counts.pop(options.ignore, None)
    values = sorted(counts)
    kind = options.encoding or _grey_kind(looks, values, bool(palette))
    copies = sum(look.grey_copy for look in looks)
    notes = [f"masks are grey written as RGB ({copies} of {len(looks)} sampled)"] if copies else []
    palettes = sum(look.grey_palette for look in looks)
    if palettes:
        notes.append(f"masks have a grey palette, and its greys are read ({palettes} of {len(looks)} sampled)")
    build = {"binary": _binary, "antialiased": _antialiased, "trimap": _trimap, "index": _index, "objects": _numbered}
    if kind not in build:
        raise DataError(
            f"Encoding {kind} needs several files a picture, and each picture here has one mask.",
            where=str(looks[0].path.parent), fix="leave the encoding out to have it guessed")  # fmt: skip
    guess = build[kind](values, looks)
    if options.ignore is not None:
        table = (*guess.encoding.table, (options.ignore, IGNORE))
        encoding = MaskEncoding(guess.encoding.kind, table, guess.encoding.cut)
        guess = Guess(encoding, _ignoring(guess.classes), guess.palette, guess.notes)
    if kind == "index" and palette:
        guess = _with_palette(guess, palette, looks)
    return Guess(guess.encoding, guess.classes, guess.palette, (*guess.notes, *notes))


def _grey_kind(looks: Sequence[Look], values: list[int], palette: bool) -> str:
    if palette:
        return "index"
    if len(values) <= 2:
        return "binary" if not values or values[0] == 0 or len(values) == 1 else "index"
    if _is_soft(looks) or _is_nearly_binary(values):
        return "antialiased"
    if _border_value(looks, values) is not None:
        return "trimap"
    if _mixed_binary(looks, values):
        return "binary"
    return "objects" if _numbers_objects(looks) else "index"


def _is_soft(looks: Sequence[Look]) -> bool:
    """Whether the values between the two main ones are blurred borders: thin, and between a low and a high value."""
    outside = sum(look.outside for look in looks)
    if not outside or sum(look.flat for look in looks) > _SOFT_FLATNESS * outside:
        return False
    counts: Counter[int] = Counter()
    for look in looks:
        counts.update(look.values)
    low, high = sorted(value for value, _ in counts.most_common(2))
    top = max(counts)
    return high >= 96 and low <= top * 0.25 and high >= top * 0.75


def _is_nearly_binary(values: list[int]) -> bool:
    """Whether all values lie close to 0 or to 255, some of them a little below 255: lossy, or saved in two ways."""
    return all(value <= NEAR or 255 - NEAR <= value <= 255 for value in values) and any(
        255 - NEAR <= value < 255 for value in values
    )


def _border_value(looks: Sequence[Look], values: list[int]) -> int | None:
    """Return the value of a trimap's border: 3 of 1, 2, 3, or the middle of three grey values; None if it is none.

    It lies between the two others, which hardly touch; a folder called trimaps settles it without looking.
    """
    if len(values) != 3:
        return None
    oxford = values == [1, 2, 3]
    if not oxford and not (values[0] == 0 and values[2] >= 200 and 96 <= values[1] <= 160):
        return None
    border = 3 if oxford else values[1]
    if all(set(words(look.path.parent.name)) & {"trimap", "trimaps"} for look in looks):
        return border
    direct = between = 0
    for look in looks:
        for (first, second), times in (look.touching or {}).items():
            if border in (first, second):
                between += times
            else:
                direct += times
    return border if between and direct <= 0.02 * between else None


def _mixed_binary(looks: Sequence[Look], values: list[int]) -> bool:
    """Whether some masks are 0/1 and others 0/255."""
    return values == [0, 1, 255] and not any(1 in look.values and 255 in look.values for look in looks)


def _numbers_objects(looks: Sequence[Look]) -> bool:
    """Whether each file numbers its own objects 1 to n: no gaps, and another n from file to file."""
    tops = {max(look.values) for look in looks}
    complete = all(sorted(look.values) in (list(range(max(look.values) + 1)),) for look in looks)
    return complete and len(looks) >= 4 and len(tops) * 2 >= len(looks) and max(tops) >= 8


def _binary(values: list[int], looks: Sequence[Look]) -> Guess:
    classes = Classes(BINARY)
    if _mixed_binary(looks, values):
        note = "masks 0/1 in some files and 0/255 in others: both 1 and 255 are foreground (guessed)"
        return Guess(MaskEncoding("binary", ((0, 0), (1, 1), (255, 1))), classes, None, (note,))
    if values in ([], [0]):
        note = "all sampled masks are empty; 1 and 255 will be foreground (guessed)"
        return Guess(MaskEncoding("binary", ((0, 0), (1, 1), (255, 1))), classes, None, (note,))
    if len(values) == 1:
        note = f"sampled masks hold {values[0]} throughout: taken for the foreground (guessed)"
        return Guess(MaskEncoding("binary", ((0, 0), (values[0], 1))), classes, None, (note,))
    if len(values) > 2:
        raise DataError(
            f"Encoding binary is stated, but the masks hold {_listed(values)}.", where=str(looks[0].path),
            fix="state which value is what (values: {background: 0, foreground: 255}), or encoding: antialiased "
            "for blurred or lossy masks, or index for several classes")  # fmt: skip
    low, high = values
    said = "" if low == 0 and high in (1, 255) else f" (guessed: {low} background, {high} foreground)"
    return Guess(MaskEncoding("binary", ((low, 0), (high, 1))), classes, None, (f"masks {low}/{high}{said}",))


def _antialiased(values: list[int], looks: Sequence[Look]) -> Guess:
    low, high = (values[0], values[-1]) if len(values) > 1 else (0, 255)
    cut = (low + high) / 2
    soft = sum(len(look.values) > 2 for look in looks)
    note = (
        f"masks {low}..{high} with blurred or lossy borders in {soft} of {len(looks)} sampled (guessed): "
        f"above {cut:g} is foreground"
    )
    encoding = MaskEncoding("antialiased", ((low, 0), (high, 1)), cut)
    return Guess(encoding, Classes(BINARY), None, (note,))


def _trimap(values: list[int], looks: Sequence[Look]) -> Guess:
    classes = Classes(BINARY, ignored="border")
    if set(values) <= {1, 2, 3}:
        table: Table = ((1, 1), (2, 0), (3, IGNORE))
        said = "1 foreground, 2 background, 3 border"
    elif len(values) == 3:
        table = ((values[0], 0), (values[1], IGNORE), (values[2], 1))
        said = f"{values[0]} background, {values[1]} border, {values[2]} foreground"
    else:
        raise DataError(
            f"A trimap has three values (1, 2, 3 or such as 0, 128, 255); the masks hold {_listed(values)}.",
            where=str(looks[0].path),
            fix="state values: {background: 2, foreground: 1, ignore: 3} with the values of your masks")  # fmt: skip
    note = f"masks are trimaps: {said}, which is ignored (guessed; encoding: index makes it three classes)"
    return Guess(MaskEncoding("trimap", table), classes, None, (note,))


def _index(values: list[int], looks: Sequence[Look]) -> Guess:
    ignore = 255 if _is_ignore(values) else None
    kept = [value for value in values if value != ignore]
    if len(kept) > MAX_CLASSES or (kept and len(kept) > 1 and kept[-1] > 65535):
        raise DataError(
            f"The masks hold {len(kept)} different values ({_listed(kept)}), too many to be classes.",
            where=str(looks[0].path),
            fix="state encoding: objects if each object has a number of its own (all become one foreground), "
            "or antialiased if the masks are blurred")  # fmt: skip
    whole = bool(kept) and kept[0] == 0 and kept[-1] < max(32, 2 * len(kept))
    raw = list(range(kept[-1] + 1)) if whole else kept
    table: Table = tuple((value, index) for index, value in enumerate(raw))
    names = tuple("background" if value == 0 else f"class_{value}" for value in raw)
    if len(names) == 2 and raw[0] == 0:
        names = BINARY
    guessed = "" if whole else " (guessed: each value is a class, in this order)"
    note = f"masks hold class numbers {_listed(kept)}{guessed}"
    if ignore is not None:
        table = (*table, (ignore, IGNORE))
        note += f"; {ignore} is ignored (guessed)"
    classes = Classes(names, ignored="ignore" if ignore is not None else "")
    return Guess(MaskEncoding("index", table), classes, None, (note,))


def _is_ignore(values: list[int]) -> bool:
    """Whether 255 stands for pixels that do not count: far above class numbers that lie close together."""
    others = [value for value in values if value != 255]
    return 255 in values and len(others) > 1 and others[-1] < 4 * len(others) + 8


def _numbered(values: list[int], looks: Sequence[Look]) -> Guess:
    note = (
        "each mask numbers its own objects (guessed): everything above 0 is foreground; "
        "state encoding: index if the numbers are classes"
    )
    return Guess(MaskEncoding("objects", (), 0.0), Classes(BINARY), None, (note,))


def _with_palette(guess: Guess, palette: dict[int, RawColour], looks: Sequence[Look]) -> Guess:
    """Show classes in the palette's colours."""
    colours = {
        label: palette[raw] for raw, label in guess.encoding.table if isinstance(raw, int) and raw in palette
    }
    shades = Classes(guess.classes.names).colours
    chosen = tuple(colours.get(label, shades[label]) for label in range(len(guess.classes.names)))
    classes = Classes(guess.classes.names, chosen, True, guess.classes.ignored)
    files = sum(look.palette is not None for look in looks)
    note = f"masks have a palette ({files} of {len(looks)} sampled): its numbers are the classes"
    return Guess(guess.encoding, classes, palette, (*guess.notes, note))


# --- colour ---------------------------------------------------------------------------------------------------------


def _colour(looks: Sequence[Look], options: DataOptions) -> Guess:
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
    if look.palette is not None and not look.grey_palette:
        return {look.palette[value]: times for value, times in look.values.items() if value in look.palette}
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


# --- stated ---------------------------------------------------------------------------------------------------------


def _from_values(looks: Sequence[Look], options: DataOptions) -> Guess:
    """Build the table that is stated: name -> value, values or colour."""
    given = options.values or {}
    names = tuple(name for name in given if name.casefold() != "ignore")
    if options.classes is not None:
        unknown = [name for name in names if name not in options.classes]
        if unknown or len(options.classes) != len(names):
            raise DataError(
                f"'classes' and 'values' do not name the same classes: {', '.join(options.classes)} and "
                f"{', '.join(names)}.", where="dataset.yaml", fix="name each class once in both")  # fmt: skip
        names = options.classes
    coloured = options.encoding == "colour" or (options.encoding is None and _coloured(looks))
    table: list[tuple[int | RawColour, int]] = []
    shades: dict[int, RawColour] = {}
    for name, value in given.items():
        label = IGNORE if name.casefold() == "ignore" else names.index(name)
        for raw in _raws(value, coloured, name):
            table.append((raw, label))
            shade = raw if isinstance(raw, tuple) else (raw, raw, raw)
            if coloured and label != IGNORE:
                shades.setdefault(label, shade)
    if options.ignore is not None:
        table.append((options.ignore, IGNORE))
    twice = [raw for raw, times in Counter(raw for raw, _ in table).items() if times > 1]
    if twice:
        raise DataError(f"'values' gives {twice[0]} to two classes.", where="dataset.yaml", fix="name each value once")
    if len(names) < 2:
        raise DataError(
            f"'values' names {len(names)} class{'es' if not names else ''}; at least two are needed.",
            where="dataset.yaml", fix="name the background too: values: {background: 0, thing: 255}")  # fmt: skip
    kind = options.encoding or ("colour" if coloured else "index")
    if kind == "index" and len(names) == 2 and options.encoding is None:
        kind = "binary"
    palettes = [look.palette for look in looks if look.palette is not None and not look.grey_palette]
    palette = None if coloured else merged_palette(palettes)
    colours = tuple(shades[i] for i in range(len(names))) if coloured and len(shades) == len(names) else ()
    ignored = "ignore" if any(label == IGNORE for _, label in table) else ""
    cut = None
    if kind == "antialiased":
        ends = [raw for raw, label in table if isinstance(raw, int) and label != IGNORE]
        cut = (min(ends) + max(ends)) / 2
    return Guess(MaskEncoding(kind, tuple(table), cut), Classes(names, colours, True, ignored), palette, ())


def _raws(value: int | tuple[int, ...], coloured: bool, name: str) -> list[int | RawColour]:
    if isinstance(value, int):
        return [(value, value, value)] if coloured else [value]
    if coloured:
        if len(value) != 3 or not all(0 <= part <= 255 for part in value):
            raise DataError(
                f"The colour of '{shown(name)}' is {list(value)}; a colour is three numbers from 0 to 255.",
                where="dataset.yaml", fix=f"write {shown(name)}: [255, 0, 0] under 'values'")  # fmt: skip
        return [(value[0], value[1], value[2])]
    return list(value)


def _ignoring(classes: Classes) -> Classes:
    return Classes(classes.names, classes.colours, classes.exclusive, classes.ignored or "ignore")


def _with_names(guess: Guess, options: DataOptions) -> Guess:
    """Give classes the stated names; for class numbers, stated names also say how many there are."""
    names = options.classes
    if names is None or options.values is not None:
        return guess
    encoding, classes = guess.encoding, guess.classes
    if encoding.kind == "index":
        encoding = MaskEncoding("index", _numbered_table(encoding.table, len(names)))
    elif len(names) != len(classes.names):
        raise _wrong_count(len(names), ", ".join(classes.names))
    colours = classes.colours if len(classes.colours) == len(names) else ()
    return Guess(encoding, Classes(names, colours, classes.exclusive, classes.ignored), guess.palette, guess.notes)


def _numbered_table(table: Table, count: int) -> Table:
    kept = [raw for raw, label in table if label != IGNORE]
    ignored = tuple((raw, label) for raw, label in table if label == IGNORE)
    if all(isinstance(raw, int) and raw < count for raw in kept):
        return (*((value, value) for value in range(count)), *ignored)
    if len(kept) == count:
        return table
    raise _wrong_count(count, _listed([raw for raw in kept if isinstance(raw, int)]))


def _wrong_count(named: int, found: str) -> DataError:
    return DataError(
        f"'classes' names {named} classes, but the masks hold: {found}.",
        where="dataset.yaml",
        fix="name one class for each value, in the order of the values, or state 'values' (name: value)",
    )


def _listed(values: list[int]) -> str:
    if len(values) > 12:
        return f"{', '.join(map(str, values[:6]))}, ..., {values[-1]}"
    if len(values) > 3 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]}-{values[-1]}"
    return ", ".join(map(str, values))


