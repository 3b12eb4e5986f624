"""How long a user waits for a new process: `maskwright --help`, and `maskwright predict` of one picture.

    python benchmarks/startup.py RUN PICTURE

Medians of whole processes, from start to exit; the first of each is not counted.
"""

import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 7


def main() -> None:
    """Time both commands and print their medians."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    run, picture = sys.argv[1:]
    program = [sys.executable, "-m", "maskwright"]
    with tempfile.TemporaryDirectory() as folder:
        _time("maskwright --help", [*program, "--help"])
        _time("maskwright predict, one picture", [*program, "predict", run, picture, "-o", folder, "--overwrite"])


def _time(name: str, command: list[str]) -> None:
    seconds = []
    for _ in range(1 + RUNS):
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - begun)
    counted = seconds[1:]
    print(f"{name:<34} median {statistics.median(counted):.3f} s   {min(counted):.3f}-{max(counted):.3f} s")


if __name__ == "__main__":
    main()
