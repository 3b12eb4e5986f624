"""Documents as the workflows give them, small and made up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskwright.audit.check import CheckReport
from maskwright.audit.findings import Finding
from maskwright.images.classes import Classes
from maskwright.images.masks import MaskEncoding


@dataclass(frozen=True)
class Result:
    """Stands for what a workflow returns."""

    content: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return self.content

    def head(self) -> dict[str, Any]:
        return {key: value for key, value in self.content.items() if key != "pictures"}

    def lines(self) -> Sequence[Any]:
        return self.content.get("pictures", ())


def score(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.02, "high": value + 0.02}


def both(value: float) -> dict[str, Any]:
    measures = {name: score(value) for name in ("dice", "iou", "precision", "recall", "specificity", "accuracy")}
    return {"per_image": measures, "pooled": measures}


def scores() -> dict[str, Any]:
    return {
        "images": 75,
        **both(0.912),
        "per_class": {"background": both(0.97), "lesion": both(0.912)},
        "trivial": {"all_background": both(0.05), "majority_class": both(0.05)},
        "mean_over": "the foreground class 'lesion'",
        "threshold": 0.47,
        "runtime": "onnxruntime",
        "precision": "fp32",
        "notes": ["Intervals over 75 pictures."],
    }


def finding(level: str = "warning", kind: str = "duplicate", sample: str | None = "a") -> dict[str, Any]:
    return {
        "kind": kind,
        "level": level,
        "sample": sample,
        "what": "The same picture twice.",
        "where": "images/a.jpg, images/b.jpg",
        "fix": "remove one",
        "evidence": {},
    }


def report(*findings: dict[str, Any]) -> CheckReport:
    """What the check of 750 pairs returns."""
    return CheckReport(
        pairs=750,
        images=750,
        masks=751,
        classes=Classes(("background", "lesion")),
        encoding=MaskEncoding("binary"),
        findings=tuple(Finding(**one) for one in findings),
        notes=("750 pairs: images/*.jpg <-> masks/*_segmentation.png (guessed: same stem)", "masks 0/255"),
        parts={"train": 600, "test": 150},
        shares={"background": (0.388, 0.82, 0.97), "lesion": (0.03, 0.18, 0.612)},
        planned={"mode": "whole", "size": [192, 192], "scale": 1.0, "overlap": 0, "reasons": {"size": "stated"}},
    )


def check(*findings: dict[str, Any]) -> dict[str, Any]:
    """The document of that check, without what the command adds when it is asked for more."""
    levels = {level: sum(one["level"] == level for one in findings) for level in ("error", "warning", "note")}
    to_do = [{"action": "remove one", "level": "warning", "kinds": ["duplicate"], "pictures": 1}]
    following = ["maskwright train lesions"]
    return {"data": "lesions", **report(*findings).to_json(), "levels": levels, "to_do": to_do, "next": following}


def train() -> dict[str, Any]:
    return {"run": "runs/lesions-1", "model": "runs/lesions-1/model.onnx", "seconds": 166.0, "scores": scores()}


def predict(*, failed: int = 0) -> dict[str, Any]:
    error = {"what": "The file ends too early.", "where": "", "fix": "get it again"}
    return {
        "outputs": [{"input": "a.jpg", "mask": "masks/a.png", "seconds": 0.31}],
        "files": {},
        "failures": [{"input": f"bad{i}.jpg", "error": error} for i in range(failed)],
        "runtime": "onnxruntime",
        "precision": "fp32",
        "why": "stated",
    }


RECIPES = [
    {
        "name": "default",
        "task": "Any pictures.",
        "network": "U-Net over mobilenetv2_035",
        "parameters": 1_234_567,
        "trainable": 1_200_000,
        "buffers": 34_567,
        "source": "",
        "count": "pytorch",
    }
]

CARD = {
    "classes": {"names": ["background", "lesion"], "colours": [[0, 0, 0], [230, 85, 13]], "exclusive": True},
    "mode": "whole",
    "size": [192, 192],
    "bands": 3,
    "dtype": "uint8",
    "network": "unet",
    "encoder": "mobilenetv2_035",
    "weights": "keras",
    "threshold": 0.47,
    "temperature": 1.25,
    "trained": {"epochs": 16, "seconds": 166.0},
    "scores": {"part": "test", "images": 75, "per_image": {"dice": score(0.912)}},
}
