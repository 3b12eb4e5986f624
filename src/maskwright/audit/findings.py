"""What an audit finds, as values: each says what, where, and how to put it right.

Knows the kinds and their levels; knows nothing of how they are found.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")

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


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings sorted by level, then kind, in their order otherwise."""
    kinds = {kind: i for i, kind in enumerate(KINDS)}
    return tuple(sorted(findings, key=lambda found: (LEVELS.index(found.level), kinds[found.kind])))


def together(findings: Sequence[Finding], total: int, what: str, *, share: float = 0.8) -> list[Finding]:
    """Return one finding for the whole set where nearly every picture has the same one, else them all.

    what: the sentence for the whole set, without its full stop; "{count}" stands for how many.
    """
    if len(findings) < max(4, share * total) and len(findings) <= 1000:
        return list(findings)
    first = findings[0]
    samples = [found.sample for found in findings[:100]]
    evidence = {"count": len(findings), "samples": samples, "first": dict(first.evidence)}
    text = what.format(count=len(findings))
    return [Finding(first.kind, first.level, None, f"{text}.", "", first.fix, evidence)]
