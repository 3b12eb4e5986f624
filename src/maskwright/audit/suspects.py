"""Masks that a model confidently contradicts more than it usually contradicts the masks of this set.

Knows what models that have not seen a picture say to its mask (`disagreement.py`), and how much of that is typical of
them: a poor model, or a set whose borders are a matter of taste, has a high typical disagreement and accuses little.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskwright.audit.disagreement import Disagreement, Dispute
from maskwright.audit.findings import Finding
from maskwright.images.classes import Classes

REPORTED = 0.5  # score from which a mask is reported
FAR = 3.5  # spreads above the typical strength: score 0.5
LEAST_SPREAD = 0.005  # of a strength, in shares of the picture's side: what a pixel more or less makes
FEW = 12  # pictures: fewer say nothing of what is typical; then all models' pictures are taken together
PART_OF_NOTHING = 0.65  # weight of a dispute about a vanishing part of an object; about a whole one it is 1
LISTED = 20  # objects of one mask

_FAULTS = {
    "missing": "lacks", "cut-off": "lacks", "extra": "adds", "merged": "adds", "shifted": "slipped",
    "wrong-class": "confuses",
}  # fmt: skip
_FIX = "look at it and correct the mask; where the mask is right, keep it: the model is only a second opinion"
_SAYS = {
    "missing": "an object that the model sees is not in the mask",
    "extra": "the mask marks something that the model does not see",
    "merged": "the mask joins what the model sees apart",
    "cut-off": "an object goes on beyond its mask",
    "shifted": "the mask would fit if it were shifted",
    "wrong-class": "the mask says {labelled}, the model {seen}",
}


@dataclass(frozen=True)
class Opinion:
    """What a model that has not seen a picture says to its mask.

    sample: the picture's id. where: the mask's file. model: what it is called; models of one name are peers.
    """

    sample: str
    where: str
    model: str
    said: Disagreement


@dataclass(frozen=True)
class Suspicion:
    """How suspect a mask is, 0 to 1, and so each of its disputes, most suspect first."""

    opinion: Opinion
    score: float
    disputes: tuple[tuple[Dispute, float], ...]


def rank(opinions: Sequence[Opinion]) -> tuple[Suspicion, ...]:
    """Score every mask against what is typical of its model, most suspect first."""
    peers: dict[str, list[Opinion]] = defaultdict(list)
    for opinion in opinions:
        peers[opinion.model].append(opinion)
    if min(map(len, peers.values()), default=FEW) < FEW:
        peers = {"": list(opinions)}
    ranked = [suspicion for group in peers.values() for suspicion in _judge(group)]
    return tuple(sorted(ranked, key=lambda one: (-one.score, one.opinion.said.overlap)))


def _judge(opinions: Sequence[Opinion]) -> list[Suspicion]:
    """Score the masks of peers, each kind of fault against what is typical of it."""
    usual = {fault: _usual(opinions, fault) for fault in set(_FAULTS.values())}
    judged = []
    for opinion in opinions:
        scored = [(one, _score(strength(one), *usual[_FAULTS[one.kind]])) for one in opinion.said.disputes]
        scored.sort(key=lambda pair: -pair[1])
        judged.append(Suspicion(opinion, scored[0][1] if scored else 0.0, tuple(scored)))
    return judged


def strength(dispute: Dispute) -> float:
    """Return how much a dispute weighs: its radius, by confidence, and less where it is a small part of an object."""
    return dispute.confidence * dispute.radius * (PART_OF_NOTHING + (1 - PART_OF_NOTHING) * dispute.part)


def _usual(opinions: Sequence[Opinion], fault: str) -> tuple[float, float]:
    """Return what the strongest dispute of a picture usually weighs, and its spread."""
    strongest = np.array(
        [max((strength(one) for one in opinion.said.disputes if _FAULTS[one.kind] == fault), default=0.0)
         for opinion in opinions]
    )  # fmt: skip
    typical = float(np.median(strongest))
    return typical, max(LEAST_SPREAD, 1.4826 * float(np.median(np.abs(strongest - typical))))


def _score(value: float, typical: float, spread: float) -> float:
    """Map spreads above what is typical to 0..1; FAR spreads give a half."""
    above = max(0.0, value - typical) / spread
    return round(above**2 / (above**2 + FAR**2), 4)


def suspect_findings(opinions: Sequence[Opinion], classes: Classes) -> tuple[Finding, ...]:
    """Return a finding for each mask that is suspect, most suspect first."""
    return tuple(_finding(one, classes) for one in rank(opinions) if one.score >= REPORTED)


def _finding(suspicion: Suspicion, classes: Classes) -> Finding:
    opinion = suspicion.opinion
    suspect = [(one, score) for one, score in suspicion.disputes if score >= REPORTED]
    worst = suspect[0][0]
    said = _SAYS[worst.kind].format(labelled=_class(worst.labelled, classes), seen=_class(worst.seen, classes))
    more = f", and {len(suspect) - 1} more" if len(suspect) > 1 else ""
    objects = [
        {
            "kind": one.kind, "box": list(one.box), "score": score, "confidence": one.confidence,
            "mask": _class(one.labelled, classes), "model": _class(one.seen, classes),
        }
        for one, score in suspect[:LISTED]
    ]  # fmt: skip
    return Finding(
        "suspect-label",
        "warning",
        opinion.sample,
        f"A model that has not seen this mask disagrees with it: {said}{more}.",
        opinion.where,
        _FIX,
        {"objects": objects, "score": suspicion.score, "model": opinion.model, "places": len(suspect)},
    )


def _class(number: int, classes: Classes) -> str:
    return classes.names[number] if number >= 0 else "nothing"
