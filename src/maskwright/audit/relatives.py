"""Findings about pictures that are the same, or of one photograph: twice in the set, with different masks."""

from collections.abc import Sequence
from typing import Any

from maskwright.audit.facts import MaskFacts, PictureFacts
from maskwright.audit.families import Families
from maskwright.audit.findings import Finding, Level
from maskwright.audit.likeness import Likeness, changes, is_plain
from maskwright.audit.overlap import mask_overlap
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown, some
from maskwright.errors import DataError

_ALIKE = 0.9  # of equal pictures' masks, as a share of what either marks: drawn twice, but alike
_CONTRARY = 0.6  # masks of one photograph that agree in less than this cannot both be right
_LISTED = 100


def relative_findings(
    dataset: Dataset, families: Families, pictures: Sequence[PictureFacts], masks: Sequence[MaskFacts]
) -> list[Finding]:
    """Return duplicates, near-duplicates, and masks of theirs that contradict each other."""
    found = [_same(dataset, rows, masks) for rows in families.same]
    near: dict[int, list[tuple[int, int, Likeness]]] = {}
    for link in families.near:
        near.setdefault(link[1], []).append(link)
    for rows in families.all():
        links = [link for row in rows for link in near.get(row, ())]
        if links:
            found.append(_near(dataset, rows, links, pictures))
            conflicts = (_contrary(dataset, *link, masks) for link in links)
            found += [conflict for conflict in conflicts if conflict is not None]
    return found


def _same(dataset: Dataset, rows: Sequence[int], masks: Sequence[MaskFacts]) -> Finding:
    names = [dataset.columns.ids[row] for row in rows]
    where = shown(str(dataset[rows[1]].image), 500)
    masked = [row for row in rows if masks[row].digest]
    others = [row for row in masked[1:] if masks[row].digest != masks[masked[0]].digest]
    if not others:
        what = f"{_listed(names)} are the same picture."
        return Finding("duplicate", "warning", names[0], what, where, "remove all but one", family(dataset, rows))
    shares = [_agreed(dataset, masked[0], row, None) for row in others]
    agreed = min((share for share in shares if share is not None), default=0.0)
    evidence = {**family(dataset, rows), "agreement": round(agreed, 3)}
    level: Level = "warning" if agreed >= _ALIKE else "error"
    how = f"masks that differ a little ({100 * agreed:.0f} % in common)" if level == "warning" else "different masks"
    what = f"{_listed(names)} are the same picture with {how}."
    return Finding(
        "label-conflict", level, names[0], what, where, "keep the right mask and remove the other pair", evidence
    )


def _near(
    dataset: Dataset,
    rows: Sequence[int],
    links: Sequence[tuple[int, int, Likeness]],
    pictures: Sequence[PictureFacts],
) -> Finding:
    names = [dataset.columns.ids[row] for row in rows]
    steps = [_step(dataset, *link, pictures) for link in links]
    evidence = {**family(dataset, rows), "how": steps[0][2], "steps": [list(step) for step in steps[:_LISTED]]}
    what = f"{_listed(names)} are of one photograph: {shown(steps[0][1])} is {shown(steps[0][0])}, {steps[0][2]}."
    fix = "remove all but one, or put them into one group (--group); a split that is made here keeps them together"
    return Finding("near-duplicate", "warning", names[0], what, shown(str(dataset[rows[1]].image), 500), fix, evidence)


def _step(
    dataset: Dataset, first: int, second: int, likeness: Likeness, pictures: Sequence[PictureFacts]
) -> tuple[str, str, str]:
    """Return two ids and what makes the second picture of the first, in words."""
    names, infos = [dataset.columns.ids[row] for row in (first, second)], (pictures[first].info, pictures[second].info)
    if infos[0] is None or infos[1] is None:
        raise ValueError("pictures that were compared have been read")
    backwards, how = changes(likeness, infos[0], infos[1])
    return (names[1], names[0], how) if backwards else (names[0], names[1], how)


def _contrary(
    dataset: Dataset, first: int, second: int, likeness: Likeness, masks: Sequence[MaskFacts]
) -> Finding | None:
    """Return the conflict of two pictures of one photograph whose masks, laid over each other, cannot both be right.

    A warning where the pictures are turned, mirrored or cropped: they might be alike by chance.
    """
    if not (masks[first].digest and masks[second].digest):
        return None
    agreed = _agreed(dataset, first, second, likeness)
    if agreed is None or agreed >= _CONTRARY:
        return None
    names = [dataset.columns.ids[row] for row in (first, second)]
    return Finding(
        "label-conflict", "error" if is_plain(likeness) else "warning", names[0],
        f"{_listed(names)} are of one photograph, and their masks have {100 * agreed:.0f} % in common.",
        shown(str(dataset[second].image), 500), "keep the right mask and remove the other pair",
        {**family(dataset, (first, second)), "agreement": round(agreed, 3)},
    )  # fmt: skip


def _agreed(dataset: Dataset, first: int, second: int, likeness: Likeness | None) -> float | None:
    """Return the share of what either mask marks that both mark alike; None where a mask cannot be read any more."""
    try:
        masks = dataset.read_mask(first), dataset.read_mask(second)
    except DataError:
        return None
    return mask_overlap(*masks, likeness.alignment if likeness is not None else None)


def family(dataset: Dataset, rows: Sequence[int]) -> dict[str, Any]:
    """Return evidence that names a family: samples, count, and the official parts that they lie in."""
    listed = list(rows[:_LISTED])
    return {
        "samples": [dataset.columns.ids[row] for row in listed],
        "count": len(rows),
        "parts": [dataset.columns.parts[row] for row in listed],
    }


def _listed(names: list[str]) -> str:
    return f"{shown(names[0])} and {shown(names[1])}" if len(names) == 2 else some(names, 4)
