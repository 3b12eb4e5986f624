"""Where prediction's time goes: milliseconds a picture by part, then pictures a second for the folder.

    python benchmarks/prediction/parts.py MODEL PICTURES [--int8 MODEL-INT8] [--json FILE]

By part: one thread, one picture after another, medians. "graph" is what the parts shrink, network and cut replace: the
file's own graph, then resizing and cutting as a program would that knows nothing of maskwright. Folder: the whole of
`predict_files` without overlays, after the model was opened, in turns (A B C ... A B C ...).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.cli.process import tune_process
from maskwright.files import write_bytes, write_json
from maskwright.images.formats import encode_png
from maskwright.images.label_png import encode_label_png
from maskwright.images.resize import resize_float
from maskwright.runs.predict import predict_files
from maskwright.runtime.cut import cut_probabilities, cut_resized
from maskwright.runtime.network import open_network
from maskwright.runtime.predictor import load_model
from maskwright.runtime.whole import activate, network_input

LOOKED_AT = 16  # pictures
ROUNDS = 3
Way = tuple[Path, str, str]  # model file, runtime, precision


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--int8", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    tune_process()
    pictures = sorted(path for path in given.pictures.iterdir() if path.is_file())
    ways = list(ways_of(given.model, given.int8))
    parts = {name_of(way): parts_of(way, pictures[:LOOKED_AT]) for way in ways}
    print_table("ms a picture", parts)
    folders = folders_of(ways, given.pictures)
    print_table("pictures/s", folders)
    if given.json:
        write_json(given.json, {"parts_ms": parts, "folder": folders, "pictures": len(pictures)})


def ways_of(model: Path, int8: Path | None) -> Iterator[Way]:
    """Yield each runtime and precision that is here."""
    for runtime in ("onnxruntime", "openvino") if find_spec("openvino") else ("onnxruntime",):
        yield model, runtime, "fp32"
        if runtime == "openvino":
            yield model, runtime, "bf16"
        if int8:
            yield int8, runtime, "int8"


def name_of(way: Way) -> str:
    """Return runtime and precision."""
    return f"{way[1]} {way[2]}"


def parts_of(way: Way, pictures: Sequence[Path]) -> dict[str, float]:
    """Return the median milliseconds of each part, one thread."""
    path, runtime, precision = way
    predictor = load_model(path, runtime=runtime, precision=precision, threads=1)
    description = predictor.description
    if description.mode != "whole":
        raise SystemExit("by part: a model that looks at whole pictures is needed")
    network = open_network(predictor.path, description, runtime=runtime, precision=precision, threads=1)
    classes, threshold = description.classes, description.threshold
    rows: dict[str, list[float]] = {}

    def timed(part: str, work: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        result = work()
        rows.setdefault(part, []).append(1000 * (time.perf_counter() - begun))
        return result

    with tempfile.TemporaryDirectory() as folder:
        for picture in pictures:
            image, size = timed("decode", lambda picture=picture: predictor.read(picture))
            pixels = timed("shrink", lambda image=image: network_input(image, description))
            logits = timed("network", lambda pixels=pixels: network(pixels))
            mask = timed(
                "cut",
                lambda logits=logits, size=size: cut_resized(
                    activate(logits, description)[0], size, classes, threshold
                ),
            )
            content = timed("png", lambda mask=mask: encode_label_png(mask, classes.colours))
            timed("write", lambda content=content: write_bytes(Path(folder) / "mask.png", content))
            values = timed("graph", lambda image=image: predictor.probabilities(image))
            timed(
                "graph: resize, cut",
                lambda values=values, size=size: cut_probabilities(resize_float(values, size), classes, threshold),
            )
            timed("graph: png", lambda mask=mask: encode_png(mask, palette=classes.colours))
    return {part: round(statistics.median(values), 2) for part, values in rows.items()}


def folders_of(ways: Sequence[Way], pictures: Path) -> dict[str, dict[str, float]]:
    """Return pictures a second for the folder, median and range of some rounds in turns."""
    speeds: dict[str, list[float]] = {name_of(way): [] for way in ways}
    for _ in range(ROUNDS):
        for path, runtime, precision in ways:
            with tempfile.TemporaryDirectory() as folder:
                begun = time.perf_counter()
                made = predict_files(
                    path, pictures, Path(folder) / "out", overlays=False, runtime=runtime, precision=precision
                )
                speeds[f"{runtime} {precision}"].append(len(made.outputs) / (time.perf_counter() - begun))
    return {
        name: {"median": float(np.median(found)), "least": min(found), "most": max(found)}
        for name, found in speeds.items()
    }


def print_table(unit: str, rows: dict[str, dict[str, float]]) -> None:
    """Print one line for each way."""
    columns = list(next(iter(rows.values())))
    print(f"{unit:<18}" + "".join(f"{column:>20}" for column in columns))
    for name, values in rows.items():
        print(f"{name:<18}" + "".join(f"{values[column]:>20.2f}" for column in columns))


if __name__ == "__main__":
    main()
