"""Findings about objects that would vanish when pictures are made as small as the network sees them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from maskwright.audit.facts import MaskFacts
from maskwright.audit.findings import LISTED, Finding, Level, counted
from maskwright.data.dataset import Dataset

_VANISHED = 4.0  # pixels: an object of fewer is lost in resizing, or nearly
_MANY = 0.05  # of a class's objects
_SPECKS = 0.005  # of a class's area: what covers less is specks beside its objects


@dataclass
class _Count:
    """Objects of one class. smallest: pixels at the planned size, and of which mask. area, lost: in such pixels."""

    objects: int = 0
    vanish: int = 0
    area: float = 0.0
    lost: float = 0.0
    smallest: float = float("inf")
    where: str = ""
    samples: list[str] = field(default_factory=list)


def tiny_findings(dataset: Dataset, masks: Iterable[MaskFacts], size: tuple[int, int] | None) -> list[Finding]:
    """Return for each class how many of its objects would have fewer than 4 pixels at `size` (height, width).

    A warning where that loses more than one object in twenty, unless those are specks beside much larger objects.

    size: of the network's input for a whole picture; None where none is planned, and then nothing is found.
    """
    if size is None:
        return []
    counts: dict[int, _Count] = {}
    for name, mask in zip(dataset.columns.ids, masks, strict=True):
        if mask.drawing is None or not mask.drawing.objects:
            continue
        scale = min(1.0, size[0] * size[1] / (mask.height * mask.width))
        for label, sizes in mask.drawing.objects.items():
            count = counts.setdefault(label, _Count())
            vanish = sizes.count_below(_VANISHED / scale) if scale < 1 else 0
            count.objects += sizes.count
            count.vanish += vanish
            count.area += sizes.area * scale
            count.lost += sizes.area_below(_VANISHED / scale) * scale if vanish else 0.0
            if vanish and len(count.samples) < LISTED:
                count.samples.append(name)
            if sizes.smallest * scale < count.smallest:
                count.smallest, count.where = sizes.smallest * scale, name
    return [_finding(dataset, label, count, size) for label, count in sorted(counts.items()) if count.vanish]


def _finding(dataset: Dataset, label: int, count: _Count, size: tuple[int, int]) -> Finding:
    name = dataset.classes.names[label]
    specks = count.lost < _SPECKS * count.area
    level: Level = "warning" if count.vanish > _MANY * count.objects and not specks else "note"
    what = (
        f"{count.vanish} of {counted(count.objects, 'object', 'objects')} of the class {name} would vanish at the "
        f"planned size {size[0]} x {size[1]} (height x width), covering fewer than {_VANISHED:g} pixels; the "
        f"smallest, in {count.where}, would cover {count.smallest:.2g}."
    )
    fix = "train at a larger size, or on tiles (--mode tile); or remove specks that are no objects"
    evidence = {
        "class": name, "vanish": count.vanish, "objects": count.objects, "smallest": round(count.smallest, 3),
        "share": round(count.lost / count.area, 6), "size": list(size),
        "count": len(count.samples), "samples": count.samples,
    }  # fmt: skip
    return Finding("tiny-objects", level, None, what, "", fix, evidence)
