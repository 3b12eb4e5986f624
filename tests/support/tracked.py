"""A run's folder made by hand, and readers of what trackers have written: their own where they have one."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskwright.progress import Step
from maskwright.recipe import Recipe
from maskwright.runs.folder import RunFolder
from maskwright.runs.trackers import find_trackers
from maskwright.runs.tracking import Tracked, Tracking

Curve = list[tuple[int, float]]

PLAN = {"schema_version": 1, "size": [64, 96], "precision": "fp32", "epochs": [3], "reasons": {"size": "stated"}}
SCORE = {"dice": {"value": 0.8125, "low": 0.75, "high": 0.875}, "iou": {"value": 0.5, "low": None, "high": None}}
EVALUATION = {"per_image": SCORE, "pooled": SCORE, "per_class": {"lesion": {"per_image": SCORE}}, "pictures": ["a"]}


def begin_run(folder: Path, *, folds: int = 0, recipe: Recipe | None = None) -> RunFolder:
    """A run as `train` begins it."""
    run = RunFolder(folder)
    run.begin(
        recipe or Recipe(),
        {"data": "/home/somebody/patients", "fingerprint": "abc", "folds": folds, "split": "by hand"},
    )
    return run


def plan(folder: RunFolder) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.plan.write_text(json.dumps(PLAN))


def epoch(number: int, **changes: Any) -> dict[str, Any]:
    """The record of an epoch; `number` from 0."""
    record = {
        "event": "epoch", "epoch": number, "phase": 0, "score": 0.5 + number / 16, "loss": 1 / (number + 3),
        "learning_rate": 1e-3, "seconds": 1.5 * (number + 1),
    }  # fmt: skip
    return {**record, **changes}


def finish(run: RunFolder) -> None:
    """What a training leaves at its end."""
    run.evaluation.write_text(json.dumps(EVALUATION))
    run.events.add({"event": "finished", "seconds": 9.0})


def track(
    run: RunFolder, *names: str, epochs: Any = (), end: bool = False, pictures: bool = False
) -> tuple[tuple[Tracked, ...], list[Step]]:
    """One call of `train`, without the training: epochs are numbers or whole records."""
    said: list[Step] = []
    tracking = Tracking(find_trackers(names), pictures=pictures, progress=said.append)
    with tracking.follow(run) as followed:
        plan(followed)
        for one in epochs:
            followed.events.add(epoch(one) if isinstance(one, int) else one)
        if end:
            finish(followed)
    return tracking.report(), said


def curves(folder: RunFolder) -> dict[str, Curve]:
    """What trackers should hold: the diary's epochs, from 1."""
    told = {"loss": "train/loss", "learning_rate": "train/learning_rate", "phase": "train/phase",
            "seconds": "train/seconds", "score": "val/dice"}  # fmt: skip
    records = folder.events.of_kind("epoch")
    return {name: [(one["epoch"] + 1, one[key]) for one in records] for key, name in told.items()}


def read_tensorboard(folder: Path) -> dict[str, Curve]:
    """All scalars of a log folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def read_wandb(folder: Path) -> list[Any]:
    """All records of the offline files below a folder, in the order in which they were written."""
    return [record for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")) for record in _wandb_file(path)]


def _wandb_file(path: Path) -> list[Any]:
    """The records of one file, when it is whole: wandb's own process may still be writing when a run has ended."""
    from wandb.proto.wandb_internal_pb2 import Record

    for _ in range(200):
        records = [Record.FromString(one) for one in _log_records(path.read_bytes()[7:])]  # after ":W&B", a version
        if records and records[-1].WhichOneof("record_type") == "exit":
            return records
        time.sleep(0.05)
    raise AssertionError(f"{path} has no end")


def _log_records(content: bytes) -> Iterator[bytes]:
    """The records of a LevelDB log: blocks of 32 KiB of pieces, each with checksum, length and kind."""
    at, whole = 7, b""
    content = bytes(7) + content  # the file's own header counts in the first block
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # full, last
            yield whole
            whole = b""


def wandb_curves(records: list[Any]) -> dict[str, Curve]:
    """The history of offline files."""
    read: dict[str, Curve] = {}
    for record in records:
        if record.WhichOneof("record_type") == "history":
            items = {
                (item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in record.history.item
            }
            for name, value in items.items():
                if not name.startswith("_") and not isinstance(value, dict):
                    read.setdefault(name, []).append((record.history.step.num, value))
    return read


def wandb_config(records: list[Any]) -> dict[str, Any]:
    config = {}
    for record in records:
        if record.WhichOneof("record_type") in ("config", "run"):
            update = record.config if record.HasField("config") else record.run.config
            config |= {(one.key or "/".join(one.nested_key)): json.loads(one.value_json) for one in update.update}
    return config


def make_store(folder: Path) -> None:
    """An empty store of MLflow in a folder."""
    import mlflow

    mlflow.MlflowClient(f"sqlite:///{folder.resolve().as_posix()}/mlflow.db").search_experiments()


class Mlflow:
    """MLflow's own client on the store beside a run."""

    def __init__(self, beside: Path) -> None:
        import mlflow

        self.client = mlflow.MlflowClient(f"sqlite:///{beside.resolve().as_posix()}/mlflow.db")

    def runs(self) -> list[Any]:
        experiment = self.client.get_experiment_by_name("maskwright")
        return list(reversed(self.client.search_runs([experiment.experiment_id])))

    def curves(self, run: Any) -> dict[str, Curve]:
        history = {name: self.client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
        return {name: [(one.step, one.value) for one in points] for name, points in history.items()}
