"""What a person reads of scores: overall, each class, beside simple answers, where it fails, and what to do next.

Takes the JSON values that --json prints. Prints nothing.
"""

import heapq
from collections.abc import Iterable, Mapping
from typing import Any

from maskwright.cli.check_text import count

Content = Mapping[str, Any]
NAMES = {
    "dice": "Dice", "iou": "IoU", "precision": "precision", "recall": "recall", "specificity": "specificity",
    "accuracy": "accuracy", "boundary_iou": "boundary IoU", "boundary_f1": "boundary F1",
    "hd95": "95 % Hausdorff", "assd": "surface distance", "mae": "MAE", "s_measure": "S-measure",
    "f_beta": "F-beta", "e_measure": "E-measure",
}  # fmt: skip
ANSWERS = {
    "all_background": "all background", "majority_class": "majority class", "otsu": "Otsu", "kmeans": "k-means",
    "watershed": "watershed",
}  # fmt: skip
_SHOWN = ("dice", "iou")
_COUNTED = ("dice", "iou", "precision", "recall", "specificity", "accuracy")
_DISTANCES = ("hd95", "assd")
_WORST = 5


def evaluate_text(content: Content) -> str:
    """Tell the scores of a model: overall, each class, where it fails, and where more is to be read."""
    return "\n".join(
        [
            *score_lines(content, label="score"),
            *_class_lines(content["per_class"]),
            *_worst_lines(content),
            *_file_lines(content),
        ]
    )


def score_lines(scores: Content, *, label: str) -> list[str]:
    """Return the lines that every verb prints of scores. label: at most six letters."""
    per_image = "   ".join(_score(name, scores["per_image"][name]) for name in _SHOWN)
    pooled = "   ".join(_score(name, scores["pooled"][name]) for name in _SHOWN)
    return [
        f"{label:<6} {per_image}   {_pictures(scores)}, at their masks' own resolution",
        f"       {pooled}   all pixels counted together",
        *_boundary_lines(scores.get("boundary")),
        *_saliency_lines(scores.get("saliency")),
        f"       of {scores['mean_over']}; {_made_by(scores)}",
        f"       {' | '.join(_simple_answers(scores))}",
        *_calibration_lines(scores.get("calibration")),
        *_agreement_lines(scores.get("agreement")),
        *(f"       {said}" for said in (scores.get("where") or {}).get("said", ())),
        *(f"       {note}" for note in scores.get("notes", ())),
    ]


def _pictures(scores: Content) -> str:
    """Say how many pictures were scored, in how many groups where intervals are over these."""
    groups = scores.get("groups")
    return count(scores["images"], "picture") + (f" in {count(groups, 'group')}" if groups else "")


def _made_by(scores: Content) -> str:
    if scores["runtime"] == "made elsewhere":
        return "predictions made elsewhere"
    return f"run by {scores['runtime']} in {scores['precision']}"


def _boundary_lines(boundary: Content | None) -> list[str]:
    if not boundary:
        return []
    values, unit = boundary["per_image"], boundary["unit"]
    shares = [_score(name, values[name]) for name in ("boundary_iou", "boundary_f1")]
    distances = [_distance(name, values, unit) for name in _DISTANCES]
    note = [f"       {boundary['note']}"] if boundary.get("note") else []
    return [f"       {'   '.join(shares)}   at the boundaries", f"       {'   '.join(distances)}", *note]


def _distance(name: str, values: Content, unit: str) -> str:
    """Return a distance in pixels, or in the unit of the pixel size where there is one."""
    known = f"{name}_physical" in values
    form = ".3g" if known else ".1f"
    return _score(name, values[f"{name}_physical" if known else name], form=form, unit=unit)


def _saliency_lines(saliency: Content | None) -> list[str]:
    if not saliency:
        return []
    parts = [_score(name, saliency["per_image"][name]) for name in ("mae", "s_measure")]
    parts += [f"{NAMES[name]} max {_value(saliency[f'{name}_max']['value'])}" for name in ("f_beta", "e_measure")]
    return ["       " + "   ".join(parts)]


def _simple_answers(scores: Content) -> Iterable[str]:
    for key, name in ANSWERS.items():
        if key in scores["trivial"]:
            yield f"{name} {_value(scores['trivial'][key]['per_image']['dice']['value'])}"
    threshold = scores.get("threshold")
    if isinstance(threshold, float):
        yield f"threshold {threshold:.2f}"


def _calibration_lines(calibration: Content | None) -> list[str]:
    if not calibration or calibration.get("ece") is None:
        return []
    return [f"       calibration: a probability is off by {calibration['ece']:.3f} on average (ECE)"]


def _agreement_lines(agreement: Content | None) -> list[str]:
    if not agreement:
        return []
    people, model = (_score("dice", agreement[who]["dice"]) for who in ("people", "model"))
    pictures = count(agreement["pictures"], "picture")
    return [
        f"       people with each other: {people}   model with them: {model}   {pictures} that several people marked"
    ]


def _class_lines(per_class: Mapping[str, Content]) -> list[str]:
    width = max(len(name) for name in per_class)
    lines = []
    for name, scores in per_class.items():
        values = "  ".join(f"{NAMES[key]} {_value(scores['per_image'][key]['value'])}" for key in _COUNTED)
        lines.append(f"  {name:<{width}}  {values}")
    return lines


def _worst_lines(content: Content) -> list[str]:
    rows = (row for row in content.get("pictures", ()) if row.get("dice") is not None)
    worst = heapq.nsmallest(_WORST, rows, key=lambda row: float(row["dice"]))
    return ["worst  " + ", ".join(f"{row['id']} {row['dice']:.3f}" for row in worst)] if len(worst) > 1 else []


def _file_lines(content: Content) -> list[str]:
    return [f"page   {content['report']}"] if "report" in content else []


def _score(name: str, score: Content, *, form: str = ".3f", unit: str = "") -> str:
    called = NAMES[name]
    if score["value"] is None:
        return f"{called} not defined"
    after = f" {unit}" if unit else ""
    interval = "" if score["low"] is None else f" [{score['low']:{form}}, {score['high']:{form}}]"
    return f"{called} {score['value']:{form}}{after}{interval}"


def _value(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"
