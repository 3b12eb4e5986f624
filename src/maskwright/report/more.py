"""The parts of an evaluation beyond counts, as rows and charts: boundaries, salient objects, people, failures.

Knows the keys of evaluation.json; each part is left out where it was not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maskwright.report.calibration_chart import reliability_chart
from maskwright.report.strata_chart import factor_chart
from maskwright.report.wording import LABELS, interval_text, value_text

_DISTANCES = ("hd95", "assd")
_KNOWN = {
    "object_side": "size of objects", "object_share": "size of objects", "objects": "number of objects",
    "foreground": "share of foreground", "brightness": "brightness", "contrast": "contrast",
}  # fmt: skip
_LARGEST_TABLE = 20  # classes of a confusion table that is drawn in full


@dataclass(frozen=True)
class Part:
    """A table of further measures. rows: (name, value, interval). conventions, note: in words."""

    title: str
    rows: tuple[tuple[str, str, str], ...]
    conventions: Mapping[str, Any]
    note: str = ""


def further_parts(evaluation: Mapping[str, Any]) -> list[Part]:
    """Return the tables of what was measured besides counts."""
    found = (_boundary(evaluation), _saliency(evaluation), _people(evaluation))
    return [part for part in found if part is not None]


def known_of_pictures(evaluation: Mapping[str, Any]) -> list[str]:
    """Return in words what scores were held against."""
    names = [one["name"] for one in (evaluation.get("where") or {}).get("factors", ())]
    return list(dict.fromkeys(_KNOWN.get(name, "columns of the manifest") for name in names))


def _boundary(evaluation: Mapping[str, Any]) -> Part | None:
    boundary = evaluation.get("boundary")
    if not boundary:
        return None
    rows = _boundary_rows("", boundary["per_image"], boundary["unit"])
    if len(boundary["per_class"]) > 1:
        for name, scores in boundary["per_class"].items():
            rows += _boundary_rows(f"{name}: ", scores, boundary["unit"])
    return Part("Boundaries, per picture", tuple(rows), boundary["conventions"], boundary.get("note", ""))


def _boundary_rows(before: str, scores: Mapping[str, Any], unit: str) -> list[tuple[str, str, str]]:
    rows = [(f"{before}{LABELS[name]}", *_shown(scores[name])) for name in ("boundary_iou", "boundary_f1")]
    for name in _DISTANCES:
        rows.append((f"{before}{LABELS[name]}, pixels", *_shown(scores[name], digits=1)))
        if f"{name}_physical" in scores:
            rows.append((f"{before}{LABELS[name]}, {unit}", *_shown(scores[f"{name}_physical"], digits=None)))
    return rows


def _saliency(evaluation: Mapping[str, Any]) -> Part | None:
    saliency = evaluation.get("saliency")
    if not saliency:
        return None
    names = {
        "mae": "MAE (less is better)", "s_measure": "S-measure", "f_beta": "F-beta (beta² = 0.3), mean over cuts",
        "e_measure": "E-measure, mean over cuts",
    }  # fmt: skip
    rows = [(label, *_shown(saliency["per_image"][name])) for name, label in names.items()]
    rows.append(("F-beta, largest of the mean curve", *_shown(saliency["f_beta_max"])))
    rows.append(("E-measure, largest of the mean curve", *_shown(saliency["e_measure_max"])))
    return Part("As salient objects", tuple(rows), saliency["conventions"])


def _people(evaluation: Mapping[str, Any]) -> Part | None:
    agreement = evaluation.get("agreement")
    if not agreement:
        return None
    who = {"people": "people with each other", "model": "the model with them"}
    rows = [
        (f"{LABELS[name]}: {label}", *_shown(agreement[key][name]))
        for name in ("dice", "iou")
        for key, label in who.items()
    ]
    told = {"pictures that several people marked": agreement["pictures"], "rule": agreement["rule"]}
    return Part("People who marked the same pictures", tuple(rows), told)


def _shown(score: Mapping[str, Any], *, digits: int | None = 3) -> tuple[str, str]:
    """Return value and interval as text. digits: after the point; None: three that count, for any unit."""
    if digits == 3:
        return value_text(score), interval_text(score)
    as_text = "{:.3g}".format if digits is None else f"{{:.{digits}f}}".format
    value, low, high = score.get("value"), score.get("low"), score.get("high")
    return (
        "n/a" if value is None else as_text(value),
        "" if low is None or high is None else f"[{as_text(low)}, {as_text(high)}]",
    )


def factor_charts(evaluation: Mapping[str, Any]) -> list[str]:
    """Return the score against what the pictures are like: a chart for each factor, those that matter first."""
    factors = (evaluation.get("where") or {}).get("factors", ())
    return [chart for one in sorted(factors, key=lambda one: not one["matters"]) if (chart := factor_chart(one))]


def calibration_charts(evaluation: Mapping[str, Any], chosen: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the reliability diagram of the scored pictures, and that of validation before and after a temperature.

    chosen: calibration.json of a run.
    """
    charts = {}
    measured = evaluation.get("calibration")
    if measured and measured.get("bins"):
        of = measured.get("confidence_of", "the foreground")
        charts["reliability"] = reliability_chart("Do the probabilities mean what they say?", measured, of=of)
    after, before = ((chosen or {}).get(name) for name in ("after", "before"))
    if chosen and chosen["kept"] and after and before and after.get("bins") and before.get("bins"):
        title = "Validation pictures, before and with the temperature"
        charts["temperature"] = reliability_chart(title, after, before=before)
    return charts


def confusion_rows(evaluation: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return the classes, and each one's row: shares of its true pixels by what they were called; () where too many."""
    confusion = evaluation.get("confusion") or {}
    classes = [str(name) for name in confusion.get("classes", ())]
    shares = confusion.get("shares")
    if not shares or not 2 < len(classes) <= _LARGEST_TABLE:
        return [], []
    rows = [["–" if share is None else f"{100 * share:.1f}" for share in row] for row in shares]
    return classes, list(zip(classes, rows, strict=True))
