"""Findings about pictures that belong together: the same picture twice, nearly so, groups, official parts that leak."""

from collections import defaultdict
from collections.abc import Sequence

from maskwright.audit.alike import near_groups, same_groups
from maskwright.audit.facts import MaskFacts, PictureFacts
from maskwright.audit.findings import Finding
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown, some


def relative_findings(dataset: Dataset, pictures: Sequence[PictureFacts], masks: Sequence[MaskFacts]) -> list[Finding]:
    """Return duplicates, near-duplicates, suggested groups and leaks between official parts."""
    same = same_groups([picture.digest for picture in pictures])
    found = [_same(dataset, rows, masks) for rows in same]
    later = {row for rows in same for row in rows[1:]}
    apart = later | {row for row, parent in enumerate(dataset.columns.parents) if parent}  # copies may look alike
    thumbnails = {
        i: picture.print.thumbnail for i, picture in enumerate(pictures) if picture.print is not None and i not in apart
    }
    found += [_near(dataset, rows) for rows in near_groups(thumbnails)]
    return found + _groups(dataset)


def _same(dataset: Dataset, rows: list[int], masks: Sequence[MaskFacts]) -> Finding:
    names = [dataset.columns.ids[row] for row in rows]
    digests = {masks[row].digest for row in rows if masks[row].digest}
    where = shown(str(dataset[rows[1]].image), 500)
    evidence = {"samples": names, "parts": [dataset.columns.parts[row] for row in rows]}
    if len(digests) > 1:
        return Finding(
            "label-conflict", "error", names[0], f"{_listed(names)} are the same picture with different masks.", where,
            "keep the right mask and remove the other pair", evidence,
        )  # fmt: skip
    return Finding(
        "duplicate", "warning", names[0], f"{_listed(names)} are the same picture.{_parts(dataset, rows)}", where,
        "remove all but one", evidence,
    )  # fmt: skip


def _near(dataset: Dataset, rows: list[int]) -> Finding:
    names = [dataset.columns.ids[row] for row in rows]
    evidence = {"samples": names, "parts": [dataset.columns.parts[row] for row in rows]}
    return Finding(
        "near-duplicate", "warning", names[0], f"{_listed(names)} are nearly the same picture.{_parts(dataset, rows)}",
        shown(str(dataset[rows[1]].image), 500), "remove all but one, or put them into one group (--group)", evidence,
    )  # fmt: skip


def _listed(names: list[str]) -> str:
    return f"{shown(names[0])} and {shown(names[1])}" if len(names) == 2 else some(names, 4)


def _parts(dataset: Dataset, rows: list[int]) -> str:
    parts = sorted({dataset.columns.parts[row] for row in rows} - {""})
    return f" They lie in different parts: {', '.join(parts)}." if len(parts) > 1 else ""


def _groups(dataset: Dataset) -> list[Finding]:
    found = []
    if dataset.grouping_guessed:
        found.append(
            Finding(
                "group-suggested",
                "note",
                None,
                f"Pictures seem to belong together, {dataset.grouping}. A split keeps each group together.",
                "",
                "state group: name, if each picture stands for itself",
                {"groups": len(set(dataset.columns.groups))},
            )  # fmt: skip
        )
    if dataset.advice:
        found.append(
            Finding(
                "group-suggested",
                "warning",
                None,
                f"{dataset.advice[:1].upper()}{dataset.advice[1:]}.",
                "",
                "state group in dataset.yaml, or take scores with a grain of salt",
                {},
            )  # fmt: skip
        )
    parts: dict[str, set[str]] = defaultdict(set)
    for group, part in zip(dataset.columns.groups, dataset.columns.parts, strict=True):
        if part:
            parts[group].add(part)
    torn = sorted(group for group, seen in parts.items() if len(seen) > 1)
    if torn:
        found.append(
            Finding(
                "split-leak",
                "warning",
                None,
                f"{len(torn)} groups lie in several official parts: {some(torn)}.",
                "",
                "state split: hash to split by group, or group: name if the groups mean nothing",
                {"count": len(torn), "groups": torn[:100]},
            )  # fmt: skip
        )
    return found
