"""Masks that fit their picture better when they are shifted or turned: decided with the set itself as the yardstick.

How far the best shifts of a set scatter says how exactly its outlines are drawn; only a pair that stands out is named.
A picture whose EXIF entry turns it, while its mask fits it as it is stored, is told apart (`exif-conflict`).
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.agreement import TURNS, Agreement
from maskwright.audit.facts import MaskFacts, PictureFacts, fits_as_stored
from maskwright.audit.findings import Finding, Level, Many
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown

_TURNS = tuple(TURNS)
_SAMPLE = 20_000  # pairs that make the yardstick
_FEW = 8  # pairs: fewer say little about the set
_SCATTER = 3.5  # times the set's scatter: a shift must be larger
_LEAST = 0.018  # of the longer side: a smaller shift is not reported
_LEAST_SCATTER, _FEW_SCATTER = 0.0025, 0.004
_TOGETHER = 1.7  # measures err together: their mean scatters so many times more than if they did not
_ALIKE = 0.008  # measures that differ by more, and by more than three scatters, do not confirm each other
_BETTER = 0.08  # of the set's usual agreement of colours: a mask that was moved back gains more
_PEAK = 2.0  # a highest place that stands out less from far shifts means nothing
_EDGES, _COLOURS = 0.02, 0.05  # how much better edges and colours agree with a turned mask that is reported
_CLEAR = 5.0  # times as much leaves no doubt
_RIGHT = 0.6  # where fewer masks fit best as they are, outlines have nothing to do with these pictures' edges
_SEEN = 0.42  # and so where edges agree less than this with the median mask; by chance it is 0.35
_CHANCE = 0.45  # edges and colours that both agree less with the median mask have nothing to do with it
_WHOLE = 0.8  # where so many agree it is the set that is shifted or turned
_TURNED, _QUARTER = 1.5, 2.5  # times as much is wanted of a turn; a quarter's turn is rarer than a chance agreement
_CLEARER = 3.0  # times as much is wanted of a turned mask where the whole set is shifted: edges then agree by chance
_FIX = (
    "look at the overlay; if the outline lies beside the object or the wrong way round, move or turn the mask as said, "
    "or draw it again"
)


@dataclass(frozen=True)
class _Yardstick:
    """What is usual in a set. colours: how well they agree. center, scatter: (measures, 2), of the best shifts.

    right: masks fit best as they are. seen: outlines follow edges clearly enough to tell how a mask lies.
    edges: how well they do in the median.
    turned: nearly all masks fit best after this turn, "" if not so.
    shifted: nearly all masks fit best after this shift (rows, columns), in shares; None if not so.
    """

    count: int
    colours: float
    center: NDArray[np.float64]
    scatter: NDArray[np.float64]
    right: bool
    seen: bool
    edges: float
    turned: str
    shifted: NDArray[np.float64] | None


def shift_findings(
    dataset: Dataset,
    pictures: Sequence[PictureFacts],
    masks: Sequence[MaskFacts],
    *,
    without: frozenset[str] = frozenset(),
) -> list[Finding]:
    """Return what the whole set has, masks that fit their picture only as stored (EXIF), and those that stand out.

    without: ids of pairs that are not called shifted or turned, since they have an error that explains it.
    """
    measured = _yardstick(_agreements(dataset.columns.ids, pictures, masks, without))
    usual = measured if measured is not None and measured.seen else None
    names, conflicts = dataset.columns.ids, Many()
    rows, gains = array("q"), array("d")  # of masks that stand out: there may be many, and only the first are told

    def single(row: int) -> Finding | None:
        agrees = _agreement(masks[row])
        if usual is None or agrees is None:
            return None
        turned = _turned(names[row], masks[row], agrees, usual)
        return turned or _shifted(names[row], pictures[row], masks[row], agrees, usual)

    for row, (name, picture, mask) in enumerate(zip(names, pictures, masks, strict=True)):
        conflict = _conflict(name, picture, mask, usual)
        if conflict is not None:
            conflicts.append(conflict)
        elif name not in without and (finding := single(row)) is not None:
            rows.append(row)
            gains.append(finding.evidence["gain"])
    order = np.argsort(-np.array(gains), kind="stable")
    moved = Many(found for at in order if (found := single(rows[at])) is not None)
    return [*_unrelated(measured), *_whole_set(usual, len(moved)), *conflicts.singly(), *moved.singly()]


def _agreement(mask: MaskFacts) -> Agreement | None:
    return None if mask.drawing is None else mask.drawing.agreement


def _agreements(
    names: Sequence[str], pictures: Sequence[PictureFacts], masks: Sequence[MaskFacts], without: frozenset[str]
) -> Iterator[Agreement]:
    """Yield what makes the yardstick: pairs whose sizes are not at fault."""
    for row in range(0, len(masks), max(1, len(masks) // _SAMPLE)):
        mask, info = masks[row], pictures[row].info
        agrees = _agreement(mask)
        if agrees is not None and names[row] not in without and not (info and fits_as_stored(info, mask)):
            yield agrees


def _yardstick(agreements: Iterable[Agreement]) -> _Yardstick | None:
    """Measure the set; None where no mask has an outline."""
    shifts, turns, edges, colours = [], [], [], []
    for agrees in agreements:
        shifts.append([row[:2] for row in agrees.shifts])
        turns.append(_best_turn(agrees))
        edges.append(max(along for along, _ in agrees.turns))
        colours.append(max(apart for _, apart in agrees.turns))
    if not shifts:
        return None
    best, count = np.array(shifts), len(shifts)
    center = np.median(best, axis=0)
    scatter = np.maximum(_LEAST_SCATTER, 1.4826 * np.median(np.abs(best - center), axis=0))
    if count < _FEW:
        center, scatter = np.zeros_like(center), np.maximum(scatter, _FEW_SCATTER)
    shares = {turn: turns.count(turn) / count for turn in set(turns)}
    common = max(shares, key=lambda turn: shares[turn])
    turned = common if shares[common] >= _WHOLE and count >= _FEW else ""
    right = shares.get("", 0.0) >= _RIGHT
    along = float(np.median(edges))
    seen = (right or bool(turned)) and along >= _SEEN
    shifted = None if turned or count < _FEW else _common_shift(center, scatter)
    return _Yardstick(count, float(np.median(colours)), center, scatter, right, seen, along, turned, shifted)


def _common_shift(center: NDArray[np.float64], scatter: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the shift (rows, columns) that all measures find in the whole set, None where there is none."""
    shift: NDArray[np.float64] = np.median(center, axis=0)
    alike = np.abs(center - shift).max() <= _ALIKE
    return shift if alike and np.hypot(*shift) >= max(_LEAST, 2 * float(scatter.max())) else None


# --- turned ---------------------------------------------------------------------------------------------------------


def _best_turn(agrees: Agreement) -> str:
    """Return the turn of the mask that agrees best, "" if it is none."""
    totals = [edges / _EDGES + colours / _COLOURS for edges, colours in agrees.turns]
    return _TURNS[int(np.argmax(totals))]


def _gains(agrees: Agreement, turn: str) -> tuple[float, float]:
    """Return how much better edges and colours agree with the turned mask, each 1 where it is just worth reporting."""
    here, there = agrees.turns[0], agrees.turns[_TURNS.index(turn)]
    return (there[0] - here[0]) / _EDGES, (there[1] - here[1]) / _COLOURS


def _turned(name: str, mask: MaskFacts, agrees: Agreement, usual: _Yardstick) -> Finding | None:
    turn = _best_turn(agrees)
    if not turn or not usual.right:
        return None
    gains = _gains(agrees, turn)
    wanted = _CLEARER if usual.shifted is not None else _QUARTER if TURNS[turn].transposed else _TURNED
    if min(gains) < wanted:
        return None
    evidence = {"shift": [0, 0], "turn": turn, "gain": round(min(gains), 1)}
    what = f"The mask fits the edges and colours of the picture better when it is {turn}."
    return Finding("mask-shifted", "warning", name, what, _where(mask), _FIX, evidence)


def _conflict(name: str, picture: PictureFacts, mask: MaskFacts, usual: _Yardstick | None) -> Finding | None:
    """Return the finding for a mask that fits its picture as it is stored, not as EXIF turns it."""
    info = picture.info
    if info is None or info.orientation == 1 or not mask.height:
        return None
    turn = _TURNS[info.orientation - 1]
    if fits_as_stored(info, mask):
        return _as_stored(name, mask, info.orientation, "error", {"turn": turn, "gain": None})
    if TURNS[turn].transposed and info.height != info.width:
        return None
    agrees = _agreement(mask)
    if agrees is None or usual is None or len(agrees.turns) < info.orientation or usual.turned:
        return None
    gains = _gains(agrees, turn)
    if min(gains) < 1 or _best_turn(agrees) != turn:
        return None
    level: Level = "error" if min(gains) >= _CLEAR and usual.right else "warning"
    return _as_stored(name, mask, info.orientation, level, {"turn": turn, "gain": round(min(gains), 1)})


def _as_stored(name: str, mask: MaskFacts, orientation: int, level: Level, evidence: dict[str, object]) -> Finding:
    what = (
        f"The picture's EXIF entry (orientation {orientation}) turns it upright, but the mask fits the picture as it "
        "is stored, not turned."
    )
    fix = f"save the mask {evidence['turn']}, or remove the orientation from the picture if it is wrong"
    evidence = {"orientation": orientation, "shift": [0, 0], **evidence}
    return Finding("exif-conflict", level, name, what, _where(mask), fix, evidence)


# --- shifted --------------------------------------------------------------------------------------------------------


def _shifted(name: str, picture: PictureFacts, mask: MaskFacts, agrees: Agreement, usual: _Yardstick) -> Finding | None:
    found = np.array(agrees.shifts)
    moved = _agreed_shift(found, usual)
    if moved is None or agrees.moved[0] <= 0 or agrees.moved[1] < _BETTER * usual.colours:
        return None
    rows, columns = (round(float(share) * side) for share, side in zip(moved, _sides(picture, mask), strict=True))
    gain = round(float(found[:, 2].mean()), 3)
    evidence = {"shift": [rows, columns], "turn": "", "gain": gain}
    what = f"The mask fits the edges and colours of the picture better when it is moved {_words(rows, columns)}."
    return Finding("mask-shifted", "warning", name, what, _where(mask), _FIX, evidence)


def _sides(picture: PictureFacts, mask: MaskFacts) -> tuple[float, float]:
    """Return the picture's longer side in rows and in columns of the mask, which may be stretched."""
    if picture.info is None:
        raise ValueError("a picture that its mask was compared with has been read")
    longer = max(picture.info.height, picture.info.width)
    return longer / picture.info.height * mask.height, longer / picture.info.width * mask.width


def _agreed_shift(found: NDArray[np.float64], usual: _Yardstick) -> NDArray[np.float64] | None:
    """Return the shift (rows, columns) that all measures agree on, in shares, if it stands out from the set's."""
    off = found[:, :2] - usual.center
    weights = 1 / usual.scatter**2
    mean = (off * weights).sum(axis=0) / weights.sum(axis=0)
    scatter = np.maximum(_TOGETHER / np.sqrt(weights.sum(axis=0)), usual.scatter.min(axis=0))
    limit = np.maximum(_LEAST, _SCATTER * scatter)
    far = np.hypot(*(mean / limit)) > 1 and np.hypot(*mean) > _LEAST
    alike = (np.abs(off - mean) <= np.maximum(_ALIKE, 3 * usual.scatter)).all()
    if not (far and alike and found[:, 3].max() > _PEAK):
        return None
    moved: NDArray[np.float64] = mean + (usual.center * weights).sum(axis=0) / weights.sum(axis=0)
    return moved


def _words(rows: int, columns: int) -> str:
    steps = []
    if rows:
        steps.append(f"{abs(rows)} pixel{'s' if abs(rows) != 1 else ''} {'down' if rows > 0 else 'up'}")
    if columns:
        steps.append(
            f"{abs(columns)} pixel{'s' if abs(columns) != 1 else ''} to the {'right' if columns > 0 else 'left'}"
        )
    return " and ".join(steps) or "by less than a pixel"


def _unrelated(measured: _Yardstick | None) -> list[Finding]:
    """Return one finding where outlines follow neither edges nor colours of the pictures, as of other pictures."""
    if measured is None or measured.count < _FEW or max(measured.edges, measured.colours) >= _CHANCE:
        return []
    what = (
        "The outlines of hardly any mask follow the edges or the colours of its picture: the masks may belong to other "
        "pictures."
    )
    fix = "look at some overlays (maskwright show DATA); state the right pairs in a pairs.csv if they do"
    evidence = {"count": measured.count, "samples": [], "edges": round(measured.edges, 3),
                "colours": round(measured.colours, 3)}  # fmt: skip
    return [Finding("mask-shifted", "warning", None, what, "", fix, evidence)]


def _whole_set(usual: _Yardstick | None, single: int) -> list[Finding]:
    """Return what nearly all masks of the set have in common: a turn, or a shift. single: masks told by themselves."""
    if usual is None:
        return []
    evidence: dict[str, object] = {"count": max(1, usual.count - single), "samples": []}
    if usual.turned:
        what = f"Nearly all masks fit the edges and colours of their pictures better when they are {usual.turned}."
        evidence |= {"shift": [0, 0], "turn": usual.turned}
        fix = f"look at some overlays; if the masks are indeed the wrong way round, save them {usual.turned}"
        return [Finding("mask-shifted", "warning", None, what, "", fix, evidence)]
    shift = usual.shifted
    if shift is None:
        return []
    rows, columns = (f"{abs(share):.1%}" for share in shift)
    what = (
        "Nearly all masks fit their pictures better when they are moved by "
        f"{rows} of the longer side {'down' if shift[0] > 0 else 'up'} and {columns} to the "
        f"{'right' if shift[1] > 0 else 'left'}."
    )
    evidence |= {"shift_share": [round(float(s), 4) for s in shift], "turn": ""}
    fix = "look at some overlays; a common shift comes from cropping or resizing pictures and masks differently"
    return [Finding("mask-shifted", "warning", None, what, "", fix, evidence)]


def _where(mask: MaskFacts) -> str:
    return shown(str(mask.paths[0]), 500)
