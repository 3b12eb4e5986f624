"""Evaluations made up of a few numbers, as the program writes them, and runs that hold one."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.recipe import build_recipe
from maskwright.runs.folder import RunFolder


def evaluation(dice: Sequence[float | None], *, prefix: str = "p", **changes: Any) -> dict[str, Any]:
    """What evaluation.json holds of pictures with these scores; IoU is there too, other measures are left out."""
    rows = [_row(f"{prefix}{at:03}", None if value is None else float(value)) for at, value in enumerate(dice)]
    content = {
        "schema_version": 1, "images": len(rows), "groups": None, "classes": ["background", "lesion"],
        "mean_over": "the foreground class 'lesion'", "threshold": 0.5, "runtime": "onnxruntime", "precision": "fp32",
        "conventions": {"cut": "'lesion' where its probability is above 0.5", "grid": "the truth mask's own grid"},
        "notes": [], "pictures": rows, "part": "test",
    }  # fmt: skip
    return content | changes


def _row(name: str, dice: float | None) -> dict[str, Any]:
    iou = None if dice is None else dice / (2 - dice)
    sizes = {"size_truth": [60, 80], "size_prediction": [32, 32]}
    return {"id": name, "group": name, "dice": dice, "iou": iou, **sizes}


def hard_and_easy(count: int = 60, seed: int = 0) -> np.ndarray:
    """Scores of pictures that differ a lot among each other."""
    return np.random.default_rng(seed).uniform(0.5, 0.9, count)


def better_by(base: Sequence[float], by: float, spread: float = 0.01, seed: int = 1) -> list[float]:
    """The scores of a model that is better on the same pictures, by about as much on each."""
    moved = np.asarray(base) + by + np.random.default_rng(seed).normal(0, spread, len(base))
    return np.clip(moved, 0, 1).tolist()


def write_evaluation(folder: Path, content: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_run(
    folder: Path, content: Mapping[str, Any], *, seed: int = 0, fingerprint: str = "f" * 64, **keys: Any
) -> Path:
    """A run as `train` leaves it, as far as a comparison looks. keys: of its recipe."""
    overrides = {"name": "lesions", "training": {"seed": seed}, **keys}
    RunFolder(folder).begin(build_recipe(overrides, where="test"), {"data": "lesions", "fingerprint": fingerprint})
    return write_evaluation(folder, content)
