"""What it means when several mask files belong to one picture: one file an object, one a class, or a muddle.

Judged by names alone: folders with class names, endings that repeat from picture to picture, running numbers.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from maskwright.data.names import IMAGE_WORDS, MASK_WORDS, PARTS, Words, folder_of, shown, some, words
from maskwright.errors import DataError

Layout = Literal["single", "objects", "per-class"]

# Endings of files that show the same mask in another way, or something that is no class.
NO_CLASS_WORDS = frozenset(
    "color colour colored coloured instance instances ids id overlay overlays preview vis visual viz edge edges "
    "boundary boundaries contour contours weight weights depth prob probability pred prediction predictions "
    "expert reader rater observer annotator version v a b c ho old new copy small large".split()
)
_COPIES = frozenset({"copy", "kopie", "copie", "copia"})


@dataclass(frozen=True)
class Several:
    """masks: for each picture its mask files; labels: per-class only, the class number of each."""

    layout: Layout
    class_names: tuple[str, ...]
    masks: dict[str, tuple[str, ...]]
    labels: dict[str, tuple[int, ...]]


def arrange(match: dict[str, list[tuple[str, Words]]], where: str) -> Several:
    """Decide what several masks of a picture are. Raises DataError naming the folders or files if that is unclear."""
    match = {image: _without_copies(masks) for image, masks in match.items()}
    folders = _folder_labels(match)
    if folders is not None:
        return _by_folders(match, folders, where)
    endings = {extra for masks in match.values() for _, extra in masks}
    if all(len(masks) == 1 for masks in match.values()):
        return Several("single", (), {image: (masks[0][0],) for image, masks in match.items()}, {})
    if len({tuple(word for word in extra if not word.isdigit()) for extra in endings if extra}) == 1:
        return _objects(match, where)
    plain_ones = {image: [mask for mask, extra in masks if not extra] for image, masks in match.items()}
    if all(len(masks) == 1 for masks in plain_ones.values()):
        return Several("single", (), {image: (masks[0],) for image, masks in plain_ones.items()}, {})
    return _by_endings(match, where)


def _without_copies(masks: list[tuple[str, Words]]) -> list[tuple[str, Words]]:
    """Leave out files called copies of one that is there: "7 - Copy", "7 - Copy (2)" beside "7"."""
    kept = [(mask, extra) for mask, extra in masks if not set(without_number(extra)) & _COPIES]
    return kept or masks


def _objects(match: dict[str, list[tuple[str, Words]]], where: str) -> Several:
    """One file an object, told apart by numbers. Two files with the same number are no two objects."""
    for image, masks in match.items():
        plain_ones = [mask for mask, extra in masks if not extra]
        if len(plain_ones) > 1:
            raise _two_masks(image, plain_ones, where)
    return Several("objects", (), {image: tuple(mask for mask, _ in masks) for image, masks in match.items()}, {})


def _two_masks(image: str, masks: list[str], where: str) -> DataError:
    return DataError(
        f"A picture has several masks and it is not clear which one counts: {shown(image)} fits {some(masks)}.",
        where=where,
        fix="remove or rename the others, state the folder or a pattern of names (--masks '*_mask.png'), "
        "or state the pairs in a CSV file with the columns image and mask",
    )


def _folder_labels(match: dict[str, list[tuple[str, Words]]]) -> dict[str, str] | None:
    """Return for each mask folder what tells it from the others, if pictures have masks in several folders."""
    sets = {frozenset(folder_of(mask) for mask, _ in masks) for masks in match.values()}
    if all(len(found) == 1 for found in sets):
        return None
    labels: dict[str, str] = {}
    for found in sorted(sets, key=lambda folders: (-len(folders), sorted(folders))):
        parts = {folder: PurePosixPath(folder).parts for folder in found}
        shared = 0
        while all(len(p) > shared + (len(found) == 1) for p in parts.values()) and (
            len({p[shared] for p in parts.values()}) == 1
        ):
            shared += 1
        for folder, own in parts.items():
            labels.setdefault(folder, "/".join(own[shared:]))  # a folder that is alone is known by its own name
    return labels


def class_folder_names(folders: set[str]) -> dict[str, str]:
    """Return folder -> name of a class, {} where the folders' names are none: parts, numbers, or words such as edge."""
    parts = {folder: PurePosixPath(folder).parts for folder in folders}
    names = {folder: next((name for part in reversed(own) if (name := _class_name(part))), "")
             for folder, own in parts.items()}  # fmt: skip
    distinct = set(names.values())
    numbers_only = len({"".join(c for c in name if not c.isdigit()) for name in distinct}) < len(distinct)
    return {} if "" in distinct or numbers_only or any(_no_class(name) for name in distinct) else names


def _by_folders(match: dict[str, list[tuple[str, Words]]], labels: dict[str, str], where: str) -> Several:
    """One folder a class, if the folders' names are names of classes; else nobody can say which one counts."""
    names = {folder: _class_name(label) for folder, label in labels.items()}
    distinct = set(names.values())
    numbers_only = len({"".join(c for c in name if not c.isdigit()) for name in distinct}) < len(distinct)
    if "" in distinct or numbers_only or any(_no_class(name) for name in distinct):
        folders = sorted(labels)
        short = [shown(folder or ".") for folder in folders]
        raise DataError(
            f"Several folders hold masks for the same pictures: {' and '.join(short[:6])}"
            + (f" and {len(short) - 6} more." if len(short) > 6 else "."),
            where=where,
            fix=f"say which one: --masks {short[0]} (or masks: {short[0]} in dataset.yaml)",
        )
    return _per_class({image: [(m, names[folder_of(m)]) for m, _ in masks] for image, masks in match.items()})


def _class_name(label: str) -> str:
    kept = [
        "_".join(w for w in words(part) if w not in MASK_WORDS and w not in IMAGE_WORDS and w not in PARTS)
        for part in PurePosixPath(label).parts
    ]
    return "_".join(part for part in kept if part)


def _no_class(name: str) -> bool:
    found = words(name)
    return all(word.isdigit() or word in NO_CLASS_WORDS for word in found)


def _by_endings(match: dict[str, list[tuple[str, Words]]], where: str) -> Several:
    """One file a class, told by endings that repeat: a_vessel.png, a_disc.png; a number after it counts objects."""
    named: dict[str, list[tuple[str, str]]] = {}
    pictures_with: dict[str, set[str]] = defaultdict(set)
    for image, masks in match.items():
        named[image] = []
        for mask, extra in masks:
            name = "_".join(without_number(extra))
            named[image].append((mask, name))
            pictures_with[name].add(image)
    shared = _shared_words(set(pictures_with))
    rare = len(pictures_with) > 64 or max(map(len, pictures_with.values())) * 2 < len(match)
    if "" in pictures_with or rare or any(_no_class(name) for name in pictures_with):
        image = max(match, key=lambda name: len(match[name]))
        raise _two_masks(image, [mask for mask, _ in match[image]], where)
    return _per_class({image: [(mask, _cut(name, shared)) for mask, name in masks] for image, masks in named.items()})


def without_number(extra: Words) -> Words:
    """Drop the numbers at the end of an ending."""
    while extra and extra[-1].isdigit():
        extra = extra[:-1]
    return extra


def _shared_words(names: set[str]) -> int:
    """Count the words with which all names begin, leaving each at least one."""
    if len(names) < 2:
        return 0
    split = [name.split("_") for name in names]
    count = 0
    while all(len(parts) > count + 1 for parts in split) and len({parts[count] for parts in split}) == 1:
        count += 1
    return count


def _cut(name: str, count: int) -> str:
    return "_".join(name.split("_")[count:])


def _per_class(named: dict[str, list[tuple[str, str]]]) -> Several:
    classes = tuple(sorted({name for masks in named.values() for _, name in masks}))
    number = {name: i for i, name in enumerate(classes)}
    return Several(
        "per-class",
        classes,
        {image: tuple(mask for mask, _ in masks) for image, masks in named.items()},
        {image: tuple(number[name] for _, name in masks) for image, masks in named.items()},
    )
