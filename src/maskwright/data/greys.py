"""The encoding of grey masks (and of palettes): 0/255, blurred, trimap, class numbers, numbered objects."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from maskwright.data.guess import BINARY, MAX_CLASSES, Guess, Table, cannot_ignore, listed, used_palette, values_of
from maskwright.data.looks import NEAR, Look, RawColour
from maskwright.data.names import words
from maskwright.data.strays import stray_values, without
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding
from maskwright.recipe import DataOptions

_SOFT_FLATNESS = 0.35


def guess_greys(looks: Sequence[Look], options: DataOptions) -> Guess:
    """Guess from looks at masks that are grey or have a palette. Raises DataError."""
    if options.encoding is not None:
        for look in looks:
            if look.colours:
                raise DataError(
                    f"The masks are coloured, which encoding {options.encoding} is not.", where=str(look.path),
                    fix="state encoding: colour, or leave the encoding out to have it guessed")  # fmt: skip
    palette = used_palette(looks)
    counts: Counter[int] = Counter()
    for look in looks:
        counts.update(values_of(look, by_index=bool(palette)))
    if options.ignore is not None:
        counts.pop(options.ignore, None)
    values = sorted(counts)
    kind = options.encoding or _grey_kind(looks, values, bool(palette))
    if kind == "index" and not palette and (strays := stray_values(looks)):
        guess = guess_greys(without(looks, strays), options)
        return replace(guess, notes=(*guess.notes, _left_out(strays, len(looks))))
    build = {"binary": _binary, "antialiased": _antialiased, "trimap": _trimap, "index": _index, "objects": _numbered}
    if kind not in build:
        raise DataError(
            f"Encoding {kind} needs several files a picture, and each picture here has one mask.",
            where=str(looks[0].path.parent), fix="leave the encoding out to have it guessed")  # fmt: skip
    if kind == "objects" and options.ignore is not None:
        raise cannot_ignore("masks that number objects", str(looks[0].path.parent))
    guess = build[kind](values, looks)
    if options.ignore is not None:
        table = (*guess.encoding.table, (options.ignore, IGNORE))
        encoding = MaskEncoding(guess.encoding.kind, table, guess.encoding.cut)
        guess = replace(guess, encoding=encoding, classes=_ignoring(guess.classes))
    if kind == "index" and palette:
        guess = _with_palette(guess, palette, looks)
    return replace(guess, notes=(*guess.notes, *forms_of_grey(looks)))


def _left_out(strays: Mapping[int, int], masks: int) -> str:
    return (
        f"not taken for a class: {listed(list(strays))}, in {max(strays.values())} of {masks} sampled masks and few "
        "pixels (guessed; name it under 'values' if it is one)"
    )


def forms_of_grey(looks: Sequence[Look]) -> tuple[str, ...]:
    """Say which grey masks are written as RGB or with a palette of greys."""
    copies = sum(look.grey_copy for look in looks)
    notes = [f"masks are grey written as RGB ({copies} of {len(looks)} sampled)"] if copies else []
    palettes = sum(look.grey_palette for look in looks)
    if palettes and not used_palette(looks):
        notes.append(f"masks have a grey palette, and its greys are read ({palettes} of {len(looks)} sampled)")
    return tuple(notes)


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
            f"Encoding binary is stated, but the masks hold {listed(values)}.", where=str(looks[0].path),
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
            f"A trimap has three values (1, 2, 3 or such as 0, 128, 255); the masks hold {listed(values)}.",
            where=str(looks[0].path),
            fix="state values: {background: 2, foreground: 1, ignore: 3} with the values of your masks")  # fmt: skip
    note = f"masks are trimaps: {said}, which is ignored (guessed; encoding: index makes it three classes)"
    return Guess(MaskEncoding("trimap", table), classes, None, (note,))


def _index(values: list[int], looks: Sequence[Look]) -> Guess:
    ignore = 255 if _is_ignore(values) else None
    kept = [value for value in values if value != ignore]
    if len(kept) > MAX_CLASSES or (kept and len(kept) > 1 and kept[-1] > 65535):
        raise DataError(
            f"The masks hold {len(kept)} different values ({listed(kept)}), too many to be classes.",
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
    note = f"masks hold class numbers {listed(kept)}{guessed}"
    if ignore is not None:
        table = (*table, (ignore, IGNORE))
        note += f"; {ignore} is ignored (guessed)"
    classes = Classes(names, ignored="ignore" if ignore is not None else "")
    return Guess(MaskEncoding("index", table), classes, None, (note,), ignore is not None)


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
    colours = {label: palette[raw] for raw, label in guess.encoding.table if isinstance(raw, int) and raw in palette}
    shades = Classes(guess.classes.names).colours
    chosen = tuple(colours.get(label, shades[label]) for label in range(len(guess.classes.names)))
    classes = Classes(guess.classes.names, chosen, True, guess.classes.ignored)
    files = sum(look.palette is not None for look in looks)
    note = f"masks have a palette ({files} of {len(looks)} sampled): its numbers are the classes"
    return replace(guess, classes=classes, palette=palette, notes=(*guess.notes, note))


def _ignoring(classes: Classes) -> Classes:
    return Classes(classes.names, classes.colours, classes.exclusive, classes.ignored or "ignore")
