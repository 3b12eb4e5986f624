"""Which pictures train, which validate, which are kept away until the end; and folds where a test part is too small.

Groups are never torn apart, nor are pictures whose files are equal or that are of one photograph; official parts are
kept, and no part is empty. Only originals are split: their copies train with them or are left out, and are in no other
part and no fold.
Which part a group falls into depends on sha256 of its name and the seed. Pictures added later never move others: old
lines of split.csv stay, and a new group goes where its hash says.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.data.copies import originals, parts_of_copies, said_of_copies
from maskwright.data.dataset import Dataset
from maskwright.data.equal import join_relatives
from maskwright.data.splitfile import (
    find_lines,
    match_lines,
    parts_of_absent,
    read_lines,
    split_path,
    write_lines,
)
from maskwright.data.strata import foreground_shares, make_strata
from maskwright.errors import DataError

PARTS = ("train", "val", "test")
MIN_TEST_GROUPS = 5  # a test part of fewer groups says too little: folds are used instead


@dataclass(frozen=True)
class Split:
    """parts: "train", "val" or "test" for each picture, "" for one that is left out. how: in words.

    needs_folds: there are too few groups for a test part; "test" is empty.
    """

    parts: tuple[str, ...]
    how: str
    needs_folds: bool = False

    def indices(self, part: str) -> NDArray[np.int64]:
        """Return the rows of a part, ascending."""
        return np.array([i for i, found in enumerate(self.parts) if found == part], np.int64)


def split_dataset(
    dataset: Dataset,
    *,
    method: str | None = None,
    previous: Path | None = None,
    seed: int = 0,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    foreground: NDArray[np.float64] | None = None,
    related: Sequence[Sequence[int]] = (),
) -> Split:
    """Split by official parts where there are any, else by groups.

    method: None: what the data's options state, else official parts, else "hash"; "hash" leaves official parts
    aside; "lists" or "folders" insist on official ones; anything else is the path of a split.csv, which decides alone.
    previous: a split.csv whose lines never move; pictures that are not in it are added to a part.
    shares: of groups that train, validate, test. foreground: each picture's share of foreground, if it is known.
    related: families of rows that are of one photograph; they stay together but where official parts tear them apart.

    Raises DataError where a part would be empty or a stated one is not there.
    """
    method = method or dataset.options.split
    if method not in (None, "hash", "lists", "folders"):
        return read_split(split_path(dataset, method), dataset)
    if method in ("lists", "folders") and not any(dataset.columns.parts):
        raise DataError(
            f"'split: {method}' is stated, but no official parts were found.", where=str(dataset.root),
            fix="state split: hash, or give the data lists or folders named train, val and test")  # fmt: skip
    kept = join_relatives(dataset, related)
    joined = kept.dataset
    rows = originals(joined.columns)
    split = _split_originals(
        joined.select(rows),
        method,
        previous,
        seed,
        shares,
        None if foreground is None else foreground[rows],
        kept.renamed,
    )
    split = replace(split, how=split.how + kept.said)
    if not joined.columns.parents:
        return split
    official = method != "hash" and previous is None and any(dataset.columns.parts)
    own = dict(enumerate(joined.columns.parts)) if official else None
    elsewhere = None if previous is None else parts_of_absent(read_lines(previous), joined.columns.parents)
    return _for_copies(split, joined, rows, own, elsewhere)


def _for_copies(
    split: Split,
    dataset: Dataset,
    rows: NDArray[np.int64],
    own: Mapping[int, str] | None = None,
    elsewhere: Mapping[str, str] | None = None,
) -> Split:
    """Return the split of the originals at `rows` as one of the whole set: a copy trains where its original does."""
    part_of = dict(zip(map(int, rows), split.parts, strict=True))
    copies = parts_of_copies(dataset.columns, part_of, own=own, elsewhere=elsewhere)
    parts = tuple((part_of | copies)[row] for row in range(len(dataset)))
    return replace(split, parts=parts, how=split.how + said_of_copies(copies))


def _split_originals(
    dataset: Dataset,
    method: str | None,
    previous: Path | None,
    seed: int,
    shares: tuple[float, float, float],
    foreground: NDArray[np.float64] | None,
    renamed: dict[str, str],
) -> Split:
    official = dataset.columns.parts
    if previous is not None:
        return _extend(dataset, previous, seed, shares, method != "hash", renamed)
    if method != "hash" and any(official):
        return _from_official(dataset, seed, shares, foreground)
    return _by_hash(dataset, seed, shares, foreground, by_picture=_by_picture(dataset, renamed))


def _by_picture(dataset: Dataset, renamed: dict[str, str]) -> bool:
    """Whether each picture was its own group, before equal ones were joined."""
    return len(set(dataset.columns.groups) | set(renamed)) == len(dataset)


def place(group: str, seed: int) -> float:
    """Return where a group lies in [0, 1): by sha256, the same everywhere."""
    digest = hashlib.sha256(f"{seed}:{group}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


# --- a first split --------------------------------------------------------------------------------------------------


def _by_hash(
    dataset: Dataset,
    seed: int,
    shares: tuple[float, float, float],
    foreground: NDArray[np.float64] | None,
    *,
    by_picture: bool,
) -> Split:
    groups = sorted(set(dataset.columns.groups))
    if len(groups) < 2:
        raise _too_few(dataset, "to train and to validate")
    unit = "pictures" if by_picture else "groups"
    why = dataset.grouping if not by_picture else ""
    if len(groups) * shares[2] < MIN_TEST_GROUPS:
        chosen, note = _choose(dataset, groups, {"val": shares[1] / (shares[0] + shares[1])}, seed, foreground)
        reason = f"{len(groups)} {unit} are too few for a test part: folds{f'; {why}' if why else ''}"
        return Split(tuple(chosen.get(g, "train") for g in dataset.columns.groups), reason, needs_folds=True)
    chosen, note = _choose(dataset, groups, {"test": shares[2], "val": shares[1]}, seed, foreground)
    parts = tuple(chosen.get(group, "train") for group in dataset.columns.groups)
    how = f"by {why}" if why else "each picture by itself"
    return Split(parts, f"{how}{note}: {_counted(parts)}")


def _choose(
    dataset: Dataset,
    groups: Sequence[str],
    wanted: dict[str, float],
    seed: int,
    foreground: NDArray[np.float64] | None,
) -> tuple[dict[str, str], str]:
    """Choose groups for each wanted part, evenly over the strata; every part gets at least one, train too.

    wanted: part -> share of the pictures. Returns group -> part and what to say about the strata.
    """
    shares = foreground if foreground is not None else foreground_shares(dataset)
    strata = make_strata(dataset, groups, shares)
    size = Counter(dataset.columns.groups)
    order = sorted(groups, key=lambda group: (strata[group], place(group, seed), group))
    target = {"train": 1 - sum(wanted.values()), **wanted}
    given = dict.fromkeys(target, 0)
    chosen: dict[str, str] = {}
    passed = 0
    for group in order:  # whoever is furthest behind its share of what has passed gets the next group
        passed += size[group]
        part = max(target, key=lambda name: target[name] * passed - given[name])
        given[part] += size[group]
        if part != "train":
            chosen[group] = part
    _fill_empty(chosen, order, wanted, size, seed)
    even = ", evenly over the share of foreground" if shares is not None else ""
    kinds = {word.rpartition("/")[0] for word in strata.values()}
    return chosen, even + (f", evenly over {len(kinds)} kinds of names" if len(kinds) > 1 else "")


def _fill_empty(
    chosen: dict[str, str], order: Sequence[str], wanted: dict[str, float], size: Counter[str], seed: int
) -> None:
    """Give a part that got no group the smallest one of the largest part, first by hash."""
    for part in (*wanted, "train"):
        if part in chosen.values() or (part == "train" and len(chosen) < len(order)):
            continue
        count = Counter(chosen.get(group, "train") for group in order)
        donor = count.most_common(1)[0][0]
        candidates = [group for group in order if chosen.get(group, "train") == donor]
        moved = min(candidates, key=lambda group: (size[group], place(group, seed), group))
        if part == "train":
            del chosen[moved]
        else:
            chosen[moved] = part


def _from_official(
    dataset: Dataset, seed: int, shares: tuple[float, float, float], foreground: NDArray[np.float64] | None
) -> Split:
    """Keep official parts; take what is missing out of train. Pictures in no part are left out."""
    parts = list(dataset.columns.parts)
    count = Counter(parts)
    if not count["train"]:
        raise DataError(
            "The official parts name no training pictures.", where=str(dataset.root),
            fix="name a folder or list train, or state split: hash")  # fmt: skip
    said = [f"official {_counted(tuple(parts))}"]
    missing = {part: share for part, share in (("test", shares[2]), ("val", shares[1])) if not count[part]}
    inside = sorted({g for g, part in zip(dataset.columns.groups, parts, strict=True) if part == "train"})
    needs_folds = False
    if "test" in missing and len(inside) * shares[2] < MIN_TEST_GROUPS:
        del missing["test"]
        needs_folds = True
        said.append(f"{len(inside)} groups are too few for a test part: folds")
    if missing:
        if len(inside) < 1 + len(missing):
            raise _too_few(dataset, f"to take {' and '.join(missing)} out of the training part")
        kept = 1 - sum(share for part, share in zip(("train", "val", "test"), shares, strict=True) if count[part])
        scale = {part: share / (kept + shares[0]) for part, share in missing.items()}
        rows = [i for i, part in enumerate(parts) if part == "train"]
        known = foreground[rows] if foreground is not None else None
        chosen, note = _choose(dataset.select(rows), inside, scale, seed, known)
        for row in rows:
            parts[row] = chosen.get(dataset.columns.groups[row], "train")
        said.append(f"{' and '.join(missing)} taken out of train{note}: {_counted(tuple(parts))}")
    if count[""]:
        said.append(f"{count['']} pictures in no official part are left out")
    torn = _torn(dataset, parts)
    if torn:
        said.append(f"{torn} groups lie in several official parts")
    return Split(tuple(parts), "; ".join(said), needs_folds)


def _torn(dataset: Dataset, parts: Sequence[str]) -> int:
    """Count groups of which some pictures train and others are tested."""
    found: dict[str, set[str]] = defaultdict(set)
    for group, part in zip(dataset.columns.groups, parts, strict=True):
        if part:
            found[group].add(part)
    return sum("test" in seen and len(seen) > 1 for seen in found.values())


# --- adding pictures to a split -------------------------------------------------------------------------------------


def _extend(
    dataset: Dataset,
    previous: Path,
    seed: int,
    shares: tuple[float, float, float],
    official: bool,
    renamed: dict[str, str],
) -> Split:
    """Keep every line of an earlier split; new pictures go to their group's part, or where the group's hash says.

    Officially placed new pictures go to their official part. Where the earlier split had no test part, there is none.
    """
    lines = read_lines(previous)
    old = match_lines(lines, dataset, previous)
    group_part: dict[str, str] = {}
    for part_wins in PARTS:  # a group that is torn in the old lines: new pictures train with it, if any of it trains
        for group, part in zip(dataset.columns.groups, old, strict=True):
            if part == part_wins:
                group_part.setdefault(group, part)
        for line in lines:
            if line.part == part_wins:
                group_part.setdefault(renamed.get(line.group, line.group), line.part)
    had_test = any(line.part == "test" for line in lines)
    parts = []
    for row, part in enumerate(old):
        group, stated = dataset.columns.groups[row], dataset.columns.parts[row] if official else ""
        parts.append(part or stated or group_part.get(group) or _hashed(group, seed, shares, had_test))
    new = sum(not part for part in old)
    for part in ("train", "val"):
        if part not in parts:
            raise _too_few(dataset, f"to keep the part {part} of {previous.name}")
    how = f"{len(old) - new} pictures as in {previous.name}, {new} new ones by their group: {_counted(tuple(parts))}"
    return Split(tuple(parts), how, needs_folds=not had_test)


def _hashed(group: str, seed: int, shares: tuple[float, float, float], with_test: bool) -> str:
    at = place(group, seed)
    if with_test and at < shares[2]:
        return "test"
    return "val" if at < shares[2] * with_test + shares[1] else "train"


# --- folds ----------------------------------------------------------------------------------------------------------


def fold_split(
    dataset: Dataset, folds: int, seed: int = 0, foreground: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], ...]:
    """Return for each fold the rows that it holds out; every original is held out once, groups stay together.

    Folds are even in pictures and in the share of foreground, where that is known or cheap to find out.
    Raises DataError where there are fewer groups than folds.
    """
    dataset = join_relatives(dataset).dataset
    numbers = originals(dataset.columns)
    dataset, foreground = dataset.select(numbers), None if foreground is None else foreground[numbers]
    groups = sorted(set(dataset.columns.groups))
    if folds < 2 or folds > len(groups):
        raise DataError(
            f"{folds} folds need at least as many groups; there are {len(groups)}.",
            where=str(dataset.root),
            fix=f"choose 2 to {len(groups)} folds" if len(groups) > 1 else "add pictures, or state group: name",
        )
    shares = foreground if foreground is not None else foreground_shares(dataset)
    strata = make_strata(dataset, groups, shares)
    size = Counter(dataset.columns.groups)
    order = sorted(groups, key=lambda g: (-size[g], strata[g], place(g, seed), g))
    total = [0] * folds
    held_groups = [0] * folds
    within: dict[str, list[int]] = defaultdict(lambda: [0] * folds)
    fold_of: dict[str, int] = {}
    for group in order:
        here = within[strata[group]]
        least = min(total)
        light = [k for k in range(folds) if total[k] <= least + size[group] // 2 and (total[k] or not held_groups[k])]
        fold = min(light, key=lambda k: (here[k], total[k], k))
        here[fold] += size[group]
        total[fold] += size[group]
        held_groups[fold] += 1
        fold_of[group] = fold
    rows = np.array([fold_of[group] for group in dataset.columns.groups], np.int64)
    return tuple(numbers[rows == fold] for fold in range(folds))


# --- files ----------------------------------------------------------------------------------------------------------


def write_split(split: Split, dataset: Dataset, path: Path) -> None:
    """Write split.csv: one line a picture, with its path below the data folder, its group and its part."""
    write_lines(dataset, split.parts, path)


def read_split(path: Path, dataset: Dataset) -> Split:
    """Read split.csv. Pictures that it does not name are left out; copies follow their originals, named or not.

    Raises DataError naming the row.
    """
    lines, rows = read_lines(path), originals(dataset.columns)
    found = find_lines(lines, dataset, path)
    parts = [found[int(row)].part if int(row) in found else "" for row in rows]
    if "train" not in parts:
        raise DataError(
            "The split names no training picture of this data.", where=str(path),
            fix="check that its column 'image' holds paths below the data folder")  # fmt: skip
    missing = sum(not part for part in parts)
    left = f"; {missing} pictures that it does not name are left out" if missing else ""
    split = Split(tuple(parts), f"from {path.name}: {_counted(tuple(parts))}{left}", needs_folds="test" not in parts)
    if not dataset.columns.parents:
        return split
    own = {row: line.part for row, line in found.items()}
    return _for_copies(split, dataset, rows, own, parts_of_absent(lines, dataset.columns.parents))


def _counted(parts: tuple[str, ...]) -> str:
    count = Counter(parts)
    return ", ".join(f"{part} {count[part]}" for part in PARTS if count[part])


def _too_few(dataset: Dataset, purpose: str) -> DataError:
    count = len(set(dataset.columns.groups))
    return DataError(
        f"{len(dataset)} pictures in {count} group{'s' if count != 1 else ''} are too few {purpose}.",
        where=str(dataset.root),
        fix="add pictures, or state another grouping (--group name takes each picture by itself)",
    )
