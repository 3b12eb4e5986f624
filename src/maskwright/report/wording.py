"""Values as a reader wants to see them. Knows no HTML and no Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from maskwright.data.names import shown

MEASURES = ("dice", "iou", "precision", "recall", "specificity", "accuracy")
LABELS = {
    "dice": "Dice", "iou": "IoU", "precision": "Precision", "recall": "Recall", "specificity": "Specificity",
    "accuracy": "Accuracy", "f_beta": "F-beta (0.3)", "boundary_iou": "Boundary IoU", "boundary_f1": "Boundary F1",
    "hd95": "95 % Hausdorff distance", "assd": "Average surface distance", "mae": "MAE", "s_measure": "S-measure",
    "e_measure": "E-measure",
}  # fmt: skip
ANSWERS = {
    "all_background": "all background", "majority_class": "majority class", "otsu": "Otsu's threshold",
    "kmeans": "k-means on colour", "watershed": "watershed from edges",
}  # fmt: skip


def score_text(score: Mapping[str, Any]) -> str:
    """Return "0.912 [0.894, 0.927]", without brackets where there is no interval, "n/a" where there is no value."""
    return " ".join(part for part in (value_text(score), interval_text(score)) if part)


def value_text(score: Mapping[str, Any]) -> str:
    """Return "0.912" or "n/a"."""
    value = score.get("value")
    return "n/a" if value is None else f"{value:.3f}"


def interval_text(score: Mapping[str, Any]) -> str:
    """Return "[0.894, 0.927]", or nothing where there is no interval."""
    low, high = score.get("low"), score.get("high")
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def plain(value: Any) -> str:
    """Return any JSON value in words."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain(item) for item in value)
    return str(value)


def label(key: str) -> str:
    """Return a key as a label: "max_difference" -> "max difference"."""
    return key.replace("_", " ")


def score_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    """Return (who, what it says, averaging, scores) for the model and for each trivial answer, the model first."""
    answers = [("this model", "", evaluation), *trivial_answers(evaluation)]
    return [
        (who, said, taken, answer[key])
        for who, said, answer in answers
        for taken, key in (("per picture", "per_image"), ("pooled", "pooled"))
    ]


def trivial_answers(evaluation: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return (who, what it says, scores) of the simple answers; two that say the same are one."""
    trivial = evaluation.get("trivial", {})
    answers: dict[str, tuple[list[str], Mapping[str, Any]]] = {}
    for name, answer in trivial.items():
        names, _ = answers.setdefault(str(answer["answer"]), ([], answer))
        names.append(ANSWERS.get(name, label(name)))
    return [(" = ".join(names), str(answer["answer"]), answer) for names, answer in answers.values()]


def harmless(value: Any) -> Any:
    """Make a text that is put into a page safe to look at too: no control, no direction marks, no endless line.

    Text marked as safe is a chart, whose labels are escaped where it is drawn.
    """
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return shown(value, 1200)
    return value


def times(number: int) -> str:
    """Return "once", "twice" or "5 times"."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
