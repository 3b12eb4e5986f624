"""Findings about classes in the set as a whole: those that no mask shows, that few show, that hardly a pixel shows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from maskwright.audit.facts import MaskFacts
from maskwright.audit.findings import Finding, Level, counted
from maskwright.data.dataset import Dataset
from maskwright.data.names import some
from maskwright.images.classes import IGNORE

_FEW_MASKS = 5  # fewer can hardly be shared among training, validation and test
_FEW_SHARE = 0.01  # of the masks
_FEW_PIXELS = 0.001  # of all pixels that count
_LISTED = 100


@dataclass
class _Shown:
    """Where a class is shown. parts: masks of each official part; samples: some of them; pixels: in all masks."""

    masks: int = 0
    pixels: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)


def class_findings(dataset: Dataset, masks: Iterable[MaskFacts]) -> list[Finding]:
    """Return classes that no mask shows, in the whole set or in an official part, and classes that are rare."""
    shown: dict[int, _Shown] = {}
    parts: Counter[str] = Counter()
    for name, part, mask in zip(dataset.columns.ids, dataset.columns.parts, masks, strict=True):
        if mask.counts is None:
            continue
        parts[part] += 1
        for label, pixels in mask.counts.items():
            if pixels and label != IGNORE:
                _count(shown.setdefault(label, _Shown()), name, part, pixels)
    if not parts:
        return []
    return [*_missing(dataset, shown, list(parts)), *_rare(dataset, shown, parts.total())]


def _count(shown: _Shown, name: str, part: str, pixels: int) -> None:
    shown.masks += 1
    shown.pixels += pixels
    shown.parts[part] += 1
    if len(shown.samples) < _LISTED:
        shown.samples.append(name)


def _missing(dataset: Dataset, shown: dict[int, _Shown], parts: Sequence[str]) -> list[Finding]:
    found = []
    for label, name in enumerate(dataset.classes.names):
        missing = [part for part in parts if part and label in shown and not shown[label].parts[part]]
        if label not in shown and len(dataset.classes.names) > 2:
            fix = "remove the class from 'classes', or add masks that show it"
            found.append(_finding("class-missing", "warning", f"No mask shows the class {name}.", fix, name, {}))
        elif missing:
            what = f"No mask of the part {' or '.join(missing)} shows the class {name}."
            fix = "split anew (split: hash), or add masks"
            found.append(_finding("class-missing", "warning", what, fix, name, {"parts": missing}))
    return found


def _rare(dataset: Dataset, shown: dict[int, _Shown], masks: int) -> list[Finding]:
    """Return classes that few masks or hardly any pixels show; a set of few masks is no reason by itself."""
    total = sum(one.pixels for one in shown.values())
    found = []
    for label, name in enumerate(dataset.classes.names):
        one = shown.get(label)
        if one is None:
            continue
        share = one.pixels / max(1, total)
        evidence = {
            "masks": one.masks, "of": masks, "pixels": one.pixels, "share": round(share, 6),
            "count": one.masks, "samples": one.samples,
        }  # fmt: skip
        if one.masks < min(_FEW_MASKS, masks / 2) or one.masks < _FEW_SHARE * masks:
            only = f"Only {one.masks} of {masks} masks" if one.masks > 1 else f"Only one of {masks} masks"
            what = f"{only} {'show' if one.masks > 1 else 'shows'} the class {name}: {some(one.samples)}."
            fix = "add pictures that show it, merge it with another class, or see whether it is a slip of the brush"
            found.append(_finding("class-rare", "warning", what, fix, name, evidence))
        elif share < _FEW_PIXELS:
            where = f"in {one.masks} of {counted(masks, 'mask', 'masks')}"
            what = f"The class {name} covers {share:.3%} of the pixels, {where}."
            fix = "train on tiles, which are drawn more often where rare classes are, and with a loss such as dice"
            found.append(_finding("class-rare", "note", what, fix, name, evidence))
    return found


def _finding(kind: str, level: Level, what: str, fix: str, name: str, evidence: dict[str, object]) -> Finding:
    return Finding(kind, level, None, what, "", fix, {"class": name, **evidence})
