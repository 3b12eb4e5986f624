"""The rows of the table: what is compared, the aim, and the two programs of each."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sets
from results import ratio_of, summarise

HERE = Path(__file__).parent
Command = Callable[["Place", Path, Path], list[str]]
Single = Sequence[Mapping[str, Any]]


class NotHere(Exception):
    """What a row needs is not on this machine; its text says what."""


@dataclass(frozen=True)
class Place:
    """data, weights: folders of the real pictures and weights. work: for the time being. results: so far, all rows.

    keras: an interpreter that has TensorFlow.
    """

    data: Path
    weights: Path
    work: Path
    results: Mapping[str, Any]
    keras: Path


@dataclass(frozen=True)
class Aim:
    """text: as the issue has it. ratio: least times better. most: of our own median, in the row's unit."""

    text: str
    ratio: float | None = None
    most: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Row:
    """prepare: makes what both programs work on. ours, ordinary: their commands, (place, prepared, work) -> arguments.

    compared: what the ordinary side is, in words. most_rounds: of ours and of the ordinary side, where they take long.
    """

    name: str
    title: str
    unit: str
    aim: Aim
    compared: str
    prepare: Callable[[Place], Path]
    ours: Command | None
    ordinary: Command
    higher_is_better: bool = True
    most_rounds: tuple[int, int] | None = None

    def command(self, side: str) -> Command:
        """Return the program of "ours" or "ordinary"."""
        chosen = self.ours if side == "ours" else self.ordinary
        if chosen is None:
            raise ValueError(f"row {self.name} has no program of its own on side {side}")
        return chosen

    def summarise(self, place: Place, ours: Single, ordinary: Single) -> dict[str, Any]:
        """Return both sides and their ratio."""
        values = [[one["value"] for one in side] for side in (ours, ordinary)]
        return {
            "ours": summarise(ours),
            "ordinary": summarise(ordinary),
            "ratio": ratio_of(*values, higher_is_better=self.higher_is_better),
        }


@dataclass(frozen=True)
class Share(Row):
    """How much of the machine's peak the training of row `train` reaches; `ordinary` measures the peak."""

    def summarise(self, place: Place, ours: Single, ordinary: Single) -> dict[str, Any]:
        """Return the share for each of the training's measurements. Raises NotHere before that row was measured."""
        if "ours" not in place.results["rows"].get("train", {}):
            raise NotHere("row train must be measured first")
        peak = summarise(ordinary)
        each = ordinary[0]["details"]["gflop_per_picture"]
        trained = place.results["rows"]["train"]["ours"]["measurements"]
        reached = [{**one, "value": one["value"] * each} for one in trained]
        return {
            "ours": summarise(reached),
            "ordinary": peak,
            "ratio": ratio_of(
                [one["value"] for one in reached], [peak["median"]] * len(reached), higher_is_better=True
            ),
        }


def _program(name: str, *arguments: object) -> list[str]:
    return [sys.executable, str(HERE / name), *map(str, arguments)]


def _settings(*values: str) -> list[str]:
    return [part for value in values for part in ("--set", value)]


_SMP = ("--encoder", "mobilenet_v2", "--weights", "none", "--size", "256")
_SMP_SETTINGS = ("model.name=smp_unet", "training.batch_size=16")
LESIONS, EPOCHS = 64, 5  # pictures, passes over them


def _train(place: Place, data: Path, work: Path) -> list[str]:
    return _program("ours/train.py", data, work, "--epochs", EPOCHS, *_SMP, *_settings(*_SMP_SETTINGS))


def _frozen(place: Place, data: Path, work: Path) -> list[str]:
    settings = _settings(*_SMP_SETTINGS, "training.phases.0.encoder=frozen")
    return _program("ours/train.py", data, work, "--phase", "--epochs", EPOCHS, *_SMP, *settings)


def _plain(place: Place, data: Path, work: Path) -> list[str]:
    settings = _settings("training.early_stopping=null")  # nothing is validated, on neither side
    return _program("ours/train.py", data, work, "--epochs", 3, "--recipe", "carvana-unet", *settings)


def _on_gpu(place: Place, data: Path, work: Path) -> list[str]:
    settings = _settings("model.name=smp_unet", "training.batch_size=32", "training.precision=bf16")
    return _program("ours/train.py", data, work, "--epochs", 30, *_SMP, *settings, "--device", "cuda")


def _as_keras(place: Place, data: Path, work: Path) -> list[str]:
    """The second phase of the recipe: everything is trained; nothing is validated, as on the other side."""
    settings = _settings(
        "training.phases.0.encoder=trained",
        "training.phases.0.schedule=constant",
        "training.phases.1.schedule=constant",
        "training.early_stopping=null",
    )
    recipe = ("--recipe", "duts-mobilenet-unet", "--weights", "none")
    return _program("ours/train.py", data, work, "--epochs", 4, *recipe, *settings)


def _keras_data(place: Place) -> Path:
    if not place.keras.exists():
        raise NotHere("no TensorFlow at hand (`make bench-keras`)")
    return sets.lesions(place.data, place.work, train=96)  # the recipe asks for a hundred with the rest


def _gpu_data(place: Place) -> Path:
    import torch

    if not torch.cuda.is_available():
        raise NotHere("no GPU at hand")
    return sets.lesions(place.data, place.work, train=576)


def _car_model(place: Place) -> Path:
    sets.many_cars(place.data, place.work)
    return sets.car_model(place.data, place.weights, place.work)


def _predict(program: str, place: Place, run: Path, work: Path, number: int | None) -> list[str]:
    pictures = sets.many_cars(place.data, place.work) / "images"
    return _program(program, run, pictures if number is None else sorted(pictures.iterdir())[0], work / "out")


ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row(
            "train",
            "training, MobileNetV2 U-Net, 256x256, batch 16",
            "pictures/s",
            Aim(">= 6x", ratio=6),
            "smp Unet, fp32, DataLoader, albumentations",
            lambda place: sets.lesions(place.data, place.work, train=LESIONS),
            _train,
            lambda place, data, work: _program("ordinary/train.py", data, "--steps", 9),
            most_rounds=(3, 2),
        ),
        Row(
            "frozen",
            "the same, encoder frozen, whole phase",
            "pictures/s",
            Aim(">= 6x", ratio=6),
            "the same with encoder.requires_grad_(False) and eval()",
            lambda place: sets.lesions(place.data, place.work, train=LESIONS),
            _frozen,
            lambda place, data, work: _program("ordinary/train.py", data, "--frozen", "--epochs", EPOCHS),
            most_rounds=(3, 2),
        ),
        Row(
            "plain",
            "training, the plain U-Net of carvana-unet, 96x128, batch 32",
            "pictures/s",
            Aim(">= 2.5x", ratio=2.5),
            "the same network, fp32, DataLoader, albumentations",
            lambda place: sets.cars(place.data, place.work),
            _plain,
            lambda place, data, work: _program(
                "ordinary/train.py", data, "--network", "plain_unet", "--size", 96, 128, "--batch", 32, "--steps", 4
            ),
            most_rounds=(2, 2),
        ),
        Row(
            "cold",
            "cold start to a model file with Dice >= 0.90 on isic's test part",
            "s",
            Aim("<= 75 s and >= 3x sooner", ratio=3, most=75),
            "smp Unet on MobileNetV2 1.0 at 192x192, test part after each epoch, ONNX",
            lambda place: place.data / "isic",
            lambda place, data, work: _program("ours/cold.py", data, place.weights, work),
            lambda place, data, work: _program("ordinary/cold.py", data, place.weights, work),
            higher_is_better=False,
            most_rounds=(2, 2),
        ),
        Row(
            "folder",
            "predicting a folder of 1918x1280 JPEGs to PNG masks",
            "pictures/s",
            Aim(">= 5x", ratio=5),
            "the same network in PyTorch, DataLoader, OpenCV",
            _car_model,
            lambda place, run, work: _predict("ours/predict.py", place, run, work, None),
            lambda place, run, work: _predict("ordinary/predict.py", place, run, work, None),
        ),
        Row(
            "one",
            "predicting one such picture in a new process",
            "s",
            Aim("<= 0.8 s and >= 10x", ratio=10, most=0.8),
            "the same network in PyTorch",
            _car_model,
            lambda place, run, work: _predict("ours/predict.py", place, run, work, 1),
            lambda place, run, work: _predict("ordinary/predict.py", place, run, work, 1),
            higher_is_better=False,
        ),
        Row(
            "pack",
            "decoding and resizing 200 pairs of 1918x1280 once",
            "s",
            Aim(">= 3x", ratio=3),
            "one pass of a DataLoader",
            lambda place: sets.many_cars(place.data, place.work),
            lambda place, data, work: _program("ours/pack.py", data, work),
            lambda place, data, work: _program("ordinary/pack.py", data),
            higher_is_better=False,
        ),
        Share(
            "peak",
            "share of the machine's bf16 peak reached in row `train`",
            "GFLOP/s",
            Aim("as far as it goes"),
            "a loop over one 3x3 bf16 convolution",
            lambda place: place.work,
            None,
            lambda place, data, work: _program("ordinary/peak.py"),
        ),
        Row(
            "keras",
            "training, duts-mobilenet-unet, 256x256, batch 16",
            "pictures/s",
            Aim("told"),
            "the write-up's Keras script on TensorFlow",
            _keras_data,
            _as_keras,
            lambda place, data, work: [str(place.keras), str(HERE / "ordinary" / "keras_duts.py"), str(data)],
        ),
        Row(
            "gpu",
            "training on a GPU, whole loop",
            "pictures/s",
            Aim(">= 0.95x", ratio=0.95),
            "the same steps on constant synthetic batches",
            _gpu_data,
            _on_gpu,
            lambda place, data, work: _program("ordinary/synthetic.py"),
        ),
    )
}
