"""MODEL_CARD.md: what the model is for, what it learnt from, what it is worth and where it should not be trusted.

Texts from files are escaped, so that a name can neither end a table cell nor become HTML.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwright.files import write_text
from maskwright.report.facts import ReportFacts
from maskwright.report.more import Part, further_parts
from maskwright.report.wording import LABELS, MEASURES, label, plain, score_rows, score_text, times

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")

_STANDING_LIMITS = (
    "The scores hold for pictures like those it was scored on; with another camera, place or kind it may do worse.",
    "It marks regions, not single objects: touching objects become one region.",
)


def write_card(path: Path, facts: ReportFacts) -> None:
    """Write MODEL_CARD.md, whole or not at all."""
    write_text(path, render_card(facts))


def render_card(facts: ReportFacts) -> str:
    """Return the card as Markdown."""
    sections = [
        ("", [f"# {markdown(facts.name)}", *(["", markdown(facts.task)] if facts.task else [])]),
        ("Intended use", [_use(facts)]),
        ("Model", _lines(facts.network)),
        ("Data", _lines(facts.data) + _lines({f"{name} pictures": n for name, n in facts.parts.items()})),
        ("Training", _lines(facts.training) + ([f"- made: {markdown(facts.made)}"] if facts.made else [])),
        ("Scores", _scores(facts)),
        *((part.title, _measured(part)) for part in further_parts(facts.evaluation)),
        ("Probabilities", _probabilities(facts)),
        ("Where it fails", [f"- {markdown(said)}" for said in (facts.evaluation.get("where") or {}).get("said", ())]),
        ("How the scores were taken", _lines(facts.evaluation["conventions"])),
        ("Is the file the network?", [line for one in facts.parity for line in _lines(one)]),
        (
            "Limits",
            [f"- {markdown(one)}" for one in (*facts.limits, *facts.evaluation.get("notes", ()), *_STANDING_LIMITS)],
        ),
        ("Licences", _lines(facts.licences)),
        ("Findings in the data", _findings(facts.findings)),
        ("Versions", _lines(facts.versions)),
    ]
    return "\n".join(_section(title, lines) for title, lines in sections if lines)


def markdown(text: str) -> str:
    """Escape a text for Markdown, on one line."""
    one_line = " ".join(str(text).split())
    return _SPECIAL.sub(r"\\\1", one_line).replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")


def _section(title: str, lines: Sequence[str]) -> str:
    head = f"## {title}\n\n" if title else ""
    return head + "\n".join(lines) + "\n"


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"- {markdown(label(key))}: {markdown(plain(value))}" for key, value in values.items()]


def _use(facts: ReportFacts) -> str:
    classes = ", ".join(f"'{name}'" for name in facts.evaluation["classes"])
    return markdown(f"Marking {classes} in pictures like those it was trained on.")


def _scores(facts: ReportFacts) -> list[str]:
    evaluation = facts.evaluation
    groups = "" if evaluation["groups"] is None else f" in {evaluation['groups']} groups"
    read = "" if facts.times_read is None else f" These pictures were scored {times(facts.times_read)} in all."
    lines = [
        markdown(
            f"On {evaluation['images']} pictures{groups} ({facts.part}), each at its mask's own resolution; over "
            f"{evaluation['mean_over']}; brackets hold the 95 % interval; {evaluation['runtime']}, "
            f"{evaluation['precision']}.{read}"
        ),
        "",
        "| answer | averaged | " + " | ".join(LABELS[name] for name in MEASURES) + " |",
        "|---" * (2 + len(MEASURES)) + "|",
    ]
    for who, said, averaging, scores in score_rows(evaluation):
        cells = [
            markdown(f"{who} ({said})" if said else who),
            averaging,
            *(markdown(score_text(scores[name])) for name in MEASURES),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _measured(part: Part) -> list[str]:
    return [
        f"- {markdown(name)}: {markdown(' '.join(filter(None, (value, interval))))}"
        for name, value, interval in part.rows
    ]


def _probabilities(facts: ReportFacts) -> list[str]:
    """Say by how much a probability is off, and what the temperature is."""
    lines = []
    measured = facts.evaluation.get("calibration")
    if measured and measured.get("ece") is not None:
        lines.append(f"- off by {measured['ece']:.3f} on average (expected calibration error, on the scored pictures)")
    if facts.calibration:
        lines.append(f"- temperature {plain(facts.calibration['temperature'])}: {markdown(facts.calibration['why'])}")
    return lines


def _findings(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"- {markdown(one['level'])}, {markdown(one['kind'])}: {markdown(one['what'])}"
        + (f" ({markdown(one['where'])})" if one.get("where") else "")
        for one in findings
    ]
