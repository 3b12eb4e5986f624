"""What a decoder's width costs, and what it is worth: seconds, parameters and Dice of U-Nets over MobileNetV2.

    python benchmarks/training/decoders.py run RESULTS.json DATA --weights FOLDER [--steps 66 198] [--seeds 0 1]
    python benchmarks/training/decoders.py table RESULTS.json

DATA: a folder of pictures and masks; a fifth of its groups, picked by a hash, is held back, so give training pictures
only. FOLDER: with mobilenetv2_035_keras224.safetensors and mobilenetv2_100_tf.safetensors. Each training is one row,
written at once; rows that are there are not trained again. Trainings run as `maskwright train` runs them: same
batches, augmentation, loss, optimizer, schedule and precision. Core seconds are those that the process kept cores
busy: they hardly change where the machine does other work beside it.
"""

import argparse
import json
import statistics
import time
import zlib
from pathlib import Path
from typing import Any

from maskwright.cli.process import tune_process

tune_process()

import numpy as np  # noqa: E402 - the process is tuned first
import torch  # noqa: E402

from maskwright.data.pack import PackSettings, build_pack  # noqa: E402
from maskwright.data.read import read_dataset  # noqa: E402
from maskwright.losses import build_loss  # noqa: E402
from maskwright.models.build import build_network, count_parameters  # noqa: E402
from maskwright.progress import ignore  # noqa: E402
from maskwright.recipe import Recipe  # noqa: E402
from maskwright.runs.fitting import Subset  # noqa: E402
from maskwright.training.batches import WholeBatches  # noqa: E402
from maskwright.training.feeding import Scaling  # noqa: E402
from maskwright.training.steps import FitSettings, State, take_step  # noqa: E402
from maskwright.training.validation import validate  # noqa: E402

SIZE, BATCH = (192, 192), 16
WEIGHTS = {
    "mobilenetv2_035": "mobilenetv2_035_keras224.safetensors",
    "mobilenetv2_100": "mobilenetv2_100_tf.safetensors",
}
DECODERS = ((256, 128, 64, 32, 16), (128, 64, 48, 32, 16), (128, 64, 48, 32), (64, 48, 32, 24), (64, 32, 24, 16))


def main() -> None:
    """Train what is lacking, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run, table = verbs.add_parser("run"), verbs.add_parser("table")
    for verb in (run, table):
        verb.add_argument("results", type=Path)
    run.add_argument("data", type=Path)
    run.add_argument("--weights", type=Path, required=True)
    run.add_argument("--encoders", nargs="+", default=list(WEIGHTS), choices=list(WEIGHTS))
    run.add_argument("--decoders", nargs="+", default=[_name(channels) for channels in DECODERS])
    run.add_argument("--steps", nargs="+", type=int, default=[66, 198])
    run.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    run.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    run.add_argument("--minutes", type=float, default=1e9, help="begin no further training after so many")
    arguments = parser.parse_args()
    if arguments.verb == "table":
        print(_table(_read(arguments.results)))
        return
    _run(arguments)


def _run(arguments: argparse.Namespace) -> None:
    """Train each row that is not there yet, the outer loop over seeds, so that a stop leaves whole comparisons."""
    begun, dataset = time.monotonic(), read_dataset(arguments.data)
    val = np.array([i for i, group in enumerate(dataset.columns.groups) if zlib.crc32(group.encode()) % 5 == 0])
    train = np.setdiff1d(np.arange(len(dataset)), val)
    pack = build_pack(dataset, np.concatenate([train, val]), PackSettings(size=SIZE, bands=3))
    parts = Subset(pack, tuple(range(len(train)))), Subset(pack, tuple(range(len(train), len(pack))))
    for seed in arguments.seeds:
        for steps in arguments.steps:
            for encoder in arguments.encoders:
                for decoder in arguments.decoders:
                    rows = _read(arguments.results)
                    key = f"{arguments.data.parent.name}/{encoder}/{decoder}/{steps}/{seed}/{arguments.precision}"
                    if key in rows or time.monotonic() - begun > 60 * arguments.minutes:
                        continue
                    row = _train(arguments, encoder, decoder, steps, seed, parts, dataset)
                    rows[key] = row
                    arguments.results.parent.mkdir(parents=True, exist_ok=True)
                    arguments.results.write_text(json.dumps(rows, indent=1) + "\n")
                    print(key, row, flush=True)


def _train(
    arguments: argparse.Namespace, encoder: str, decoder: str, steps: int, seed: int, parts: Any, dataset: Any
) -> dict[str, Any]:
    """Train one network and return its row."""
    torch.manual_seed(seed)
    network, facts = build_network(
        "unet", encoder=encoder, weights=str(arguments.weights / WEIGHTS[encoder]), in_channels=3,
        num_outputs=dataset.classes.num_outputs, decoder_channels=tuple(map(int, decoder.split("-"))),
    )  # fmt: skip
    recipe, scaling = Recipe(), Scaling(255.0, facts.mean, facts.std)
    options = recipe.training.model_copy(update={"seed": seed})
    names = [str(at) for at in range(len(parts[0]))]
    settings = FitSettings(
        recipe.training.phases, options, recipe.augmentation, scaling, SIZE, arguments.precision, names
    )
    state, batches = State(network, settings, torch.device("cpu")), WholeBatches(parts[0], BATCH, seed)
    loss, seconds, busy = build_loss("auto", dataset.classes), [], []
    for done in range(steps):
        state.position.epoch, state.position.step = divmod(done, batches.steps)
        state.set_rates(done, steps)
        begun, worked = time.perf_counter(), time.process_time()
        take_step(state, batches.batch(state.position.epoch, state.position.step), loss, ignore)
        seconds.append(time.perf_counter() - begun)
        busy.append(time.process_time() - worked)
    dice = validate(
        network, parts[1], dataset.classes, scaling, size=SIZE, device=torch.device("cpu"),
        precision=arguments.precision, measure="dice", batch_size=BATCH,
    )  # fmt: skip
    return {
        "dice": round(dice, 4), "seconds": round(sum(seconds), 2), "step_seconds": round(statistics.median(seconds), 4),
        "core_seconds": round(statistics.median(busy), 4),
        "epoch_steps": batches.steps, "parameters": count_parameters(network).parameters, "pictures": len(parts[0]),
    }  # fmt: skip


def _table(rows: dict[str, Any]) -> str:
    """Return a markdown table: a line for each set, encoder and decoder; the Dice is the mean over seeds."""
    lengths = sorted({int(key.split("/")[3]) for key in rows})
    kinds = sorted({tuple(key.split("/")[:3]) for key in rows}, key=lambda kind: (*kind[:2], _cost(rows, kind)))
    head = [
        "set",
        "encoder",
        "decoder",
        "parameters",
        "s a step",
        "core s a step",
        "core s an epoch",
        *(f"Dice, {n} steps" for n in lengths),
    ]
    lines = [head, ["---"] * len(head)]
    for kind in kinds:
        own = {key: row for key, row in rows.items() if tuple(key.split("/")[:3]) == kind}
        first, step = next(iter(own.values())), _cost(rows, kind)
        waited = statistics.median(row["step_seconds"] for row in own.values())
        cells = [*kind, f"{first['parameters'] / 1e6:.2f} M", f"{waited:.3f}", f"{step:.3f}"]
        cells.append(f"{step * first['epoch_steps']:.1f}")
        for length in lengths:
            found = [row["dice"] for key, row in own.items() if int(key.split("/")[3]) == length]
            spread = f" ({min(found):.3f}-{max(found):.3f})" if len(found) > 1 else ""
            cells.append(f"{statistics.mean(found):.3f}{spread}" if found else "")
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cost(rows: dict[str, Any], kind: tuple[str, ...]) -> float:
    """Return the median over trainings of the median seconds that a step keeps cores busy: all of them together."""
    return statistics.median(row["core_seconds"] for key, row in rows.items() if tuple(key.split("/")[:3]) == kind)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _name(channels: tuple[int, ...]) -> str:
    return "-".join(map(str, channels))


if __name__ == "__main__":
    main()
