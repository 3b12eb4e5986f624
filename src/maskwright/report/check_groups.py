"""Findings of a check, gathered by kind for a reader: what each kind means, how many pictures it touches.

Knows findings as JSON values only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maskwright.data.names import shown

DRAWN = 12  # findings of a kind that are shown with pictures
LISTED = 300  # findings of a kind that are named beside them
_LEVELS = ("error", "warning", "note")

Content = Mapping[str, Any]


@dataclass(frozen=True)
class KindGroup:
    """The findings of one kind, worst first.

    level: of the worst. touched: how many pictures or files they are about. fix: what all of them advise, "" where they
    differ. shown: (number among all findings, finding) of those with pictures of their own.
    listed: the next ones in one line each. more: how many are in neither.
    """

    kind: str
    level: str
    meaning: str
    touched: int
    fix: str
    shown: tuple[tuple[int, Content], ...]
    listed: tuple[str, ...]
    more: int


def group(findings: Sequence[Content], meanings: Mapping[str, str]) -> list[KindGroup]:
    """Return the groups, worst first, in the order given otherwise. meanings: kind -> what it means."""
    numbers: dict[str, list[int]] = {}
    for number, finding in enumerate(findings):
        numbers.setdefault(finding["kind"], []).append(number)
    groups = [_group(kind, [(n, findings[n]) for n in at], meanings.get(kind, "")) for kind, at in numbers.items()]
    return sorted(groups, key=lambda one: _LEVELS.index(one.level))


def _group(kind: str, found: list[tuple[int, Content]], meaning: str) -> KindGroup:
    found.sort(key=lambda pair: _LEVELS.index(pair[1]["level"]))
    about = sum(touched(finding["sample"], finding["evidence"]) for _, finding in found)
    fixes = {finding["fix"] for _, finding in found}
    listed = found[DRAWN : DRAWN + LISTED]
    return KindGroup(
        kind, found[0][1]["level"], meaning, about,
        fixes.pop() if len(fixes) == 1 else "", tuple(found[:DRAWN]), tuple(_line(finding) for _, finding in listed),
        len(found) - DRAWN - len(listed) if len(found) > DRAWN else 0,
    )  # fmt: skip


def touched(sample: str | None, evidence: Mapping[str, Any]) -> int:
    """Return how many pictures or files a finding is about, at least one: a family's members, a set's count."""
    count, samples = evidence.get("count"), evidence.get("samples")
    if isinstance(count, int) and (sample is None or samples):
        return max(1, count)
    return max(1, len(samples)) if isinstance(samples, list | tuple) else 1


def _line(finding: Content) -> str:
    name = finding["sample"] or finding["where"]
    return f"{shown(name, 100)}: {shown(finding['what'], 160)}" if name else shown(finding["what"], 260)


def count_levels(findings: Sequence[Content]) -> dict[str, int]:
    """Return level -> how many findings, all three levels."""
    return {level: sum(finding["level"] == level for finding in findings) for level in _LEVELS}
