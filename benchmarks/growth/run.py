"""How cost grows: with the number of pictures, with their size, with the cores that may be used.

    python benchmarks/growth/run.py --work FOLDER [--model RUN] [--numbers 100 1000 10000] [--sides 256 1024 4096 8192]

Draws pictures of blobs with their masks, no two alike, and runs each command of `maskwright` on them in a process of
its own. Of each it notes seconds, seconds of processor, and the peak of its memory; beside them stands the exponent
of the growth since the smaller one: 1 is linear, above it something grows faster than what it works on. What is
measured is kept in results.json at once, so that a long run may be stopped and gone on with (`page.py` draws it).
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from page import exponent
from PIL import Image
from scipy import ndimage

RESULTS = Path(__file__).with_name("results.json")
SMALL = 96  # pixels a side of the many pictures
PACK = (
    "import sys; from pathlib import Path; from maskwright.data.pack import PackSettings, build_pack;"
    "from maskwright.data.read import read_dataset;"
    "data = read_dataset(Path(sys.argv[1]));"
    "build_pack(data, range(len(data)), PackSettings(size=(64, 64), scale=1.0, bands=3))"
)


def draw(generator: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture (side, side, 3) of a few blobs on another colour, and its mask of 0 and 255."""
    cells = 12
    field = ndimage.gaussian_filter(generator.standard_normal((cells, cells)), 1.5)
    field = ndimage.zoom(field, side / cells, order=1)[:side, :side]
    mask = field > np.quantile(field, generator.uniform(0.6, 0.9))
    ground, objects = generator.integers(0, 256, (2, 3))
    noise = generator.integers(-20, 21, (min(side, 512), min(side, 512), 3))
    tiles = -(-side // noise.shape[0])
    picture = np.where(mask[..., None], objects, ground) + np.tile(noise, (tiles, tiles, 1))[:side, :side]
    return np.clip(picture, 0, 255).astype(np.uint8), mask.astype(np.uint8) * 255


def write_set(folder: Path, number: int, side: int) -> Path:
    """Write pairs into folder/images and folder/masks; what is whole is kept."""
    if (folder / "whole").exists():
        return folder / "data"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("images", "masks"):
        (folder / "data" / name).mkdir(parents=True)
    generator = np.random.default_rng(side)
    for at in range(number):
        picture, mask = draw(generator, side)
        Image.fromarray(picture).save(folder / "data" / "images" / f"{at:06}.jpg", quality=90)
        Image.fromarray(mask).save(folder / "data" / "masks" / f"{at:06}.png", compress_level=1)
    (folder / "whole").touch()
    return folder / "data"


def measure(command: list[str], folder: Path, cores: int | None = None) -> dict[str, float]:
    """Run a program with an empty cache: seconds, seconds of processor, and the peak of its memory in MB."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {**os.environ, "MASKWRIGHT_CACHE": str(folder / "cache")}
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    with open(folder / "output", "wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, cwd=folder,
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(f"{' '.join(command)} ended with {status}: {(folder / 'output').read_text()[-2000:]}")
    shutil.rmtree(folder)
    return {
        "seconds": round(seconds, 2), "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mb": round(usage.ru_maxrss / 1024, 1),
    }  # fmt: skip


def commands(data: Path, model: Path | None, which: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each piece of work with its command line."""
    program = [sys.executable, "-m", "maskwright"]
    masks = str(data / "masks")
    known = {
        "check": [*program, "check", str(data), "--quiet"],
        "pack": [sys.executable, "-c", PACK, str(data)],
        "evaluate": [*program, "evaluate", "--predictions", masks, "--truth", masks, "--counts-only", "--quiet"],
    }
    if model is not None:
        known["predict"] = [*program, "predict", str(model), str(data / "images"), "-o", "masks", "--quiet"]
    yield from ((name, known[name]) for name in which if name in known)


def note(table: str, key: str, name: str, values: dict[str, float]) -> dict[str, dict[str, float]]:
    """Put a measurement into results.json; return all of the same work."""
    content = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"schema_version": 1, "tables": {}}
    content["machine"] = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    rows: dict[str, dict[str, float]] = content["tables"].setdefault(table, {}).setdefault(name, {})
    rows[key] = values
    content["date"] = time.strftime("%Y-%m-%d")
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")
    return rows


def run(table: str, key: int, data: Path, options: argparse.Namespace, cores: int | None = None) -> None:
    """Measure all pieces of work on one set."""
    for name, command in commands(data, options.model, options.only):
        values = measure(command, options.work / "run", cores)
        grown = exponent(note(table, str(key), name, values), key)
        said = "  ".join(f"{what} {value:,.2f}" for what, value in values.items())
        said += "" if grown is None else f"  growth {grown:.2f}"
        print(f"{table:>8} {key:>7,} {name:<9} {said}", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the pictures; it may be gone on with")
    parser.add_argument("--model", type=Path, help="a run, for predict")
    parser.add_argument("--numbers", type=int, nargs="*", default=[100, 1000, 10_000])
    parser.add_argument("--sides", type=int, nargs="*", default=[256, 1024, 4096, 8192])
    parser.add_argument("--cores", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--only", nargs="*", default=["check", "pack", "evaluate", "predict"])
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.model = None if options.model is None else options.model.resolve()
    for number in options.numbers:
        run("number", number, write_set(options.work / f"number-{number}", number, SMALL), options)
    for side in options.sides:
        run("side", side, write_set(options.work / f"side-{side}", 4, side), options)
    for cores in options.cores:
        run("cores", cores, write_set(options.work / "cores", 100, 1024), options, cores)


if __name__ == "__main__":
    main()
