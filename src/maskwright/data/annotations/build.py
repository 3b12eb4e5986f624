"""From annotations to rows of a data set: which classes count and in which order, the drawn masks, and what was seen.

Background comes first, then the classes in the file's order, or those that are stated, in theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from maskwright.data.annotations.brush_files import is_brush_file
from maskwright.data.annotations.draw import Drawn, draw_all
from maskwright.data.annotations.find import Found
from maskwright.data.annotations.model import Annotations, Record
from maskwright.data.annotations.pictures import Pictures
from maskwright.data.guess import MAX_CLASSES, Guess, cannot_ignore
from maskwright.data.names import folder_of, shown, some
from maskwright.errors import ConfigError, DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import Kind, MaskEncoding
from maskwright.progress import Progress, ignore
from maskwright.recipe import DataOptions

BACKGROUND = "background"
_BACKGROUNDS = frozenset(("background", "_background_", "__background__", "bg"))
_IGNORED = frozenset(("ignore", "__ignore__", "_ignore_"))


@dataclass(frozen=True)
class Outlined:
    """Rows: images, the masks of each, their classes (overlapping classes only), parts ("" everywhere if unknown).

    pictures: among which they were looked for. problems: (picture, why it could not be drawn on).
    """

    images: tuple[str, ...]
    masks: tuple[tuple[str, ...], ...]
    labels: tuple[tuple[int, ...], ...]
    parts: tuple[str, ...]
    guess: Guess
    pictures: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def build_rows(
    root: Path, found: Found, pictures: Sequence[str], stated: DataOptions, progress: Progress = ignore
) -> Outlined:
    """Read annotations, choose the classes and draw the masks.

    Raises DataError where annotations are broken, or fit neither the pictures nor what is stated; ConfigError where
    two classes are stated as one.
    """
    where = str(root)
    _check_stated(stated, where)
    known = Pictures(_chosen(pictures, stated.images, where))
    annotations = found.read(known)
    if not annotations.records:
        raise _no_pictures(annotations, where)
    exclusive = stated.encoding != "per-class"
    names, index, notes = _choose(annotations, stated, exclusive, where)
    if stated.encoding == "binary" and len(names) > 2:
        raise _not_binary(names[1:], where)
    records = [_relabelled(record, index) for record in annotations.records]
    drawn = draw_all(root, records, exclusive=exclusive, progress=progress)
    kept = [(record, one) for record, one in zip(records, drawn, strict=True) if isinstance(one, Drawn)]
    problems = tuple((record.image, f"cannot be read: {one.what}")
                     for record, one in zip(records, drawn, strict=True) if isinstance(one, DataError))  # fmt: skip
    if not kept:
        raise next(one for one in drawn if isinstance(one, DataError))
    ignored = any(thing.crowd or thing.label == IGNORE for record in records for thing in record.things)
    guess = _guess(annotations, names, index, stated.encoding, ignored=ignored)
    parts = tuple(record.part for record, _ in kept)
    return Outlined(
        tuple(record.image for record, _ in kept),
        tuple(one.masks for _, one in kept),
        () if exclusive else tuple(one.labels for _, one in kept),
        parts if len(set(parts) - {""}) > 1 else ("",) * len(parts),
        guess,
        known.paths,
        problems,
        (_headline(annotations, names, kept, exclusive), *notes, *_remarks(annotations, kept, exclusive)),
    )


def _chosen(pictures: Sequence[str], folder: str | None, where: str) -> list[str]:
    """Return the pictures of a stated folder, without exported brush masks."""
    kept = [path for path in pictures if not is_brush_file(path)]
    if folder is None:
        return kept
    wanted = folder.replace("\\", "/").removeprefix("./").strip("/")
    below = [path for path in kept if wanted in ("", ".") or path.startswith(f"{wanted}/")]
    if not below:
        folders = sorted({folder_of(path) or "." for path in kept})
        raise DataError(
            f"The folder stated as 'images' holds no pictures: {shown(folder)}.", where=where,
            fix=f"name one of the folders below it: {some(folders, 8)}",
        )  # fmt: skip
    return below


def _check_stated(stated: DataOptions, where: str) -> None:
    if stated.values is not None:
        raise DataError(
            "'values' is stated, which speaks of mask files; these masks are drawn from outlines.", where=where,
            fix="leave 'values' out; 'classes' names and orders the classes",
        )  # fmt: skip
    if stated.ignore is not None:
        raise cannot_ignore("masks drawn from outlines", where)
    if stated.encoding not in (None, "index", "binary", "per-class"):
        raise DataError(
            f"Encoding {stated.encoding} is stated, which speaks of mask files; these masks are drawn from outlines.",
            where=where, fix="leave it out; 'per-class' lets classes overlap",
        )  # fmt: skip


def _not_binary(names: Sequence[str], where: str) -> ConfigError:
    return ConfigError(
        f"Encoding binary is stated, and the annotations outline {len(names)} classes: {some(list(names), 8)}.",
        where=where, fix=f"leave it out, or say which class counts: --classes background,{names[0]}",
    )  # fmt: skip


def _no_pictures(annotations: Annotations, where: str) -> DataError:
    files = some(list(annotations.files))
    if not annotations.missing:
        return DataError(
            f"The annotations ({annotations.title}) speak of no picture.", where=where,
            fix="export them again, with their pictures",
        )  # fmt: skip
    return DataError(
        f"None of the {len(annotations.missing)} pictures that the annotations name is in the folder, such as "
        f"{some(list(annotations.missing))} ({annotations.title}{', ' + files if files else ''}).", where=where,
        fix="put the pictures into the folder, under the names that the annotations use",
    )  # fmt: skip


def _choose(
    annotations: Annotations, stated: DataOptions, exclusive: bool, where: str
) -> tuple[tuple[str, ...], dict[int, int | None], tuple[str, ...]]:
    """Return the names of the set, old label -> new label (None: left out), and remarks.

    Stated names that are the annotations' own choose and order them; as many other names rename them.
    """
    own = [name for name in annotations.names if name.casefold() not in _BACKGROUNDS | _IGNORED]
    wanted, renamed = own, own
    notes: tuple[str, ...] = ()
    if stated.classes is not None:
        given = [name for name in stated.classes if name.casefold() != BACKGROUND]
        strange = [name for name in given if name not in own]
        if not strange:
            wanted = renamed = given
        elif len(strange) == len(given) == len(own):
            renamed = given
            notes = (f"classes renamed: {', '.join(f'{old} {new}' for old, new in zip(own, given, strict=True))}",)
        else:
            raise _strange_class(strange[0], own, where)
    if not wanted or len(wanted) > MAX_CLASSES:
        raise _no_classes(annotations, wanted, where)
    left = [name for name in own if name not in wanted]
    if left:
        notes = (*notes, f"classes left out, as stated: {some(left, 8)}")
    first = 1 if exclusive else 0
    index: dict[int, int | None] = {}
    for label, name in enumerate(annotations.names):
        if name.casefold() in _IGNORED:
            index[label] = IGNORE
        elif name.casefold() in _BACKGROUNDS:
            index[label] = 0 if exclusive else None
        else:
            index[label] = wanted.index(name) + first if name in wanted else None
    return ((BACKGROUND, *renamed) if exclusive else tuple(renamed)), index, notes


def _strange_class(name: str, own: Sequence[str], where: str) -> DataError:
    near = get_close_matches(name, own, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return DataError(
        f"'classes' names {shown(name)}; the annotations know {some(list(own), 12)}.", where=where,
        fix=f"{hint}name some of them, or give all of them new names in their order",
    )  # fmt: skip


def _no_classes(annotations: Annotations, wanted: Sequence[str], where: str) -> DataError:
    if wanted:
        return DataError(
            f"The annotations have {len(wanted)} classes; at most {MAX_CLASSES} are possible.", where=where,
            fix="name those that count: --classes NAME,NAME,...",
        )  # fmt: skip
    return DataError(
        f"The annotations ({annotations.title}, {some(list(annotations.files))}) outline no object of any class.",
        where=where, fix="annotate something, or name the folder of the masks (--masks FOLDER)",
    )  # fmt: skip


def _relabelled(record: Record, index: dict[int, int | None]) -> Record:
    things = tuple(replace(thing, label=label) for thing in record.things if (label := index[thing.label]) is not None)
    return replace(record, things=things)


def _guess(
    annotations: Annotations,
    names: tuple[str, ...],
    index: dict[int, int | None],
    stated: str | None,
    *,
    ignored: bool,
) -> Guess:
    exclusive = stated != "per-class"
    shades: dict[int, tuple[int, int, int]] = {0: (0, 0, 0)} if exclusive else {}
    for label, colour in enumerate(annotations.colours):
        new = index[label]
        if new is not None and new != IGNORE and (new or not exclusive):
            shades[new] = colour
    plain = Classes(names).colours
    colours = tuple(shades.get(i, plain[i]) for i in range(len(names)))
    classes = Classes(names, colours, exclusive, "ignore" if ignored else "")
    if not exclusive:
        return Guess(MaskEncoding("per-class", (), 0.5), classes, None, ())
    table = tuple((value, value) for value in range(len(names)))
    kind: Kind = "binary" if len(names) == 2 and stated != "index" else "index"
    return Guess(MaskEncoding(kind, (*table, (IGNORE, IGNORE)) if ignored else table), classes, None, ())


def _headline(
    annotations: Annotations, names: Sequence[str], kept: Sequence[tuple[Record, Drawn]], exclusive: bool
) -> str:
    things = sum(len(record.things) for record, _ in kept)
    counts = (
        _counted(len(kept), "picture", "pictures"),
        _counted(len(names) - exclusive, "class", "classes"),
        _counted(things, "outline", "outlines"),
    )
    return f"annotations: {annotations.title}, {some(list(annotations.files))}: {', '.join(counts)}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _remarks(annotations: Annotations, kept: Sequence[tuple[Record, Drawn]], exclusive: bool) -> list[str]:
    notes = list(annotations.notes)
    empty = sum(not record.things for record, _ in kept)
    if empty:
        one, many = "picture has no outline: its mask is empty", "pictures have no outline: their masks are empty"
        notes.append(_counted(empty, one, many))
    claimed = [one.claimed for _, one in kept if one.claimed]
    if claimed:
        notes.append(
            f"{_counted(sum(claimed), 'pixel', 'pixels')} of {_counted(len(claimed), 'picture', 'pictures')} claimed "
            "by several classes: smaller objects are painted over larger ones (encoding: per-class keeps both)"
        )
    elif not exclusive:
        notes.append("classes may overlap (stated)")
    crowds = sum(thing.crowd for record, _ in kept for thing in record.things)
    if crowds:
        notes.append(f"crowds (iscrowd): {crowds}; what no other object covers of them is ignored")
    notes += [f"left out: {why} ({count})" for why, count in sorted(annotations.skipped.items()) if count]
    turned = sum(one.turned for _, one in kept)
    if turned:
        notes.append(
            f"annotated before the EXIF orientation was applied: {_counted(turned, 'picture', 'pictures')}; masks are "
            "turned as the pictures are"
        )
    notes += _sizes(kept)
    if annotations.missing:
        notes.append(
            f"named by the annotations and not in the folder: "
            f"{_counted(len(annotations.missing), 'picture', 'pictures')}, {some(list(annotations.missing))}"
        )
    return notes


def _sizes(kept: Sequence[tuple[Record, Drawn]]) -> list[str]:
    differing = [(record, one) for record, one in kept if one.size != one.image]
    if not differing:
        return []
    record, one = differing[0]
    return [
        f"annotated at another size than the picture's: {_counted(len(differing), 'picture', 'pictures')}, such as "
        f"{shown(record.image)}: {one.image[0]} x {one.image[1]}, and {one.size[0]} x {one.size[1]} in {record.where} "
        "(height x width)"
    ]
