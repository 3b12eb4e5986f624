"""`maskwright train` as it stands, timed by the run's own diary. Prints pictures per second.

    python ours/train.py DATA WORK --epochs 4 [OPTIONS OF maskwright train]

Steady state: the first epoch does not count. --phase: all epochs count, and packing before them, from the moment at
which the plan was written to the end of the last epoch.
"""

import argparse
import json
from pathlib import Path

from command import events_of, maskwright


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(allow_abbrev=False)  # the rest is for maskwright
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--phase", action="store_true")
    options, rest = parser.parse_known_args()
    run = options.work / "run"
    maskwright("train", str(options.data), "-o", str(run), "--epochs", str(options.epochs), "--no-pictures", *rest)
    pictures, seconds = timed(run, phase=options.phase)
    plan = json.loads((run / "plan.json").read_text("utf-8"))
    answer = {"value": pictures / seconds, "pictures": pictures, "seconds": seconds, "precision": plan["precision"]}
    print(json.dumps(answer | {"loss": events_of(run, "epoch")[-1]["loss"]}))


def timed(run: Path, *, phase: bool) -> tuple[int, float]:
    """Return how many pictures were trained on, and in how many seconds: after the first epoch, or the whole phase."""
    lines = (run / "split.csv").read_text("utf-8").splitlines()
    pictures = sum(line.endswith(",train") for line in lines)
    ends = [event["time"] for event in events_of(run, "epoch")]
    if phase:
        return pictures * len(ends), ends[-1] - (run / "plan.json").stat().st_mtime
    return pictures * (len(ends) - 1), ends[-1] - ends[0]


if __name__ == "__main__":
    main()
