"""Of everything that was found, the few things to do first. Knows findings only, nothing of files or commands."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maskwright.audit.findings import KINDS, LEVELS, Finding, Level

# What a mended copy puts right of itself: `maskwright check DATA --fix -o CLEAN`.
MENDABLE = frozenset(
    {"wrong-extension", "multi-frame", "exif-rotated", "exif-conflict", "mixed-modes", "size-mismatch",
     "mask-antialiased", "mask-lossy", "duplicate"}
)  # fmt: skip

_FIRST = "split-leak"  # of its level: it spoils every score, however few pictures leak


@dataclass(frozen=True)
class Advice:
    """One thing to do. action: the fix in words. kinds: what it puts right; pictures: how many these touch."""

    action: str
    level: Level
    kinds: tuple[str, ...]
    pictures: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"action": self.action, "level": self.level, "kinds": list(self.kinds), "pictures": self.pictures}


def touched(evidence: Mapping[str, Any]) -> int:
    """Return how many pictures or files a finding with this evidence is about, at least one."""
    count, samples = evidence.get("count"), evidence.get("samples")
    if isinstance(count, int):
        return max(1, count)
    return max(1, len(samples)) if isinstance(samples, (list, tuple)) else 1


def things_to_do(findings: Iterable[Finding], number: int = 3) -> tuple[Advice, ...]:
    """Return the fixes that matter most: errors first, then warnings; the more pictures the earlier, a leak first.

    Findings of one kind and level are one thing to do, told by the fix that most of them have. Notes need nothing.
    """
    groups: dict[tuple[Level, str], list[Finding]] = {}
    for finding in findings:
        if finding.level != "note" and finding.fix:
            groups.setdefault((finding.level, finding.kind), []).append(finding)
    advice = [_advice(level, kind, same) for (level, kind), same in groups.items()]
    return tuple(sorted(_joined(advice), key=_rank)[:number])


def _advice(level: Level, kind: str, same: Sequence[Finding]) -> Advice:
    fixes: Counter[str] = Counter()
    for finding in same:
        fixes[finding.fix] += touched(finding.evidence)
    return Advice(fixes.most_common(1)[0][0], level, (kind,), sum(fixes.values()))


def _joined(advice: Sequence[Advice]) -> list[Advice]:
    """Return the same with equal actions made one, at the worst level that any of them has."""
    actions: dict[str, Advice] = {}
    for one in sorted(advice, key=_rank):
        before = actions.get(one.action)
        if before is not None:
            kinds = tuple(dict.fromkeys((*before.kinds, *one.kinds)))
            one = Advice(one.action, before.level, kinds, before.pictures + one.pictures)
        actions[one.action] = one
    return list(actions.values())


def _rank(advice: Advice) -> tuple[int, bool, int, int]:
    first = advice.kinds[0]
    return LEVELS.index(advice.level), first != _FIRST, -advice.pictures, list(KINDS).index(first)
