"""`train --find-lr`: a learning-rate range test on the training pictures, in place of a training. Makes no run."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.audit.check import CheckReport
from maskwright.data.dataset import Dataset
from maskwright.errors import MaskwrightError, need
from maskwright.files import make_folder, write_json
from maskwright.progress import Progress, Step, ignore
from maskwright.recipe import Recipe
from maskwright.report.rate_curve import RateCurve, draw_rate_curve
from maskwright.runs.fitting import (
    Indices,
    Ready,
    Work,
    batches_of,
    build_loss_of,
    make_ready,
    resolve_device,
    settings_of,
)
from maskwright.runs.folder import RunFolder, next_folder
from maskwright.runs.folds import NONE
from maskwright.runs.gate import check_before_training
from maskwright.runs.needs import check_needs
from maskwright.runs.recipes import load_recipe
from maskwright.runs.splitting import divide
from maskwright.runs.train import read_data

if TYPE_CHECKING:
    from maskwright.training.range_test import RangeTest

SCHEMA_VERSION = 1
RATE = "training.phases.0.learning_rate"


@dataclass(frozen=True)
class RateResult:
    """What a range test found and where it is written.

    suggestion: peak rate of decoder and head, or None. settings: what to set in a recipe to use it, by key.
    recipe_rate: what the recipe says now.
    """

    folder: Path
    curve: Path
    suggestion: float | None
    settings: Mapping[str, float]
    recipe_rate: float
    why: str
    steps: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "folder": str(self.folder),
            "curve": str(self.curve),
            "suggestion": self.suggestion,
            "settings": dict(self.settings),
            "recipe_rate": self.recipe_rate,
            "why": self.why,
            "steps": self.steps,
            "seconds": round(self.seconds, 2),
        }


def find_rate(
    data: str | Path | Dataset,
    *,
    recipe: str | Path | Recipe | None = None,
    output: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    accept: Sequence[str] = (),
    device: str = "auto",
    progress: Progress = ignore,
) -> RateResult:
    """Try learning rates from very small to very large on the recipe's network and the training pictures.

    Writes find-lr.png and find-lr.json into `output`; default lr/NAME-1 or the next number. The test part is not
    looked at. With several phases it is the first one's rate that is tried. The arguments are those of `train`.
    Raises as `train`.
    """
    need("torch", extra="train", purpose="A range test")
    begun, resolved = time.monotonic(), resolve_device(device)
    dataset, settled = read_data(data, load_recipe(recipe, overrides or {}))
    check_needs(dataset, settled)
    folder = Path(output) if output is not None else next_folder(dataset.root.resolve().name or "data", Path("lr"))
    report = check_before_training(dataset, accept, progress)
    make_folder(folder)  # before the work: a place that cannot be written to is known now
    work = Work(dataset, settled, resolved, None, progress)
    try:
        ready, result = _test(work, report)
    except MaskwrightError:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    settings, phases = _settings(settled, result.suggestion), settled.training.phases
    if len(phases) > 1:
        progress(Step("find rate", text=f"note   tried with the first of the recipe's {len(phases)} phases"))
    curve = RateCurve(result.rates, result.ratios, result.curve, result.suggestion)
    draw_rate_curve(curve, folder / "find-lr.png", title=f"{dataset.root.resolve().name}: {settled.name}")
    found = RateResult(
        folder, folder / "find-lr.png", settings.get(RATE), settings, phases[0].learning_rate, result.why,
        len(result.rates), time.monotonic() - begun,
    )  # fmt: skip
    write_json(folder / "find-lr.json", {
        "schema_version": SCHEMA_VERSION, **found.to_json(), "data": str(dataset.root), "recipe": settled.name,
        "loss": settled.loss, "device": resolved, "diverged": result.diverged, "plan": ready.plan.to_json(),
        "rates": result.rates, "losses": result.losses, "untrained": result.untrained, "smoothed": result.curve,
    })  # fmt: skip
    return found


def _test(work: Work, report: CheckReport) -> "tuple[Ready, RangeTest]":
    """Plan, pack the training pictures and try rates on them; the plan lies in a folder that is gone afterwards."""
    import torch

    from maskwright.training.range_test import run_range_test

    with tempfile.TemporaryDirectory() as scratch:
        ready = make_ready(work, RunFolder(Path(scratch)), _rows(work.dataset, work.recipe, report), NONE)
    return ready, run_range_test(
        ready.network, batches_of(work, ready), build_loss_of(work), settings_of(work, ready),
        device=torch.device(work.device), progress=work.progress,
    )  # fmt: skip


def _rows(dataset: Dataset, recipe: Recipe, report: CheckReport) -> Indices:
    """Return the pictures of the training part, or those that would be folded where there are folds."""
    divided = divide(dataset, recipe, report)
    folded = recipe.folds is not None or divided.split.needs_folds
    return divided.foldable if folded else divided.split.indices("train")


def _settings(recipe: Recipe, suggestion: float | None) -> dict[str, float]:
    """Return the keys to set: the first phase's rate, and its encoder's where the recipe states one."""
    if suggestion is None:
        return {}
    phase = recipe.training.phases[0]
    rate = float(f"{suggestion:.2g}")
    settings = {RATE: rate}
    if phase.encoder_learning_rate is not None and phase.encoder == "trained":
        share = phase.encoder_learning_rate / phase.learning_rate
        settings["training.phases.0.encoder_learning_rate"] = float(f"{rate * share:.2g}")
    return settings
