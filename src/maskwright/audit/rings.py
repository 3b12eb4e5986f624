"""Findings about unlabelled margins: masks that leave a strip along the frame empty though objects reach into it."""

from collections import Counter
from collections.abc import Iterable, Sequence

from maskwright.audit.facts import MaskFacts
from maskwright.audit.findings import Finding, Many, together
from maskwright.audit.margins import Margins
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown

_LEAST_CUT = 0.03  # of the mask's longer side: a shorter straight end proves nothing
_LEAST_PIXELS = 8
_SIDES = ("top", "left", "bottom", "right")


def ring_findings(dataset: Dataset, masks: Iterable[MaskFacts]) -> list[Finding]:
    """Return masks with a margin that objects are cut at, or an ignored ring; one finding if nearly all have it."""
    found = Many()
    for name, mask in zip(dataset.columns.ids, masks, strict=True):
        margins = None if mask.drawing is None else mask.drawing.margins
        if margins is None:
            continue
        if all(margins.ignored):
            found.append(_ring(name, mask, margins.ignored, "ignored"))
        elif (cut := _cut_sides(mask, margins)) and _is_frame(margins, cut):
            widths = tuple(width if side in cut else 0 for side, width in enumerate(margins.widths))
            found.append(_ring(name, mask, widths, "without foreground, and objects end straight at it"))
    what = "{count} masks leave a margin along the picture's border unlabelled"
    return together(found, len(dataset), what)


def _cut_sides(mask: MaskFacts, margins: Margins) -> list[int]:
    """Return the sides (0 to 3) at which objects end as if cut with a ruler, a little before the frame."""
    least = max(_LEAST_PIXELS, _LEAST_CUT * max(mask.height, mask.width))
    return [side for side in range(4) if margins.widths[side] and margins.cut[side] >= least]


def _is_frame(margins: Margins, cut: Sequence[int]) -> bool:
    """Whether two sides or more have the same margin, to within a pixel: an object with a straight side has not."""
    widths = Counter(margins.widths[side] for side in cut)
    usual = widths.most_common(1)[0][0]
    return len(cut) >= 2 and sum(abs(margins.widths[side] - usual) <= 1 for side in cut) >= 2


def _ring(name: str, mask: MaskFacts, widths: Sequence[int], how: str) -> Finding:
    sides = ", ".join(f"{width} at the {side}" for side, width in zip(_SIDES, widths, strict=True) if width)
    what = f"The mask has a margin along the picture's border that is {how} (pixels: {sides})."
    top, left, bottom, right = widths
    evidence = {"widths": list(widths), "box": [top, left, mask.height - bottom, mask.width - right]}
    fix = "draw the masks up to the border, or crop pictures and masks by as much"
    return Finding("border-ring", "note", name, what, shown(str(mask.paths[0]), 500), fix, evidence)
