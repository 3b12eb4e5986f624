"""A picture larger than memory: seconds and memory of predicting it, and what its seams cost.

    python benchmarks/prediction/large.py picture PICTURES BIG.tif [--side 20000]
    python benchmarks/prediction/large.py predict RUN BIG.tif [--runtime openvino --precision bf16]
    python benchmarks/prediction/large.py seams RUN PICTURES [--count 8]

picture: joins photographs of one size into a square BigTIFF, tiled, JPEG within. predict: runs `maskwright predict` in
a process of its own. seams: the same network once in tiles, as the run's file has it, and once in a single pass over
the whole picture; what differs is due to tiles. RUN: a folder of `maskwright train` in mode 'tile'.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif")


def photographs(folder: Path) -> list[Path]:
    """Return the pictures of a folder, in order."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def make_picture(folder: Path, target: Path, side: int) -> None:
    """Lay photographs side by side, in rows, until the square is full."""
    import rasterio
    from rasterio.windows import Window

    paths = cycle(photographs(folder))
    width, height = Image.open(next(paths)).size
    profile = {
        "driver": "GTiff", "height": side, "width": side, "count": 3, "dtype": "uint8", "tiled": True,
        "blockxsize": 512, "blockysize": 512, "compress": "jpeg", "photometric": "ycbcr", "BIGTIFF": "YES",
        "crs": "EPSG:32632", "transform": rasterio.Affine(0.1, 0, 5e5, 0, -0.1, 5e6),
    }  # fmt: skip
    rows = height // 512 * 512  # whole blocks: none is compressed twice
    with rasterio.Env(GDAL_CACHEMAX=64 << 20), rasterio.open(target, "w", **profile) as file:
        for top in range(0, side, rows):
            strip = np.zeros((min(rows, side - top), side, 3), np.uint8)
            for left in range(0, side, width):
                pixels = np.asarray(Image.open(next(paths)).convert("RGB"))[: len(strip), : side - left]
                strip[:, left : left + width] = pixels
            file.write(strip.transpose(2, 0, 1), window=Window(0, top, side, len(strip)))


def predict(run: Path, picture: Path, runtime: str, precision: str) -> None:
    """Predict in a new process; print its seconds and the peak of its memory."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "maskwright", "predict", str(run), str(picture), "-o", folder, "--quiet",
            "--runtime", runtime, "--precision", precision,
        ]  # fmt: skip
        begun = time.perf_counter()
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status):
            raise SystemExit(f"{' '.join(command)} failed")
        seconds = time.perf_counter() - begun
        files = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    import rasterio

    with rasterio.open(picture) as header:
        pixels = header.width * header.height
    print(f"{picture.name}: {pixels / 1e6:,.0f} megapixels in {seconds:.1f} s ({pixels / 1e6 / seconds:.1f} a second),")
    print(f"processor {usage.ru_utime + usage.ru_stime:.1f} s, peak {usage.ru_maxrss / 1024:,.0f} MB, files {files:,}")


def seams(run: Path, folder: Path, count: int) -> None:
    """Print how many mask pixels differ between tiles and a single pass, picture by picture."""
    from maskwright.runtime.predictor import load_model

    tiles = load_model(run)
    shares = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = None
        for path in photographs(folder)[:: max(1, len(photographs(folder)) // count)][:count]:
            pixels = np.asarray(Image.open(path).convert("RGB"))
            pixels = np.ascontiguousarray(pixels[: pixels.shape[0] // 32 * 32, : pixels.shape[1] // 32 * 32])
            if whole is None or whole.description.size != pixels.shape[:2]:
                whole = load_model(one_pass_file(run, pixels.shape[:2], Path(scratch)))
            one, other = whole.predict(pixels), tiles.predict(pixels)
            shares.append(float(np.mean(one.mask != other.mask)))
            apart = float(np.abs(one.probabilities - other.probabilities).mean())
            print(f"{path.name}: {shares[-1]:.4%} of {one.mask.size:,} pixels differ; probabilities by {apart:.5f}")
    print(f"all: {np.mean(shares):.4%}, the worst {max(shares):.4%}; tiles of {tiles.description.size}, ", end="")
    print(f"overlap {tiles.description.overlap}")


def one_pass_file(run: Path, size: tuple[int, int], folder: Path) -> Path:
    """Export the run's network anew, with a tile as large as the picture."""
    import torch
    from safetensors import safe_open

    from maskwright.export.graph import export_model
    from maskwright.planning.plan import Plan
    from maskwright.runs.networks import network_from, with_decoder
    from maskwright.runs.recipes import load_recipe
    from maskwright.runtime.predictor import describe

    description, plan = describe(run), Plan.from_json(json.loads((run / "plan.json").read_text()))
    recipe = load_recipe(next(path for path in (run / "recipe.yaml", run.parent / "recipe.yaml") if path.exists()))
    outputs = description.classes.num_outputs
    network, _ = network_from(
        with_decoder(recipe, plan.decoder_channels),
        plan.encoder,
        plan.weights,
        bands=description.bands,
        num_outputs=outputs,
        load=False,
    )
    with safe_open(run / "checkpoint" / "state.safetensors", framework="pt") as file:
        names = [name for name in file.keys() if name.startswith("network.")]  # noqa: SIM118
        network.load_state_dict({name.removeprefix("network."): file.get_tensor(name) for name in names})
    path = folder / "whole.onnx"
    with torch.inference_mode():
        export_model(network.eval(), replace(description, size=size, overlap=0), path)
    return path


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("picture")
    verb.add_argument("folder", type=Path)
    verb.add_argument("target", type=Path)
    verb.add_argument("--side", type=int, default=20_000)
    verb.set_defaults(work=lambda given: make_picture(given.folder, given.target, given.side))
    verb = verbs.add_parser("predict")
    verb.add_argument("run", type=Path)
    verb.add_argument("picture", type=Path)
    verb.add_argument("--runtime", default="auto")
    verb.add_argument("--precision", default="auto")
    verb.set_defaults(work=lambda given: predict(given.run, given.picture, given.runtime, given.precision))
    verb = verbs.add_parser("seams")
    verb.add_argument("run", type=Path)
    verb.add_argument("folder", type=Path)
    verb.add_argument("--count", type=int, default=8)
    verb.set_defaults(work=lambda given: seams(given.run, given.folder, given.count))
    given = parser.parse_args()
    given.work(given)


if __name__ == "__main__":
    main()
