"""What `values` and `classes` state about masks: name -> value, values or colour."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from maskwright.data.guess import Guess, Table, listed, used_palette
from maskwright.data.looks import Look, RawColour
from maskwright.data.names import shown
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding
from maskwright.recipe import DataOptions

_IGNORED = {"trimap": "border", "colour": "void"}


def from_values(looks: Sequence[Look], options: DataOptions, *, coloured: bool) -> Guess:
    """Build the table that is stated: name -> value, values or colour. Raises DataError for a contradiction."""
    given = options.values or {}
    names = tuple(name for name in given if name.casefold() != "ignore")
    names = tuple(sorted(names, key=lambda name: name.casefold() != "background"))  # background first, if there is one
    if options.classes is not None:
        unknown = [name for name in names if name not in options.classes]
        if unknown or len(options.classes) != len(names):
            raise DataError(
                f"'classes' and 'values' do not name the same classes: {', '.join(options.classes)} and "
                f"{', '.join(names)}.", where="dataset.yaml", fix="name each class once in both")  # fmt: skip
        names = options.classes
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
        table.extend((raw, IGNORE) for raw in _raws(options.ignore, coloured, "ignore"))
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
    palette = None if coloured else used_palette(looks)
    for raw, label in table:
        if palette and isinstance(raw, int) and raw in palette:
            shades.setdefault(label, palette[raw])
    plain = Classes(names).colours
    colours = tuple(shades.get(i, plain[i]) for i in range(len(names)))
    ignored = _IGNORED.get(kind, "ignore") if any(label == IGNORE for _, label in table) else ""
    cut = None
    if kind == "antialiased":
        ends = [raw for raw, label in table if isinstance(raw, int) and label != IGNORE]
        cut = (min(ends) + max(ends)) / 2
    return Guess(MaskEncoding(kind, tuple(table), cut), Classes(names, colours, True, ignored), palette, ())


def _raws(value: int | tuple[int, ...], coloured: bool, name: str) -> list[int | RawColour]:
    if isinstance(value, int) and coloured:
        value = (value, value, value)
    if isinstance(value, int):
        return [value]
    if coloured:
        if len(value) != 3 or not all(0 <= part <= 255 for part in value):
            raise DataError(
                f"The colour of '{shown(name)}' is {list(value)}; a colour is three numbers from 0 to 255.",
                where="dataset.yaml", fix=f"write {shown(name)}: [255, 0, 0] under 'values'")  # fmt: skip
        return [(value[0], value[1], value[2])]
    return list(value)


def with_names(guess: Guess, options: DataOptions) -> Guess:
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
    return replace(guess, encoding=encoding, classes=Classes(names, colours, classes.exclusive, classes.ignored))


def _numbered_table(table: Table, count: int) -> Table:
    kept = [raw for raw, label in table if label != IGNORE]
    ignored = tuple((raw, label) for raw, label in table if label == IGNORE)
    if all(isinstance(raw, int) and raw < count for raw in kept):
        return (*((value, value) for value in range(count)), *ignored)
    if len(kept) == count:
        return table
    raise _wrong_count(count, listed([raw for raw in kept if isinstance(raw, int)]))


def _wrong_count(named: int, found: str) -> DataError:
    return DataError(
        f"'classes' names {named} classes, but the masks hold: {found}.",
        where="dataset.yaml",
        fix="name one class for each value, in the order of the values, or state 'values' (name: value)",
    )
