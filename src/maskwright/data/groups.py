"""Which pictures belong together, so that a split never tears them apart: stated, or guessed from the names.

A guess counts only with at least 10 groups and none above a fifth of the pictures.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from maskwright.data.names import PARTS, context, folder_of, pieces, shown, some, stem_of, words
from maskwright.errors import ConfigError, DataError

MIN_GROUPS = 10
LARGEST_SHARE = 0.2
_TILE = re.compile(r"^(.+?)[\W_](?:[rxy]|row|col)?(\d{1,6})[\W_](?:[cxy]|col|row)?(\d{1,6})$", re.IGNORECASE)
_TILE_WORDS = frozenset(
    "tile tiles patch patches crop crops ortho orthophoto ortophoto ortofoto orthomosaic mosaic raster wgs utm".split()
)


@dataclass(frozen=True)
class Grouping:
    """groups: one for each picture. how: in words. guessed: from names. advice: a likely grouping that was not used."""

    groups: tuple[str, ...]
    how: str
    guessed: bool = False
    advice: str = ""


def make_groups(
    images: Sequence[str],
    ids: Sequence[str],
    stated: str | None,
    columns: Mapping[str, Sequence[str]],
    where: str,
    parents: Sequence[str] = (),
) -> Grouping:
    """Group pictures as stated ("none", "name", "folder", a column, a regular expression), else by a guess.

    images: relative paths; columns: of the manifest, if there is one. parents: as `find_parents` returns them: a copy
    has its original's group, whatever is stated. Groups are printable. Raises DataError or ConfigError.
    """
    if parents:
        grouping = _group_originals(images, ids, stated, columns, where, parents)
    else:
        grouping = _make_groups(images, ids, stated, columns, where)
    return replace(grouping, groups=tuple(shown(group, 1000) for group in grouping.groups))


def _group_originals(
    images: Sequence[str],
    ids: Sequence[str],
    stated: str | None,
    columns: Mapping[str, Sequence[str]],
    where: str,
    parents: Sequence[str],
) -> Grouping:
    """Group the originals, also those of which only copies are here, and give each copy its original's group."""
    place: dict[str, int] = {}  # path of an original -> its number among them
    rows: list[int] = []  # of each original, or of the first of its copies
    for row, (image, parent) in enumerate(zip(images, parents, strict=True)):
        if not parent:
            place[image] = len(rows)
            rows.append(row)
    for row, parent in enumerate(parents):
        if parent and parent not in place:
            place[parent] = len(rows)
            rows.append(row)
    names = list(place)
    grouping = _make_groups(
        names,
        [parents[row] or ids[row] for row in rows],
        stated,
        {key: [column[row] for row in rows] for key, column in columns.items()},
        where,
    )
    groups = tuple(grouping.groups[place[parent or image]] for image, parent in zip(images, parents, strict=True))
    return replace(grouping, groups=groups)


def _make_groups(
    images: Sequence[str], ids: Sequence[str], stated: str | None, columns: Mapping[str, Sequence[str]], where: str
) -> Grouping:
    if stated is None:
        if "group" in columns:
            return Grouping(_filled(columns["group"], ids), "column 'group' of the manifest")
        return guess_groups(images, ids)
    if stated in ("none", "name"):
        return Grouping(tuple(ids), "each picture by itself (stated)")
    if stated in columns:
        return Grouping(_filled(columns[stated], ids), f"column '{stated}' of the manifest")
    if stated == "folder":
        return Grouping(tuple(_folder_group(image) for image in images), "by folder (stated)")
    return _by_pattern(images, ids, stated, where)


def _filled(column: Sequence[str], ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(group or name for group, name in zip(column, ids, strict=True))


def _by_pattern(images: Sequence[str], ids: Sequence[str], pattern: str, where: str) -> Grouping:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"The grouping is no valid regular expression: {error}.", where=f"group: {pattern}",
            fix=r"for names such as patient7_03.png write: group: '^(.*)_\d+$'") from error  # fmt: skip
    groups: list[str] = []
    matched = 0
    for image, name in zip(images, ids, strict=True):
        found = expression.search(stem_of(image))
        if found is None:
            groups.append(name)
            continue
        matched += 1
        groups.append((found.group(1) if expression.groups else found.group(0)) or name)
    if not matched:
        raise DataError(
            f"The grouping '{pattern}' fits no picture's name (such as {some([stem_of(i) for i in images[:3]])}).",
            where=where,
            fix="state 'name', 'folder', a column of the manifest, or a regular expression that fits the stems",
        )
    rest = f"; {len(images) - matched} names do not fit and stand alone" if matched < len(images) else ""
    return Grouping(tuple(groups), f"by the part of the name that '{pattern}' finds (stated){rest}")


def _folder_group(image: str) -> str:
    return "/".join(own_folders(image)) or "."


def own_folders(image: str) -> tuple[str, ...]:
    """Return the folders that are no role and no part: "train/images/patient1" gives patient1."""
    return tuple(part for part in context(folder_of(image)) if not set(words(part)) & PARTS.keys())


def guess_groups(images: Sequence[str], ids: Sequence[str]) -> Grouping:
    """Guess from folders and names; the coarsest grouping that counts is taken."""
    alone = Grouping(tuple(ids), "each picture by itself")
    tiles = _tiles(images)
    by_tiles = _tile_groups(tiles, images, ids) if tiles is not None else alone
    if by_tiles.guessed and tiles is not None and tiles.named:
        return by_tiles
    failed: list[tuple[str, list[str], str]] = []
    for how, candidate, pattern in _candidates(images):
        count = Counter(candidate)
        if len(count) == len(candidate) or len(count) < 2:
            continue
        if len(count) >= MIN_GROUPS and max(count.values()) <= LARGEST_SHARE * len(candidate):
            text = f"{how}: {len(count)} groups of {_spread(count)} (guessed)"
            return Grouping(tuple(candidate), text, guessed=True, advice=by_tiles.advice)
        failed.append((how, candidate, pattern))
    if tiles is not None:
        return by_tiles
    for how, candidate, pattern in reversed(failed):
        count = Counter(candidate)
        if 3 <= len(count) and len(count) * 2 <= len(candidate) and min(count.values()) > 1:
            why = f"only {len(count)}" if len(count) < MIN_GROUPS else "one holds more than a fifth of the pictures"
            advice = (
                f"names suggest {len(count)} groups ({how}: {some(sorted(count))}), not used because {why}; "
                f"if they belong together, state group: {pattern}"
            )
            return Grouping(alone.groups, alone.how, advice=advice)
    return alone


def _spread(count: Counter[str]) -> str:
    low, high = min(count.values()), max(count.values())
    return f"{low}" if low == high else f"{low}-{high}"


def _candidates(images: Sequence[str]) -> list[tuple[str, list[str], str]]:
    """Return (how, groups, how to state it), coarsest first: by folder, then by ever more of the name's pieces."""
    found = []
    folders = [own_folders(image) for image in images]
    for depth in range(1, max(map(len, folders), default=0) + 1):
        found.append(("by folder", ["/".join(own[:depth]) for own in folders], "folder"))
    split = [pieces(stem_of(image)) for image in images]
    longest = max(map(len, split), default=0)
    for length in range(1, longest):
        groups = ["/".join((*own[:1], *_head(s, length))) for own, s in zip(folders, split, strict=True)]
        ordinal = "first part" if length == 1 else f"first {length} parts"
        pattern = r"'^([^\W_]+" + r"[\W_]+[^\W_]+" * (length - 1) + ")'"
        found.append((f"by the {ordinal} of the name", groups, pattern))
    sides = [_without_letter(s) for s in split]
    if sum(side != "_".join(s) for side, s in zip(sides, split, strict=True)) * 2 > len(images):
        found.append(("by the name without its last letter", sides, r"'^(.*\d)[A-Za-z]$'"))
    return found


def _head(split: tuple[str, ...], length: int) -> tuple[str, ...]:
    """Return the first pieces, but never all of a name: a name of one piece is its own group."""
    return split[:length] if len(split) > length else split


def _without_letter(split: tuple[str, ...]) -> str:
    """Drop one letter that follows a number at the end: Image_01L and Image_01R belong together."""
    text = "_".join(split)
    return text[:-1] if len(text) > 1 and text[-1].isalpha() and text[-2].isdigit() else text


# --- tiles of one large picture -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tiles:
    """sheets, places: for each picture the large one and (row, column). named: words say that they are tiles."""

    sheets: list[str]
    places: list[tuple[int, int]]
    named: bool


def _tiles(images: Sequence[str]) -> _Tiles | None:
    """Read names as sheet, row, column, if all have that form and few sheets hold many places in two directions."""
    sheets, places = [], []
    for image in images:
        found = _TILE.match(stem_of(image))
        if found is None:
            return None
        sheets.append(f"{folder_of(image)}/{found[1]}")
        places.append((int(found[2]), int(found[3])))
    keys = list(zip(sheets, places, strict=True))
    known = set(keys)
    if len(set(sheets)) * 8 > len(images) or len(known) < len(images):
        return None
    rows, columns = len({row for row, _ in places}), len({column for _, column in places})
    looked_at = keys[:: max(1, len(keys) // 500)]
    touching = sum(any(key in known for key in _around(*key)) for key in looked_at)
    if min(rows, columns) < 3 or touching * 4 < len(looked_at):
        return None
    named = all(set(words(sheet)) & _TILE_WORDS for sheet in set(sheets))
    return _Tiles(sheets, places, named)


def _around(sheet: str, place: tuple[int, int]) -> list[tuple[str, tuple[int, int]]]:
    row, column = place
    return [(sheet, (row + i, column + j)) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]


def _tile_groups(tiles: _Tiles, images: Sequence[str], ids: Sequence[str]) -> Grouping:
    """Keep touching tiles together, where that leaves enough groups."""
    index = {key: i for i, key in enumerate(zip(tiles.sheets, tiles.places, strict=True))}
    parent = list(range(len(images)))

    def top(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for (sheet, place), i in index.items():
        for key in _around(sheet, place):
            if key in index:
                first, second = sorted((top(i), top(index[key])))
                parent[second] = first
    groups = tuple(ids[top(i)] for i in range(len(images)))
    count, sheets = Counter(groups), len(set(tiles.sheets))
    said = f"names end in row and column: tiles of {sheets} large picture{'s' if sheets > 1 else ''}"
    if len(count) >= MIN_GROUPS and max(count.values()) <= LARGEST_SHARE * len(images):
        how = f"touching tiles together ({said}): {len(count)} groups of {_spread(count)} (guessed)"
        return Grouping(groups, how, guessed=True, advice=f"{said}; scores tell nothing of other places")
    advice = f"{said}, which touch each other; scores will be too good. State group: with a regular expression for rows"
    return Grouping(tuple(ids), "each picture by itself", advice=advice)
