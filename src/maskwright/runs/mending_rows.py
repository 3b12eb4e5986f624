"""What is to be done with each pair of a checked set: decided from what the check saw, before anything is read again.

Decides for the safe way: what cannot be put right without a guess is left out, and the reason is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from maskwright.audit.check import CheckReport
from maskwright.audit.facts import MaskFacts, PairFacts, PictureFacts, fits_as_stored
from maskwright.audit.findings import Finding
from maskwright.data.dataset import Columns
from maskwright.data.names import shown
from maskwright.images.formats import ImageInfo

FAMILIES = ("duplicate", "near-duplicate", "label-conflict", "split-leak")
_SIZES = ("size-mismatch", "aspect-mismatch")
_PARTS = ("test", "val", "train", "")  # of relatives, those in the first of these stay
Size = tuple[int, int]


@dataclass(frozen=True)
class Reason:
    """Why a pair is left out. kind: of the finding. found: what is wrong. why: this is no case for mending."""

    kind: str
    found: str
    why: str


@dataclass(frozen=True)
class Treatment:
    """What one pair needs.

    turn: "upright" as EXIF says, or "stored" where picture and mask agree without the turn. opaque: transparency is
    dropped. first: of several frames. resize: (height, width) that its mask gets.
    """

    turn: Literal["", "upright", "stored"] = ""
    opaque: bool = False
    first: bool = False
    resize: Size | None = None

    @property
    def rewrites(self) -> bool:
        """Whether the picture's file cannot stay as it is."""
        return bool(self.turn) or self.opaque or self.first


@dataclass(frozen=True)
class Decision:
    """treatments: of the rows that are kept, ascending. left: why the others are not."""

    treatments: Mapping[int, Treatment]
    left: Mapping[int, Reason]


def decide(report: CheckReport, columns: Columns, *, leave_out_duplicates: bool) -> Decision:
    """Decide for each row of a report that still holds what it saw."""
    rows = {name: row for row, name in enumerate(columns.ids)}
    faults = _faults(report.findings, rows)
    habit = _habit(report)
    kept: dict[int, Treatment] = {}
    left = dict(family_reasons(report.errors, columns))
    for row, pair in enumerate(report.facts):
        decided = _decide_one(pair, faults.get(row, []), habit, report.bands)
        if row in left:
            continue
        if isinstance(decided, Reason):
            left[row] = decided
        else:
            kept[row] = decided
    if leave_out_duplicates:
        left |= _spare(report.facts, columns, kept)
    left |= _orphans(columns, left)
    return Decision({row: kept[row] for row in sorted(kept) if row not in left}, left)


# --- findings, row by row -------------------------------------------------------------------------------------------


def _faults(findings: Iterable[Finding], rows: Mapping[str, int]) -> dict[int, list[Finding]]:
    """Return the errors of single pictures, by row."""
    found: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.level != "error" or finding.kind in (*FAMILIES, "ambiguous-pair"):
            continue
        names = [finding.sample] if finding.sample is not None else finding.evidence.get("samples", ())
        if finding.sample is None and finding.kind != "exif-conflict":
            continue  # of the whole set: nothing tells which of the pairs are right
        for name in names:
            if name in rows:
                found.setdefault(rows[name], []).append(finding)
    return found


def family_reasons(errors: Iterable[Finding], columns: Columns) -> dict[int, Reason]:
    """Return which relatives are left out because of errors: all that contradict each other, all but the test part's.

    A finding of the whole set leaves nothing out.
    """
    rows = {name: row for row, name in enumerate(columns.ids)}
    left: dict[int, Reason] = {}
    for finding in errors:
        if finding.sample is None:
            continue
        family = [rows[name] for name in finding.evidence.get("samples", ()) if name in rows]
        if finding.kind == "label-conflict":
            why = "nothing tells which of the masks is right, and several would teach a contradiction"
            left |= {row: Reason(finding.kind, finding.what, why) for row in family}
        elif finding.kind == "split-leak" and family:
            stays = min((columns.parts[row] for row in family), key=_PARTS.index)
            why = f"a relative of it is in the part {stays}, which keeps its pictures"
            torn = [row for row in family if columns.parts[row] not in ("", stays)]
            left |= {row: Reason(finding.kind, finding.what, why) for row in torn}
    return left


def _spare(facts: Iterable[PairFacts], columns: Columns, kept: Mapping[int, Treatment]) -> dict[int, Reason]:
    """Return all but one of each pair that is there several times, mask and all; the one in the test part stays."""
    same: dict[tuple[bytes, bytes], list[int]] = {}
    for row, pair in enumerate(facts):
        if row in kept and pair.picture.digest and not (columns.parents and columns.parents[row]):
            same.setdefault((pair.picture.digest, pair.mask.digest), []).append(row)
    left: dict[int, Reason] = {}
    for family in same.values():
        stays, *others = sorted(family, key=lambda row: (_PARTS.index(columns.parts[row]), row))
        found = f"{shown(columns.ids[stays])} is the same picture with the same mask."
        left |= {row: Reason("duplicate", found, f"{shown(columns.ids[stays])} is kept") for row in others}
    return left


def _orphans(columns: Columns, left: Mapping[int, Reason]) -> dict[int, Reason]:
    """Return copies of pictures that are left out: what is wrong with a picture is wrong with its copies."""
    if not columns.parents:
        return {}
    gone = {columns.images[row]: reason for row, reason in left.items()}
    return {
        row: Reason(gone[parent].kind, gone[parent].found, "its original is left out")
        for row, parent in enumerate(columns.parents)
        if parent in gone and row not in left
    }


# --- one pair -------------------------------------------------------------------------------------------------------


def _decide_one(pair: PairFacts, faults: Sequence[Finding], habit: str, bands: int) -> Treatment | Reason:
    picture, mask = pair.picture, pair.mask
    broken = _broken(picture, mask, faults, bands)
    if broken is not None:
        return broken
    info = picture.info
    if info is None:
        raise ValueError("a picture without a header has an error")
    told = info.orientation != 1 and any(finding.kind == "exif-conflict" for finding in faults)
    as_stored = told or fits_as_stored(info, mask)
    turn: Literal["", "upright", "stored"] = "stored" if as_stored else "upright" if info.orientation != 1 else ""
    size = _stored_size(info) if as_stored else (info.height, info.width)
    resize = _resized(size, (mask.height, mask.width), habit, faults)
    if isinstance(resize, Reason):
        return resize
    mended = (*_SIZES, *(("exif-conflict",) if as_stored else ()))
    others = [finding for finding in faults if finding.kind not in mended]
    if others:
        return Reason(others[0].kind, others[0].what, "this cannot be put right without looking at it")
    return Treatment(turn, info.has_alpha, info.frames > 1, resize)


def _broken(picture: PictureFacts, mask: MaskFacts, faults: Sequence[Finding], bands: int) -> Reason | None:
    """Return why a pair cannot be used at all."""
    kind = next((finding.kind for finding in faults), "unreadable")
    if picture.error is not None:
        return Reason(kind, picture.error.what, "the picture cannot be read")
    if not mask.paths:
        return Reason("image-without-mask", "The picture has no mask.", "a pair needs both")
    if mask.error is not None:
        return Reason(kind, mask.error.what, "the mask cannot be read as one of this set")
    if picture.info is not None and picture.info.bands != bands and not {picture.info.bands, bands} <= {1, 3}:
        found = f"The picture has {picture.info.bands} bands; the others have {bands}."
        return Reason("mixed-modes", found, "it cannot be read with the others")
    return None


def _stored_size(info: ImageInfo) -> Size:
    """Return the size that a picture has before its EXIF entry turns it."""
    return (info.width, info.height) if info.orientation >= 5 else (info.height, info.width)


def _resized(picture: Size, mask: Size, habit: str, faults: Sequence[Finding]) -> Size | Reason | None:
    """Return the size that a mask gets, None for its own, or why the pair is left out."""
    if picture == mask:
        return None
    fault = next((finding for finding in faults if finding.kind in _SIZES), None)
    if fault is None and habit:
        return picture if habit == "resize" else None
    if _whole_multiple(picture, mask) or _whole_multiple(mask, picture):
        return picture
    sizes = f"{picture[0]} x {picture[1]} and {mask[0]} x {mask[1]} (height x width)"
    found = fault.what if fault is not None else f"Picture and mask differ in size: {sizes}."
    why = "only what the whole set does, or a whole multiple, is resized; a stretched mask might fit nothing"
    return Reason(fault.kind if fault is not None else "size-mismatch", found, why)


def _whole_multiple(large: Size, small: Size) -> bool:
    """Whether both sides are the same number of times as long, apart from the pixel that rounding takes."""
    times = round(large[0] / small[0])
    off = (abs(one - times * other) for one, other in zip(large, small, strict=True))
    return times >= 1 and all(pixels <= max(1, times - 1) for pixels in off)


def _habit(report: CheckReport) -> str:
    """Return what is done where nearly every mask has another size: "resize", "keep" for stretched sets, or ""."""
    notes = {finding.kind for finding in report.findings if finding.kind in _SIZES and finding.level == "note"}
    if not notes:
        return ""
    if "aspect-mismatch" in notes:
        return "keep"
    alone = {finding.sample for finding in report.errors if finding.kind in _SIZES}
    ids = report.dataset.columns.ids if report.dataset is not None else ()
    usual = (pair for name, pair in zip(ids, report.facts, strict=True) if name not in alone)
    return "resize" if all(_alike(pair) for pair in usual) else "keep"


def _alike(pair: PairFacts) -> bool:
    """Whether a mask has its picture's shape to within a pixel."""
    info, mask = pair.picture.info, pair.mask
    if info is None or not mask.height:
        return True
    across = info.height * mask.width - info.width * mask.height
    return abs(across) <= max(info.height, info.width, mask.height, mask.width)
