"""What an audit finds, as values: each says what, where, and how to put it right.

Knows the kinds and their levels; knows nothing of how they are found.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
SINGLES = 1000  # findings of a kind and level that are told one by one
LISTED = 100  # ids that a finding about many pictures names

KINDS = {
    "unreadable": "a file that cannot be opened or is no picture",
    "truncated": "a picture that ends too early",
    "wrong-extension": "a file whose content is of another format than its name says",
    "multi-frame": "a file of several pictures, of which the first is used",
    "exif-rotated": "a picture that is turned upright as its EXIF entry says",
    "exif-conflict": "a mask that fits its picture only if the picture is not turned as its EXIF entry says",
    "mixed-modes": "grey among colour, transparency, or 16 bits among 8",
    "image-without-mask": "a picture without a mask",
    "mask-without-image": "a mask without a picture",
    "ambiguous-pair": "a picture that several masks fit, or a mask that several pictures fit",
    "stray-file": "a file that is not used",
    "size-mismatch": "a mask of another size, but the same shape, as its picture",
    "aspect-mismatch": "a mask of another shape than its picture",
    "mask-values": "a mask with values that are no class",
    "mask-antialiased": "a mask with blurred borders, which are cut at half",
    "mask-lossy": "a mask in a format that changes values",
    "mask-shifted": "a mask that fits its picture's edges better when it is shifted, flipped or turned",
    "mask-empty": "a mask without any foreground",
    "mask-constant": "a mask that holds one value throughout",
    "class-missing": "a class that no mask shows",
    "class-rare": "a class that few masks show",
    "tiny-objects": "objects that would vanish at the planned size",
    "border-ring": "unlabelled margins along the picture's border",
    "duplicate": "the same picture twice",
    "near-duplicate": "the same photograph again: resized, recompressed, cropped, brightened, mirrored",
    "label-conflict": "the same picture with different masks",
    "split-leak": "related pictures in different parts",
    "group-suggested": "pictures that seem to belong together",
    "suspect-label": "a mask that a model, which has not seen it, confidently disagrees with",
    "outlier-image": "a picture unlike all others",
}


@dataclass(frozen=True)
class Finding:
    """One finding. sample: a picture's id, None for the whole set. where: the file. evidence: figures, plain values."""

    kind: str
    level: Level
    sample: str | None
    what: str
    where: str
    fix: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kind": self.kind, "level": self.level, "sample": self.sample, "what": self.what, "where": self.where,
            "fix": self.fix, "evidence": dict(self.evidence),
        }  # fmt: skip


def counted(number: int, one: str, many: str) -> str:
    """Return such as "1 picture is" or "2 pictures are"."""
    return f"{number} {one if number == 1 else many}"


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings sorted by level, then kind, in their order otherwise."""
    kinds = {kind: i for i, kind in enumerate(KINDS)}
    return tuple(sorted(findings, key=lambda found: (LEVELS.index(found.level), kinds[found.kind])))


class Many:
    """Findings of one sort: the first SINGLES are kept; of the others only their number and a few ids."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self.first: list[Finding] = []
        self.samples: list[str | None] = []
        self.count = 0
        for finding in findings:
            self.append(finding)

    def __len__(self) -> int:
        """Return how many there were."""
        return self.count

    def append(self, finding: Finding) -> None:
        """Take one more; one that speaks of many others already stands for them."""
        if len(self.first) < SINGLES:
            self.count += 1
            self.first.append(finding)
            return
        self.count += finding.evidence.get("count", 1) if finding.sample is None else 1
        named = [finding.sample] if finding.sample is not None else finding.evidence.get("samples", ())
        self.samples += named[: LISTED - len(self.samples)]

    def singly(self) -> list[Finding]:
        """Return those kept, and one finding that speaks of all others."""
        more = self.count - len(self.first)
        if not more:
            return self.first
        last = self.first[-1]
        what = f"{counted(more, 'more finding', 'more findings')} of this kind: {KINDS[last.kind]}."
        return [*self.first, Finding(last.kind, last.level, None, what, "", last.fix,
                                     {"count": more, "samples": self.samples})]  # fmt: skip


def limited(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings; of one kind and level SINGLES at most, and one for the rest of them."""
    sorts: dict[tuple[str, Level], Many] = {}
    for finding in findings:
        sorts.setdefault((finding.kind, finding.level), Many()).append(finding)
    for many in sorts.values():
        yield from many.singly()


def together(findings: Sequence[Finding] | Many, total: int, what: str, *, share: float = 0.8) -> list[Finding]:
    """Return one finding for the whole set where nearly every picture has the same one, else them all.

    what: the sentence for the whole set, without its full stop; "{count}" stands for how many.
    """
    kept = findings.first if isinstance(findings, Many) else findings
    count = len(findings)
    if count < max(4, share * total) and count <= SINGLES:
        return list(kept)
    samples = [found.sample for found in kept[:LISTED]]
    evidence = {"count": count, "samples": samples, "first": dict(kept[0].evidence)}
    text = what.format(count=count)
    return [Finding(kept[0].kind, kept[0].level, None, f"{text}.", "", kept[0].fix, evidence)]
