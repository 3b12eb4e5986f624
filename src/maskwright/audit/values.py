"""Findings about the values in mask files: lossy formats, stray values, two scales in one set, classes swapped."""

from collections.abc import Iterable, Sequence

import numpy as np

from maskwright.audit.facts import MaskFacts
from maskwright.audit.findings import LISTED, Finding, Many, together
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown, some
from maskwright.images.classes import IGNORE

_RINGING = 0.8  # of the pixels that are neither of the two values: so many near the two come from a lossy format
_LEAST_RINGING = 20  # pixels
_STRAY = 3  # this close to one of the two values it is a slip, no border
_FRAME_USUAL, _FRAME_SWAPPED = 0.35, 0.9  # foreground along the frame: in most masks, and in one with classes swapped
_SELDOM = 0.25  # of the masks: where fewer hold the value that a guess ignores, it may be a slip
_LEAST_INSIDE = 0.02  # of the mask: a background smaller than this is no swapped object


def value_findings(dataset: Dataset, masks: Sequence[MaskFacts]) -> list[Finding]:
    """Return masks that a lossy format has changed, that mix scales, or that swap foreground and background."""
    lossy, stray = Many(), Many()
    for name, mask in zip(dataset.columns.ids, masks, strict=True):
        if is_lossy(mask):
            lossy.append(_lossy(name, mask))
        elif values := stray_values(mask):
            stray.append(_stray(name, mask, values))
    return [
        *together(lossy, len(dataset), "{count} masks went through a lossy format, which changes values near borders"),
        *together(stray, len(dataset), "{count} masks hold values close to, but not, those of their two classes"),
        *_two_scales(dataset, masks),
        *_seldom_ignored(dataset, masks),
        *_swapped(dataset, masks),
    ]


def is_lossy(mask: MaskFacts) -> bool:
    """Whether a lossy format has changed the mask's values: by its file's format, or by what JPEG leaves at borders."""
    formats = {info.format for info in mask.infos}
    if formats & {"JPEG", "MPO"}:
        return True
    if "WEBP" in formats and (mask.soft or mask.unknown):
        return True
    drawing = mask.drawing
    if drawing is None or not mask.soft or len(drawing.values or {}) < 8:
        return False
    return drawing.ringing >= max(_LEAST_RINGING, _RINGING * mask.soft)


def stray_values(mask: MaskFacts) -> dict[int, int]:
    """Return values a little off the two of a mask of two classes -> pixels; none where it has blurred borders."""
    if mask.drawing is None or not mask.drawing.values or not mask.soft:
        return {}
    values = mask.drawing.values
    low, high = min(values), max(max(values), 255 if max(values) >= 255 - _STRAY else 0)
    off = {value: pixels for value, pixels in values.items() if value not in (low, high)}
    near = {value: pixels for value, pixels in off.items() if value - low <= _STRAY or high - value <= _STRAY}
    return near if len(near) == len(off) else {}


def _lossy(name: str, mask: MaskFacts) -> Finding:
    kind = next((info.format for info in mask.infos if info.format in ("JPEG", "MPO", "WEBP")), "")
    said = f"is a {'JPEG' if kind == 'MPO' else kind}" if kind else "was a JPEG once, by the values around its borders"
    evidence = {"format": kind or mask.infos[0].format, "pixels": mask.soft}
    return Finding(
        "mask-lossy", "warning", name, f"The mask {said}, which changes values near borders.", _where(mask),
        "save masks as PNG from their source, if it still exists", evidence,
    )  # fmt: skip


def _stray(name: str, mask: MaskFacts, values: dict[int, int]) -> Finding:
    pixels = sum(values.values())
    listed = ", ".join(str(value) for value in sorted(values))
    many = f"{pixels} pixel{'s' if pixels != 1 else ''}"
    what = f"The mask holds {listed} in {many}, close to a class's value; it is read as that."
    fix = "nothing to do; to be exact, save the mask with its two values only"
    evidence = {"values": {str(value): count for value, count in sorted(values.items())}}
    return Finding("mask-values", "note", name, what, _where(mask), fix, evidence)


def _two_scales(dataset: Dataset, masks: Iterable[MaskFacts]) -> list[Finding]:
    """Return one finding where some masks are 0/1 and others 0/255."""
    if dataset.encoding.kind != "binary" or not {1, 255} <= {raw for raw, _ in dataset.encoding.table}:
        return []
    small, large = [], []
    for name, mask in zip(dataset.columns.ids, masks, strict=True):
        values = {} if mask.drawing is None else mask.drawing.values or {}
        if 1 in values:
            small.append(name)
        elif 255 in values:
            large.append(name)
    if not small or not large:
        return []
    fewer, said = (small, "0/1") if len(small) <= len(large) else (large, "0/255")
    what = (
        f"{len(small)} masks are written 0/1 and {len(large)} 0/255; 1 and 255 are both read as foreground. "
        f"Those written {said}: {some(fewer)}."
    )
    fix = "nothing to do here; other programs want one scale: maskwright check --fix -o CLEAN writes one"
    evidence = {"count": len(fewer), "samples": fewer[:LISTED], "values": [0, 1, 255]}
    return [Finding("mask-values", "note", None, what, "", fix, evidence)]


def _seldom_ignored(dataset: Dataset, masks: Sequence[MaskFacts]) -> list[Finding]:
    """Return masks that hold a value which is ignored by a guess, where most others do not hold it."""
    if not dataset.ignore_guessed:
        return []
    value = next(raw for raw, label in dataset.encoding.table if label == IGNORE)
    found = Many()
    for name, mask in zip(dataset.columns.ids, masks, strict=True):
        pixels = (mask.counts or {}).get(IGNORE, 0)
        if pixels:
            share = f"{pixels / (mask.height * mask.width):.2%}"
            what = f"The mask holds {value} in {share} of its pixels, which are ignored; most other masks do not."
            fix = f"correct the mask if {value} is a slip; if it means 'does not count', state ignore: {value}"
            found.append(Finding("mask-values", "warning", name, what, _where(mask), fix,
                                 {"values": {str(value): pixels}}))  # fmt: skip
    return found.singly() if len(found) < _SELDOM * len(masks) else []


def _swapped(dataset: Dataset, masks: Iterable[MaskFacts]) -> list[Finding]:
    """Return masks whose foreground lies along the frame, where in most others it is the background that does."""
    if not dataset.classes.binary:
        return []
    found, frames = Many(), []
    for name, mask in zip(dataset.columns.ids, masks, strict=True):
        margins = None if mask.drawing is None else mask.drawing.margins
        if margins is None:
            continue
        frames.append(margins.foreground)
        counts = mask.counts or {}
        known = sum(pixels for label, pixels in counts.items() if label != IGNORE)
        if margins.foreground >= _FRAME_SWAPPED and counts.get(0, 0) >= _LEAST_INSIDE * known:
            share = round(counts.get(1, 0) / known, 4)
            found.append(_swap(name, mask, dataset.classes.names, {"frame": margins.foreground, "share": share}))
    if len(frames) < 4 or float(np.quantile(frames, 0.8)) > _FRAME_USUAL:
        return []
    return found.singly()


def _swap(name: str, mask: MaskFacts, names: Sequence[str], evidence: dict[str, float]) -> Finding:
    what = (
        f"{names[0]} and {names[1]} seem to be swapped: in this mask {names[1]} lies all along the picture's border, "
        f"where nearly all others show {names[0]}."
    )
    fix = "look at the picture; if the mask is inverted, swap its two values"
    return Finding("mask-values", "warning", name, what, _where(mask), fix, dict(evidence))


def _where(mask: MaskFacts) -> str:
    return shown(str(mask.paths[0]), 500)
