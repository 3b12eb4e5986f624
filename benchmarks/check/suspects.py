"""How well suspect labels are found, beside cleanlab's ranking of the same predictions.

    pip install cleanlab        # wanted by this benchmark only
    python benchmarks/check/suspects.py --data ../shared/data --sets pebbles isic --encoder mobilenetv2_035 \
        --weights FILE.safetensors      # pebbles without --encoder: a plain U-Net from random weights

Each set is copied with a tenth of its masks spoilt (see `spoilt_labels.py`); cheap folds are trained on the copy, as
`maskwright check` trains them, and every mask is held against the model that has not seen it. Printed are, for each
set: average precision of our ranking and of cleanlab's two (and of the mean probability of the mask's own class), and
recall and precision among the masks that are reported. Masks that were doubtful before count as false alarms.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spoilt_labels import spoil

import maskwright
from maskwright.audit.suspects import REPORTED, Suspicion, rank
from maskwright.data.dataset import Dataset
from maskwright.evaluation.score import load_pictures
from maskwright.images.classes import IGNORE
from maskwright.images.formats import resize_labels
from maskwright.images.resize import resize_float
from maskwright.progress import Step
from maskwright.recipe import Recipe
from maskwright.runs.opening import picture_reader
from maskwright.runs.opinions import Hearing
from maskwright.runs.outsiders import find_outsiders
from maskwright.runs.recipes import load_recipe

GRID = 128  # side at which cleanlab sees masks and probabilities
PEBBLES = {"model.encoder": "none", "model.weights": "none", "augmentation.flip_vertical": 0.5,
           "augmentation.quarter_turns": True, "training.phases.0.learning_rate": 0.004,
           "training.batch_size": 8}  # fmt: skip
SETS = {
    "pebbles": ("object-removed",),
    "pebbles-of-two-kinds": ("wrong-class", "object-removed"),
    "isic": ("shifted", "ellipse", "emptied", "half-cut"),
    "rocks": ("object-removed", "shifted"),
    "breeds": ("wrong-class",),
}


def main() -> None:
    """Measure the sets that are named and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["pebbles"])
    parser.add_argument("--pictures", type=int, default=200, help="of a set, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--encoder", default="auto")
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    figures = {}
    for name in options.sets:
        stated = {"model.encoder": options.encoder, "model.weights": options.weights}
        plain = name.startswith("pebbles") and options.encoder == "auto"
        recipe = load_recipe(None, PEBBLES if plain else stated)
        with tempfile.TemporaryDirectory() as place:
            clean = _clean(name, options.data, options.pictures, Path(place))
            spoilt = spoil(clean, Path(place) / "spoilt", ways=SETS[name], seed=options.seed)
            figures[name] = measure(maskwright.read_dataset(Path(place) / "spoilt"), spoilt, recipe)
        print(name, json.dumps(figures[name]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(dataset: Dataset, spoilt: dict[str, str], recipe: Recipe) -> dict[str, Any]:
    """Return the figures of one spoilt set. spoilt: id -> how."""
    hearing, labels, probabilities, ids = Hearing(dataset), [], [], []
    for outsider in find_outsiders(dataset, None, _tell, recipe=recipe, rows=np.arange(len(dataset))):
        predictor, hearing.model = maskwright.load(outsider.model), outsider.name
        for loaded in load_pictures(dataset, outsider.rows, picture_reader(dataset, predictor)):
            found = predictor.probabilities(loaded.image)
            hearing.hear(loaded, found)
            label, shares = _for_cleanlab(loaded.truth, found)
            labels.append(label)
            probabilities.append(shares)
            ids.append(loaded.id)
    names = {name.replace("/", "_"): how for name, how in spoilt.items()}
    ranked = rank(hearing.opinions)
    return {
        "pictures": len(ids),
        "spoilt": len(names),
        "average_precision": {
            "maskwright": _average_precision([one.opinion.sample in names for one in ranked]),
            **_of_cleanlab(np.stack(labels), np.stack(probabilities), np.array([name in names for name in ids])),
        },
        **_reported(ranked, names),
    }


def _reported(ranked: Sequence[Suspicion], names: dict[str, str]) -> dict[str, Any]:
    reported = {one.opinion.sample for one in ranked if one.score >= REPORTED}
    by_way = {
        way: round(float(np.mean([name in reported for name, how in names.items() if how == way])), 3)
        for way in sorted(set(names.values()))
    }
    right = len(reported & set(names))
    recall, precision = right / max(1, len(names)), right / max(1, len(reported))
    return {"reported": len(reported), "recall": round(recall, 3), "precision": round(precision, 3), "by_way": by_way}


def _for_cleanlab(mask: NDArray[np.uint8], found: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return labels and shares on a common grid; it knows no ignored pixels: they get the model's own class."""
    shares = np.clip(resize_float(found, (GRID, GRID)), 0, 1)
    shares = np.concatenate([1 - shares, shares]) if len(shares) == 1 else shares
    label = resize_labels(mask, (GRID, GRID))
    return np.where(label == IGNORE, shares.argmax(axis=0), label).astype(int), shares / shares.sum(axis=0)


def _of_cleanlab(labels: NDArray[Any], shares: NDArray[np.float32], wrong: NDArray[np.bool_]) -> dict[str, float]:
    from cleanlab.segmentation.rank import get_label_quality_scores

    ways: dict[str, dict[str, Any]] = {"softmin": {}, "num_pixel_issues": {"downsample": 1}}
    scores = {
        f"cleanlab {way}": get_label_quality_scores(labels, shares, method=way, verbose=False, **more)[0]
        for way, more in ways.items()
    }
    scores["mean probability"] = np.take_along_axis(shares, labels[:, None], 1).mean(axis=(1, 2, 3))
    return {name: _average_precision(wrong[np.argsort(score, kind="stable")]) for name, score in scores.items()}


def _average_precision(wrong: Sequence[bool] | NDArray[np.bool_]) -> float:
    """Return the mean, over the spoilt ones, of the share of spoilt ones among those ranked as high or higher."""
    flags = np.array(wrong, float)
    shares = np.cumsum(flags) / np.arange(1, len(flags) + 1)
    return round(float(shares[flags > 0].mean()), 3)


def _clean(name: str, data: Path, most: int, place: Path) -> Dataset:
    """Return a set before it is spoilt, of at most so many pictures, spread over it."""
    if name.startswith("pebbles"):
        folder = maskwright.make_pebbles(
            place / "clean", min(most, 120), size=(192, 256), seed=5, classes=2 if name == "pebbles" else 3
        )
        return maskwright.read_dataset(folder)
    if name == "breeds":
        return _breeds(data / "pets", most, place / "clean")
    dataset = maskwright.read_dataset(data / ("isic/train" if name == "isic" else name))
    return dataset.select(np.unique(np.linspace(0, len(dataset) - 1, min(most, len(dataset))).round().astype(int)))


def _breeds(pets: Path, most: int, folder: Path) -> Dataset:
    """Write the pets with their breed as the class, as many of each; the border is ignored."""
    import shutil

    import yaml

    from maskwright.images.writing import encode_png

    dataset, taken = maskwright.read_dataset(pets), {1: 0, 2: 0}
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for row, sample in enumerate(dataset):
        breed = 1 if sample.image.stem.startswith("Abyssinian") else 2
        mask = dataset.read_mask(row)
        if taken[breed] < most // 2 and (mask == 1).any():
            taken[breed] += 1
            shutil.copyfile(sample.image, folder / "images" / sample.image.name)
            breeds = np.where(mask == 1, breed, mask).astype(np.uint8)
            (folder / "masks" / f"{sample.image.stem}.png").write_bytes(encode_png(breeds))
    names = ["background", "abyssinian", "other"]
    values = {**{name: number for number, name in enumerate(names)}, "ignore": IGNORE}
    content = {"encoding": "index", "group": "name", "classes": names, "values": values}
    (folder / "dataset.yaml").write_text(yaml.safe_dump(content))
    return maskwright.read_dataset(folder)


def _tell(step: Step) -> None:
    if step.text:
        print("  ", step.text, flush=True)


if __name__ == "__main__":
    main()
