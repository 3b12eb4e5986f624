"""`demo`: every step on a small made picture set, on any machine, without a download."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.audit.check import check_dataset
from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.files import make_folder, whole_folder
from maskwright.progress import Progress, Step, ignore
from maskwright.runs.predict import predict_files
from maskwright.runs.train import train

PICTURES = 96
UNSEEN = 4
SIZE = (192, 256)


@dataclass(frozen=True)
class DemoResult:
    """run, model, scores: as of `train`. sheet: overlay sheet of test pictures. predictions: masks of new pictures."""

    run: Path
    model: Path
    seconds: float
    scores: Mapping[str, Any]
    sheet: Path
    predictions: Path
    pictures: int
    findings: int
    data: Path

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "run": str(self.run), "model": str(self.model), "seconds": round(self.seconds, 2),
            "scores": dict(self.scores), "sheet": str(self.sheet), "predictions": str(self.predictions),
            "pictures": self.pictures, "findings": self.findings, "data": str(self.data),
        }  # fmt: skip


def demo(folder: str | Path = "demo", *, progress: Progress = ignore) -> DemoResult:
    """Make pebbles on gravel with exact masks in `folder`, check, train, score, and predict pictures never seen.

    Run again, it goes on with what is there. Raises OutputError where the folder cannot be written.
    """
    begun, base = time.monotonic(), Path(folder)
    make_folder(base)
    data, unseen = base / "pebbles", base / "unseen"
    if not data.exists():
        progress(Step("make", text=f"make   {PICTURES} pictures of pebbles on gravel, with exact masks"))
        with whole_folder(data) as part:
            make_pebbles(part, PICTURES, size=SIZE, seed=1)
    if not unseen.exists():
        with whole_folder(unseen) as part:
            make_pebbles(part, UNSEEN, size=SIZE, seed=2)
    report = check_dataset(read_dataset(data), progress=progress)
    trained = train(data, recipe="demo", output=base / "run", progress=progress)
    predict_files(trained.model, unseen / "images", base / "predictions", overwrite=True, progress=progress)
    return DemoResult(
        run=trained.run,
        model=trained.model,
        seconds=time.monotonic() - begun,
        scores=trained.scores,
        sheet=trained.run / "sheet.png",
        predictions=base / "predictions",
        pictures=PICTURES,
        findings=len(report.findings),
        data=data,
    )
