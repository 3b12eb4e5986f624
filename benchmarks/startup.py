"""How long a user waits for a new process: `maskwright --help`, one picture predicted, a training from nothing.

    python benchmarks/startup.py RUN PICTURE
    python benchmarks/startup.py train DATA [--runs 3] [options of `maskwright train`, such as --epochs 5]

The first: medians of whole processes, from start to exit; the first of each is not counted. The second: from the
command to `model.onnx` on disk, and to the report, with a cache that is empty and a Dice that is the best of the
validations during training; then what a process takes to import, in core seconds (they hardly change where the machine
does other work beside it).
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 7
PROGRAM = [sys.executable, "-m", "maskwright"]
IMPORTS = {
    "torch": "import torch",
    "what a training of the usual network imports": (
        "import maskwright.runs.train, maskwright.models.build, maskwright.losses, maskwright.training.loop, "
        "maskwright.export.graph"
    ),
    "timm": "import timm",
    "segmentation_models_pytorch": "import segmentation_models_pytorch",
    "torch.optim.AdamW, made for one tensor": "import torch; torch.optim.AdamW([torch.zeros(1, requires_grad=True)])",
}


def main() -> None:
    """Time what is asked for and print medians."""
    if sys.argv[1:2] == ["train"] and len(sys.argv) > 2:
        _train(sys.argv[2], sys.argv[3:])
        _imports()
        return
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    run, picture = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        _time("maskwright --help", [*PROGRAM, "--help"])
        _time("maskwright predict, one picture", [*PROGRAM, "predict", run, picture, "-o", folder, "--overwrite"])


def _time(name: str, command: list[str]) -> None:
    seconds = []
    for _ in range(1 + RUNS):
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - begun)
    counted = seconds[1:]
    print(f"{name:<34} median {statistics.median(counted):.3f} s   {min(counted):.3f}-{max(counted):.3f} s")


def _train(data: str, options: list[str]) -> None:
    """Train in new processes, each with an empty cache, and print when the model file was there."""
    runs = 3
    if "--runs" in options:
        at = options.index("--runs")
        runs = int(options[at + 1])
        del options[at : at + 2]
    there, whole = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as scratch:
            run = Path(scratch) / "run"
            environment = {**os.environ, "XDG_CACHE_HOME": str(Path(scratch) / "cache")}
            begun = time.time()
            command = [*PROGRAM, "train", data, "-o", str(run), "--quiet", *options]
            subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=True)
            whole.append(time.time() - begun)
            # the file is written again with its scores; what was proven and written first lies beside it
            there.append((run / "parity.json").stat().st_mtime - begun)
            events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
            scores = [event["score"] for event in events if event["event"] == "epoch" and event["score"] is not None]
            best = f"best of {len(scores)} validations {max(scores):.4f}" if scores else "no validation"
            print(f"model.onnx after {there[-1]:6.1f} s, report after {whole[-1]:6.1f} s, {best}", flush=True)
    print(f"median: model.onnx after {statistics.median(there):.1f} s, report after {statistics.median(whole):.1f} s")


def _imports() -> None:
    """Print the core seconds of imports, each in a new process, median of three."""
    for name, code in IMPORTS.items():
        measured = []
        for _ in range(3):
            told = f"import time; {code}; import sys; print(time.process_time(), len(sys.modules))"
            done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
            measured.append(tuple(map(float, done.stdout.split()[-2:])))
        seconds, modules = map(statistics.median, zip(*measured, strict=True))
        print(f"{name:<46} {seconds:5.2f} core s, {modules:.0f} modules")


if __name__ == "__main__":
    main()
