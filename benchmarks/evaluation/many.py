"""How fast, and in how much memory, very many masks are evaluated: masks of one megapixel against masks.

    python benchmarks/evaluation/many.py --pictures 10000 --work FOLDER

Draws a few hundred different pairs of blobs with frayed borders, writes them as PNG, and gives each of them many names
(hard links), so that every file is really opened and decoded. Then it runs `maskwright evaluate --predictions
--truth` in a process of its own, and prints pictures a second and the peak of its resident memory.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage


def blobs(generator: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a true mask of a few blobs, and a prediction that is off at their borders."""
    coarse = generator.standard_normal((side // 32, side // 32))
    field = ndimage.zoom(ndimage.gaussian_filter(coarse, 2.5), 32, order=1)
    error = ndimage.zoom(generator.standard_normal((side // 8, side // 8)), 8, order=1)
    level = np.quantile(field, generator.uniform(0.6, 0.95))
    width = 0.15 * field.std()
    return (field > level).astype(np.uint8) * 255, (field + width * error > level).astype(np.uint8) * 255


def write_pairs(folder: Path, pictures: int, different: int, side: int) -> None:
    """Write the pairs once, and link them under as many names as wanted."""
    generator = np.random.default_rng(0)
    for name in ("truth", "predictions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(pictures):
        if number < different:
            for name, mask in zip(("truth", "predictions"), blobs(generator, side), strict=True):
                Image.fromarray(mask).save(folder / name / f"{number:06}.png", compress_level=1)
            continue
        for name in ("truth", "predictions"):
            os.link(folder / name / f"{number % different:06}.png", folder / name / f"{number:06}.png")


def measure(folder: Path, *options: str) -> dict[str, float]:
    """Evaluate in a process of its own; return seconds and the peak of its memory in MB."""
    command = [sys.executable, "-m", "maskwright", "evaluate", "--predictions", str(folder / "predictions")]
    command += ["--truth", str(folder / "truth"), "--json", "--quiet", *options]
    begun = time.perf_counter()
    with open(folder / "evaluation.out", "wb") as file:
        process = subprocess.Popen(command, stdout=file, env={**os.environ, "MASKWRIGHT_CACHE": str(folder / "cache")})
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"evaluate ended with {status}")
    seconds = time.perf_counter() - begun
    scored = json.loads((folder / "evaluation.out").read_text())["images"]
    return {"pictures": scored, "seconds": seconds, "per_second": scored / seconds, "peak_mb": usage.ru_maxrss / 1024}


def main() -> None:
    """Write the masks, evaluate all and a tenth of them, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--different", type=int, default=200)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--work", type=Path, required=True, help="an empty folder for the masks")
    arguments = parser.parse_args()
    results = {}
    for number in (max(10, arguments.pictures // 10), arguments.pictures):
        folder = arguments.work / str(number)
        write_pairs(folder, number, min(number, arguments.different), arguments.side)
        results[f"{number}"] = measure(folder)
        results[f"{number}, counts only"] = measure(folder, "--counts-only")
    for name, result in results.items():
        print(f"{name:>24}: " + "  ".join(f"{key} {value:,.1f}" for key, value in result.items()))


if __name__ == "__main__":
    main()
