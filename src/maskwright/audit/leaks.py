"""Findings about a split, official or stated, that tears apart what belongs together."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from maskwright.audit.findings import Finding, Level
from maskwright.data.dataset import Dataset
from maskwright.data.groups import own_folders
from maskwright.data.lists import CLASH_FIX
from maskwright.data.names import folder_of, shown, some
from maskwright.data.splitfile import OFFICIAL, stated_parts

PARTS = ("train", "val", "test")
_FEW = 0.02  # share of the held out pictures whose leaking hardly moves a score
_LISTED = 100


def leak_findings(
    dataset: Dataset, same: Sequence[Sequence[int]], families: Sequence[Sequence[int]]
) -> Iterator[Finding]:
    """Yield families and groups of which some pictures lie in one part and some in another.

    same: rows of equal pictures; families: rows of one photograph. Only a split that is stated or official counts: one
    that is made here keeps families together. A publisher's own split that tears a few photographs apart, none of them
    equal, is a warning: the score hardly moves, and it is the score that others report. Raises DataError where a
    stated split cannot be read.
    """
    parts, whose = stated_parts(dataset)
    if not whose:
        return
    torn = [rows for rows in families if len(_spread(rows, parts)) > 1]
    copied = {rows[0] for rows in same if len(_spread(rows, parts)) > 1}
    held_out = sum(part in ("val", "test") for part in parts)
    leaked = sum(parts[row] in ("val", "test") for rows in torn for row in rows)
    few = whose == OFFICIAL and leaked < _FEW * held_out
    for rows in torn:
        level: Level = "warning" if few and not copied & set(rows) else "error"
        yield _torn(dataset, rows, parts, whose, level)
    yield from _named_twice(dataset)
    yield from _torn_groups(dataset, parts, whose)
    yield from _torn_folders(dataset, parts, whose)


def _spread(rows: Sequence[int], parts: Sequence[str]) -> list[str]:
    """Return the parts that rows lie in."""
    return sorted({parts[row] for row in rows} - {""}, key=PARTS.index)


def _torn(dataset: Dataset, rows: Sequence[int], parts: Sequence[str], whose: str, level: Level) -> Finding:
    names = [dataset.columns.ids[row] for row in rows]
    listed = rows[:_LISTED]
    evidence = {
        "samples": [dataset.columns.ids[row] for row in listed], "count": len(names),
        "parts": [parts[row] for row in listed], "split": whose,
    }  # fmt: skip
    return Finding(
        "split-leak", level, names[0],
        f"{some(names, 4)} are of one photograph, and {whose} puts them into {' and '.join(_spread(rows, parts))}.",
        shown(str(dataset[rows[1]].image), 500),
        "remove all but one or move them into one part; or state split: hash, which keeps them together", evidence,
    )  # fmt: skip


def _named_twice(dataset: Dataset) -> Iterator[Finding]:
    for clash in dataset.clashes:
        listed = list(clash.ids[:_LISTED])
        evidence = {"count": len(clash.ids), "samples": listed, "split": OFFICIAL}
        where = shown(str(dataset.root / clash.files[0]), 500)
        yield Finding("split-leak", "error", None, clash.what, where, CLASH_FIX, evidence)


def _torn_groups(dataset: Dataset, parts: Sequence[str], whose: str) -> Iterator[Finding]:
    """Yield one finding for all groups that are torn: an error where it was stated which pictures belong together."""
    inside: dict[str, set[str]] = defaultdict(set)
    for group, part in zip(dataset.columns.groups, parts, strict=True):
        if part:
            inside[group].add(part)
    torn = sorted(group for group, seen in inside.items() if len(seen) > 1)
    if not torn:
        return
    guessed = dataset.grouping_guessed
    of_them = set(torn[:_LISTED])
    samples = [
        name for name, group in zip(dataset.columns.ids, dataset.columns.groups, strict=True) if group in of_them
    ]
    yield Finding(
        "split-leak", "warning" if guessed else "error", None,
        f"{len(torn)} {'guessed ' * guessed}group{'s' * (len(torn) != 1)} lie{'s' * (len(torn) == 1)} in several parts "
        f"of {whose}: {some(torn)}.",
        "", "state split: hash to split by group, or group: name if the groups mean nothing",
        {"count": len(torn), "groups": torn[:_LISTED], "samples": samples[:_LISTED], "split": whose},
    )  # fmt: skip


def _torn_folders(dataset: Dataset, parts: Sequence[str], whose: str) -> Iterator[Finding]:
    """Yield one finding for folders such as patient7 that lie in several parts, where they are no groups."""
    if dataset.options.group is not None or dataset.grouping_guessed:
        return
    places: dict[str, dict[str, str]] = defaultdict(dict)  # folder's name -> part -> where it lies
    for image, part in zip(dataset.columns.images, parts, strict=True):
        name = "/".join(own_folders(image))
        if part and any(letter.isdigit() for letter in name):
            places[name].setdefault(part, folder_of(image))
    torn = sorted(name for name, found in places.items() if len(found) > 1)
    if torn:
        many = f"{len(torn)} folder{'s' * (len(torn) != 1)} lie{'s' * (len(torn) == 1)}"
        such = " and ".join(shown(places[torn[0]][part]) for part in PARTS if part in places[torn[0]])
        what = (
            f"{many} in several parts of {whose}, such as {such}: if that is one patient or place, the score will be "
            "too good."
        )
        fix = "if so, state group: folder and split: hash; if not, state group: name"
        evidence = {"count": len(torn), "groups": torn[:_LISTED], "split": whose}
        yield Finding("split-leak", "warning", None, what, "", fix, evidence)
