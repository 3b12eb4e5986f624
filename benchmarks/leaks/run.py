"""What a split by picture promises and what a split by car promises, against cars that no model has seen.

    python benchmarks/leaks/run.py --data ../shared/data/carvana --weights ../shared/weights/FILE.safetensors
    python benchmarks/leaks/run.py --page     # writes docs/leaks.md from results.json

Carvana's pictures are up to 16 views of each of a few cars. The same recipe is trained twice: with folds by picture, as
a random split does, and with folds by car. First on the whole set: the scores that each way would print. Then a third
of the cars is taken away from everything, three times; on the other cars both ways are trained and scored out of fold,
and the very models that made those scores are scored on the cars taken away.

Pictures and masks are first reduced into a temporary folder: reading and scoring them would cost more than training.
"""

import argparse
import csv
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from leaks_page import MEASURES, make_page
from PIL import Image

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results.json", HERE.parents[1] / "docs" / "leaks.md"
CAR = "([^_]+)_"  # the part of a picture's name that names the car
WAYS = {"picture": "none", "car": CAR}
THIRDS = 3


@dataclass(frozen=True)
class Setup:
    """What both ways share. width: of the reduced pictures."""

    folds: int
    epochs: int
    batch_size: int
    size: tuple[int, int]
    width: int
    encoder: str
    weights: str
    precision: str


def main() -> None:
    """Read the command line; run the experiment, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/carvana"))
    parser.add_argument("--weights", default="../shared/weights/mobilenetv2_035_keras224.safetensors")
    parser.add_argument("--encoder", default="mobilenetv2_035")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--size", type=int, nargs=2, default=[96, 128], metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--width", type=int, default=480, help="of the pictures that are trained on and scored")
    parser.add_argument("--precision", default="bf16", help="stated, since other work would disturb the probe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", action="store_true", help="write docs/leaks.md from the results, and train nothing")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(make_page(json.loads(given.results.read_text())))
        return
    weights = given.weights if given.weights == "none" else str(Path(given.weights).resolve())
    setup = Setup(
        given.folds, given.epochs, given.batch_size, tuple(given.size), given.width, given.encoder, weights,
        given.precision,
    )  # fmt: skip
    for results in run(setup, given.data, given.seeds):
        given.results.write_text(json.dumps(results, indent=1) + "\n")


def run(setup: Setup, source: Path, seeds: list[int]) -> Iterator[dict[str, Any]]:
    """Run the whole experiment with each seed; yield what results.json holds after each of them."""
    import torch

    import maskwright

    begun, rows = (time.monotonic(), time.process_time()), []
    with tempfile.TemporaryDirectory() as work:
        data = reduce(source, Path(work) / "data", setup.width)
        for number, seed in enumerate(seeds, start=1):
            rows += [{"seed": seed, **row} for row in run_seed(setup, data, seed, Path(work) / f"seed-{seed}")]
            yield {
                "schema_version": 1,
                "setup": {**vars(setup), "weights": Path(setup.weights).name},
                "seeds": seeds[:number],
                "seconds": round(time.monotonic() - begun[0]),
                "processor_seconds": round(time.process_time() - begun[1]),
                "maskwright": maskwright.__version__,
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch on {torch.get_num_threads()}",
                "measures": list(MEASURES),
                "rows": rows,
            }


def reduce(source: Path, target: Path, width: int) -> Path:
    """Write pictures and masks at this width, in the folders' own layout; masks keep their two values."""
    from maskwright.data.read import read_dataset

    dataset = read_dataset(source)
    for folder in ("train", "train_masks"):
        (target / folder).mkdir(parents=True)
    for number, sample in enumerate(dataset):
        image = Image.fromarray(dataset.read_image(number))
        size = width, round(image.height * width / image.width)
        image.resize(size, Image.Resampling.BOX).save(target / "train" / f"{sample.id}.png")
        mask = Image.fromarray(dataset.read_mask(number) * np.uint8(255))
        mask.resize(size, Image.Resampling.NEAREST).save(target / "train_masks" / f"{sample.id}_mask.png")
    return target


def run_seed(setup: Setup, data: Path, seed: int, work: Path) -> list[dict[str, Any]]:
    """Train both ways on everything (third 0), then three times without a third of the cars; return all scores."""
    from maskwright.data.read import read_dataset
    from maskwright.data.splits import fold_split
    from maskwright.recipe import DataOptions

    rows = []
    for way in WAYS:
        rows.append({"third": 0, "way": way, **printed(train(setup, data, way, seed, work / f"whole-{way}"))})
    everything = read_dataset(data, DataOptions(group=CAR))
    for third, held in enumerate(fold_split(everything, THIRDS, seed=seed), start=1):
        rest = np.setdiff1d(np.arange(len(everything)), held)
        listed = write_list(everything, rest, work / f"rest-{third}.csv")
        for way in WAYS:
            result = train(setup, listed, way, seed, work / f"rest-{third}-{way}")
            rows += [{"third": third, "way": way, **row} for row in (printed(result), *true(result, everything, held))]
            print(f"seed {seed}, third {third}, folds by {way}: done", flush=True)
    return rows


def train(setup: Setup, data: Path, way: str, seed: int, run: Path) -> Any:
    """Cross-validate one way, as a user would."""
    import maskwright

    overrides = {
        "data.group": WAYS[way], "model.encoder": setup.encoder, "model.weights": setup.weights,
        "model.size": list(setup.size), "training.batch_size": setup.batch_size, "training.seed": seed,
        "training.phases.0.epochs": setup.epochs, "training.precision": setup.precision,
    }  # fmt: skip
    return maskwright.train(data, output=run, folds=setup.folds, overrides=overrides, device="cpu", pictures=False)


def write_list(dataset: Any, rows: Any, path: Path) -> Path:
    """Write a list of some pairs, without any group."""
    columns = dataset.columns
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("image", "mask"))
        lines.writerows((dataset.root / columns.images[row], dataset.root / columns.masks[row][0]) for row in rows)
    return path


def printed(result: Any) -> dict[str, Any]:
    """Return the out-of-fold scores. groups: over how many of them the training's own intervals are; null: pictures."""
    scores = {Path(one["id"]).name: [round(one[m], 5) for m in MEASURES] for one in result.scores["pictures"]}
    return {"kind": "printed", "groups": result.scores["groups"], "scores": scores}


def true(result: Any, everything: Any, held: Any) -> Iterator[dict[str, Any]]:
    """Yield scores of the run's models on the cars held out: mean of the folds' models, model.onnx, ensemble.onnx."""
    kinds = {
        "folds": sorted(result.run.glob("fold-*/model.onnx")),
        "final": [result.model],
        "ensemble": [result.run / "ensemble.onnx"],
    }
    for kind, models in kinds.items():
        each = np.array([score(model, everything, held) for model in models])  # (models, pictures, measures)
        names = [Path(everything[int(row)].id).name for row in held]
        scores = dict(zip(names, each.mean(axis=0).round(5).tolist(), strict=True))
        yield {"kind": kind, "groups": len({everything[int(row)].group for row in held}), "scores": scores}


def score(model: Path, dataset: Any, rows: Any) -> list[list[float]]:
    """Return each picture's scores by one model file."""
    from maskwright.progress import ignore
    from maskwright.runs.scoring import score_part, summarise_part
    from maskwright.runtime.predictor import load_model

    predictor = load_model(model)
    evaluation = summarise_part(dataset, score_part(dataset, rows, predictor, ignore), [predictor], None)
    return [[float(one.scores[m] or 0) for m in MEASURES] for one in evaluation.pictures]


if __name__ == "__main__":
    main()
