"""What the rows work on: pictures of the real sets laid out in train, val and test, and a model to predict with.

Both sides read the same files. Everything is made below a work folder, once a run of the benchmark.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

PARTS = ("train", "val", "test")
PREDICT_SIZE = (256, 384)  # what the network sees of a 1918x1280 picture
Pair = tuple[Path, Path]


def lesions(data: Path, work: Path, *, train: int, others: int = 4) -> Path:
    """Lay out `train` pairs of isic for training and a few for the rest: too few to validate on, so nobody does."""
    pairs = pairs_of(data / "isic" / "train" / "images", data / "isic" / "train" / "masks")
    ends = (train, train + others, train + 2 * others)
    parts = [pairs[start:end] for start, end in zip((0, *ends), ends, strict=False)]
    return lay_out(work / f"lesions-{train}", parts)


def cars(data: Path, work: Path, *, train: int = 64, others: int = 4) -> Path:
    """Lay out `train` pairs of carvana, and a few pictures of two other cars for the rest."""
    pairs = pairs_of(data / "carvana" / "train", data / "carvana" / "train_masks")
    by_car: dict[str, list[Pair]] = {}
    for image, mask in pairs:
        by_car.setdefault(image.name.partition("_")[0], []).append((image, mask))
    *first, val, test = by_car.values()
    chosen = [pair for car in first for pair in car][:train]
    return lay_out(work / "cars", [chosen, val[:others], test[:others]])


def many_cars(data: Path, work: Path, number: int = 200) -> Path:
    """Lay out carvana's pairs over and over under new names, as one folder of images and one of masks."""
    folder = work / f"cars-{number}"
    if not folder.exists():
        pairs = pairs_of(data / "carvana" / "train", data / "carvana" / "train_masks")
        for at in range(number):
            image, mask = pairs[at % len(pairs)]
            _copy(image, folder / "images" / f"{at:05}.jpg")
            _copy(mask, folder / "masks" / f"{at:05}.gif")
    return folder


def car_model(data: Path, weights: Path, work: Path) -> Path:
    """Train segmentation-models-pytorch's U-Net over MobileNetV2 on cars for a minute; return its run.

    Beside its file `model.onnx`, which was asked whether bf16 may be used, lies `network.safetensors`, the same network
    for smp's own class.
    """
    run = work / "car-model"
    if not (run / "network.safetensors").exists():
        size = "x".join(map(str, PREDICT_SIZE))
        file = weights / "mobilenetv2_100_tf.safetensors"
        _maskwright(
            "train", str(cars(data, work)), "-o", str(run), "--epochs", "6", "--encoder", "mobilenetv2_100",
            "--weights", str(file), "--size", size, "--set", "model.name=smp_unet", "--set", "training.batch_size=8",
            "--no-pictures",
        )  # fmt: skip
        _maskwright("export", str(run), "--to", "bf16")
        _write_for_smp(run)
    return run


def _maskwright(*arguments: str) -> None:
    """Run a command. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "maskwright", *arguments, "--quiet"], check=True, stdout=subprocess.DEVNULL)


def _write_for_smp(run: Path) -> None:
    """Write the trained weights under the names of smp's class."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(run / "checkpoint" / "state.safetensors")
    mine = {name.removeprefix("network."): value for name, value in tensors.items() if name.startswith("network.")}
    named = {f"segmentation_{name}" if name.startswith("head.") else name: value for name, value in mine.items()}
    save_file(named, run / "network.safetensors")


def pairs_of(images: Path, masks: Path) -> list[Pair]:
    """Pair two folders by their order."""
    return list(zip(sorted(images.iterdir()), sorted(masks.iterdir()), strict=True))


def lay_out(folder: Path, parts: Iterable[Sequence[Pair]]) -> Path:
    """Copy pairs to folder/PART/images and folder/PART/masks, once."""
    if not folder.exists():
        for name, pairs in zip(PARTS, parts, strict=True):
            for image, mask in pairs:
                _copy(image, folder / name / "images" / image.name)
                _copy(mask, folder / name / "masks" / mask.name)
    return folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
