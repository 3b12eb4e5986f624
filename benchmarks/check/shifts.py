"""How many shifted and turned masks `maskwright check` finds, and how many clean ones it names, set by set.

    python benchmarks/check/shifts.py DATA [--pairs 120] [--set NAME ...]

DATA: the folder of the real sets. One pair of eight is damaged at a time, in memory and at full size: its mask moved
by 3 % of the longer side in a direction drawn by lot (what comes in is empty), mirrored, upside down, turned; or the
picture turned as EXIF would while the mask stays as stored. The other seven are the yardstick, as in a real set.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.agreement import TURNS
from maskwright.audit.drawing import MaskDrawing, look_at_drawing
from maskwright.audit.facts import MaskFacts, PictureFacts
from maskwright.audit.shifted import shift_findings
from maskwright.data.dataset import Dataset
from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.images.formats import read_info, turn
from maskwright.recipe import DataOptions

SETS = {
    "pets": DataOptions(), "pets (3 classes)": DataOptions(encoding="index"), "isic": DataOptions(),
    "carvana": DataOptions(), "ecssd": DataOptions(), "rocks": DataOptions(), "membrane": DataOptions(),
    "cwfid": DataOptions(masks="annotations"), "sandstone": DataOptions(), "stone_garden": DataOptions(),
}  # fmt: skip
SHARE = 8  # one pair of so many is damaged at a time
EXIF = {"exif 2": 2, "exif 3": 3, "exif 4": 4, "exif 6, square": 6}
Mask = NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """One pair's drawing as it is, and after each damage that its shape allows."""

    row: int
    size: tuple[int, int]
    clean: MaskDrawing | None
    damaged: dict[str, MaskDrawing | None]


def main() -> None:
    """Measure, and print one line of JSON a set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", type=int, default=120, help="pairs of each set, evenly spread")
    parser.add_argument("--set", action="append", help="only these")
    parser.add_argument("--pebbles", type=Path, help="a folder for generated pebbles, made if it is missing")
    options = parser.parse_args()
    for name, stated in SETS.items():
        if not options.set or name in options.set:
            report(name, read_dataset(options.data / name.split(" ")[0], stated), options.pairs)
    if options.pebbles and (not options.set or "pebbles" in options.set):
        if not options.pebbles.exists():
            make_pebbles(options.pebbles, options.pairs, seed=5)
        report("pebbles", read_dataset(options.pebbles), options.pairs)


def report(name: str, dataset: Dataset, pairs: int) -> None:
    """Print recall by damage, and what is found in the clean set."""
    rows = np.unique(np.linspace(0, len(dataset) - 1, min(pairs, len(dataset))).astype(int))
    rng = np.random.default_rng(len(rows))
    dataset = dataset.select(rows)
    looked = [pair for pair in (look(dataset, row, rng) for row in range(len(dataset))) if pair is not None]
    clean = found_in(dataset, looked, (), "")
    recall = {}
    for damage in ("shift", *list(TURNS)[1:], *EXIF):
        able = [pair.row for pair in looked if damage in pair.damaged]
        if able:
            hits = sum(len(found_in(dataset, looked, some, damage) & set(some)) for some in rounds(able))
            recall[damage] = [round(hits / len(able), 3), len(able)]
    named = sorted(dataset.columns.ids[row] for row in clean)
    false = {"pairs": len(looked), "clean pairs named": len(clean), "which": named[:10]}
    print(json.dumps({"set": name, **false, "recall, pairs": recall}), flush=True)


def look(dataset: Dataset, row: int, rng: np.random.Generator) -> Pair | None:
    """Draw one pair as it is and damaged; None where the mask shows no outline."""
    image, mask = dataset.read_image(row), dataset.read_mask(row)
    if mask.min() == mask.max():
        return None
    damaged = {}
    for damage, change in damages(mask, rng):
        damaged[damage] = look_at_drawing(image, change(mask), change(mask), dataset.classes)
    for damage, orientation in EXIF.items():
        if orientation < 5 or mask.shape[0] == mask.shape[1]:
            damaged[damage] = look_at_drawing(turn(image, orientation), mask, mask, dataset.classes)
    return Pair(row, (mask.shape[0], mask.shape[1]), look_at_drawing(image, mask, mask, dataset.classes), damaged)


def damages(mask: Mask, rng: np.random.Generator) -> Iterator[tuple[str, Callable[[Mask], Mask]]]:
    """Yield the damages that fit the mask's shape."""
    angle = rng.uniform(0, 2 * np.pi)
    down, right = (round(0.03 * max(mask.shape) * float(part)) for part in (np.sin(angle), np.cos(angle)))
    yield "shift", lambda m: moved(m, down, right)
    for name, change in TURNS.items():
        if name and (not change.transposed or mask.shape[0] == mask.shape[1]):
            yield name, lambda m, change=change: np.ascontiguousarray(change(m))  # type: ignore[misc]


def moved(mask: Mask, down: int, right: int) -> Mask:
    """Move (H, W); what comes in is class 0."""
    out = np.roll(mask, (down, right), (0, 1))
    out[: max(0, down)] = 0
    out[len(out) + min(0, down) :] = 0
    out[:, : max(0, right)] = 0
    out[:, out.shape[1] + min(0, right) :] = 0
    return out


def rounds(rows: list[int]) -> list[list[int]]:
    """Return the rows in rounds of one in eight, each once."""
    count = min(SHARE, len(rows))
    return [rows[start::count] for start in range(count)]


def found_in(dataset: Dataset, pairs: list[Pair], chosen: Sequence[int], damage: str) -> set[int]:
    """Return the rows named when the chosen ones have this damage."""
    pictures = [PictureFacts(sample.image) for sample in dataset]
    masks = [MaskFacts(sample.masks) for sample in dataset]
    for pair in pairs:
        height, width = pair.size
        drawing, orientation = pair.clean, 1
        if pair.row in chosen:
            drawing, orientation = pair.damaged[damage], EXIF.get(damage, 1)
        info = replace(read_info(pictures[pair.row].path), orientation=orientation)
        pictures[pair.row] = replace(pictures[pair.row], info=info)
        masks[pair.row] = replace(masks[pair.row], height=height, width=width, drawing=drawing)
    kind = "exif-conflict" if damage in EXIF else "mask-shifted"
    rows = {name: row for row, name in enumerate(dataset.columns.ids)}
    return {rows[found.sample] for found in shift_findings(dataset, pictures, masks)
            if found.kind == kind and found.sample is not None}  # fmt: skip


if __name__ == "__main__":
    main()
