"""What `maskwright plan` forecasts against what `maskwright train` then takes, in seconds and in memory.

    MASKWRIGHT_DATA=... MASKWRIGHT_WEIGHTS=... python benchmarks/training/forecast.py [CASE ...] [--minutes]

Each case is two commands with an empty cache: a plan, and a training of a stated number of epochs, whose whole command
is timed from outside. The forecast for that number is the plan's: its fixed terms, and its epochs. With --minutes each
case is one training with `--minutes` instead, and the question is whether it ended in time.
Writes forecast.json beside this file (cases that were not run stay) and prints a table.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).with_name("forecast.json")
SMALL, SMALL_WEIGHTS = "mobilenetv2_035", "mobilenetv2_035_keras224.safetensors"


class Case(NamedTuple):
    """A training. arguments: of both commands; WEIGHTS stands for the folder of weights."""

    data: str
    arguments: tuple[str, ...]
    epochs: int
    minutes: float


USUAL = ("--encoder", SMALL, "--weights", f"WEIGHTS/{SMALL_WEIGHTS}")
CASES = {
    "isic": Case("isic", USUAL, 3, 2),
    "pets": Case("pets", USUAL, 3, 1.5),
    "carvana": Case("carvana", USUAL, 8, 1.5),
    "rocks": Case("rocks", USUAL, 4, 2.5),
    "carvana-unet": Case("carvana", ("--recipe", "carvana-unet", "--set", "training.early_stopping=null"), 4, 2),
}


def main() -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--minutes", action="store_true", help="trainings that have to end in time")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"schema_version": 1, "cases": {}}
    for name in options.cases:
        key = f"{name} --minutes" if options.minutes else name
        results["cases"][key] = _in_time(CASES[name]) if options.minutes else _forecast(CASES[name])
        results["machine"] = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores"
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        print(_row(key, results["cases"][key]), flush=True)
    print("\n".join(["", _row("case", None), *(_row(key, one) for key, one in results["cases"].items())]))


def _forecast(case: Case) -> dict[str, Any]:
    """Plan, then train the stated epochs, and compare."""
    with tempfile.TemporaryDirectory() as scratch:
        done, _, _ = _run(["plan", *_words(case), "--json", "-q"], Path(scratch) / "cache-plan")
        plan = json.loads(done)
        option = next(one for one in plan["options"] if one["name"] == plan["taken"])
        run = Path(scratch) / "run"
        epochs = ["--epochs", str(case.epochs)]
        _, seconds, memory = _run(["train", *_words(case), "-o", str(run), *epochs, "-q"], Path(scratch) / "cache")
        expected = dict(option["terms"])
        trainings = plan["folds"] + 1
        expected["fit"] = case.epochs * option["epoch_seconds"][0] * trainings
        found = {
            "epochs": case.epochs, "trainings": trainings, "expected": expected, "taken": _taken(run),
            "expected_seconds": round(sum(expected.values()), 1), "seconds": round(seconds, 1),
            "expected_memory": option["memory"], "memory": memory, "plan_seconds": plan["seconds"],
        }  # fmt: skip
    return {**found, "error": found["expected_seconds"] / found["seconds"] - 1}


def _in_time(case: Case) -> dict[str, Any]:
    """Train with --minutes and compare with them."""
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        words = ["train", *_words(case), "-o", str(run), "--minutes", f"{case.minutes:g}", "-q"]
        _, seconds, memory = _run(words, Path(scratch) / "cache")
        plan = next(
            json.loads(path.read_text()) for path in (run / "plan.json", run / "fold-1/plan.json") if path.exists()
        )
        events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    forecast = next(one for one in events if one["event"] == "forecast")
    return {
        "minutes": case.minutes, "expected_seconds": round(case.minutes * 60, 1), "seconds": round(seconds, 1),
        "expected": forecast["expected"], "taken": forecast["taken"], "expected_memory": plan["memory"],
        "memory": memory, "lengths": [one for one in events if one["event"] == "lengths"],
        "error": case.minutes * 60 / seconds - 1,
    }  # fmt: skip


def _taken(run: Path) -> dict[str, float]:
    """Return the seconds of the parts of a training, by the diary."""
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return next((one["taken"] for one in events if one["event"] == "stages"), {})


def _words(case: Case) -> list[str]:
    data = Path(os.environ["MASKWRIGHT_DATA"]) / case.data
    weights = os.environ.get("MASKWRIGHT_WEIGHTS", ".")
    return [str(data), *(word.replace("WEIGHTS", weights) for word in case.arguments)]


def _run(words: list[str], cache: Path) -> tuple[str, float, int]:
    """Run a command: (stdout, seconds of the whole process, its peak resident bytes)."""
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as told, subprocess.Popen(
        [sys.executable, "-m", "maskwright", *words],
        stdout=told, env={**os.environ, "MASKWRIGHT_CACHE": str(cache)}, text=True,
    ) as process:  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begun
        if process.returncode:
            raise SystemExit(f"maskwright {' '.join(words)} failed")
        told.seek(0)
        return told.read(), seconds, usage.ru_maxrss * 1024


def _row(name: str, one: dict[str, Any] | None) -> str:
    if one is None:
        return f"| {name} | expected | taken | error | expected memory | taken |\n|---|---|---|---|---|---|"
    memory = "-" if one["expected_memory"] is None else f"{one['expected_memory'] / 1e9:.2f} GB"
    times = f"{one['expected_seconds']:.0f} s | {one['seconds']:.0f} s | {one['error']:+.0%}"
    return f"| {name} | {times} | {memory} | {one['memory'] / 1e9:.2f} GB |"


if __name__ == "__main__":
    main()
