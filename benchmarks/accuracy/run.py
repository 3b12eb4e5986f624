"""Train one recipe with several seeds on a real set, and print scores, their mean and spread, and the time.

    python benchmarks/accuracy/run.py DATA --recipe benchmarks/accuracy/isic.yaml --encoder mobilenetv2_100 \
        --weights FILE.safetensors --seeds 0 1 2

Each run is a command of its own, so the time includes starting Python, checking, packing, export and scoring.
The test part of each run is read once, by the training itself.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

MEASURES = ("dice", "iou", "accuracy")


def main() -> None:
    """Run the seeds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=Path("runs/accuracy"))
    options, rest = parser.parse_known_args()
    rows = [_train(options.data, options.output, seed, rest) for seed in options.seeds]
    for name in ("seconds", *(f"{kind}.{measure}" for kind in ("per_image", "pooled") for measure in MEASURES)):
        values = [row[name] for row in rows]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        each = " ".join(f"{value:.4f}" if value < 10 else f"{value:.0f}" for value in values)
        print(f"{name:<20} mean {statistics.mean(values):.4f}   sd {spread:.4f}   {each}")


def _train(data: str, output: Path, seed: int, rest: list[str]) -> dict[str, float]:
    run = output / f"seed-{seed}"
    command = [sys.executable, "-m", "maskwright", "train", data, "-o", str(run), "--seed", str(seed), "--json", *rest]
    begun = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - begun
    document = json.loads(done.stdout)
    if not document["ok"]:
        raise SystemExit(document["error"])
    scores = document["scores"]
    row = {f"{kind}.{name}": scores[kind][name]["value"] for kind in ("per_image", "pooled") for name in MEASURES}
    return {"seconds": seconds, **row}


if __name__ == "__main__":
    main()
