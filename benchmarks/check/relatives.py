"""How surely pictures of one photograph are found, how often others are taken for such, and what 100,000 cost.

    python benchmarks/check/relatives.py ../shared/data --pictures 40
    python benchmarks/check/relatives.py --prints 100000

The first prints, for each set under the folder and for generated pebbles, the share of changed copies that are found
and told right, and families among the unchanged pictures, to be looked at by eye. The second makes prints out of the
landmarks of pebbles, every tenth a changed copy of another, and prints seconds and peak memory of the search.
"""

import argparse
import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright import make_pebbles, read_dataset
from maskwright.audit.alike import likely_pairs
from maskwright.audit.families import find_families
from maskwright.audit.landmarks import MOST, Landmarks
from maskwright.audit.likeness import compare_pictures, compare_prints
from maskwright.audit.prints import PRINT_BYTES, PicturePrint, grey_of, landmark_codes, picture_print
from maskwright.data.dataset import Dataset
from maskwright.images.formats import read_image
from maskwright.recipe import DataOptions

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, np.random.Generator], Pixels]

SETS = {
    "pets": DataOptions(), "isic": DataOptions(), "carvana": DataOptions(), "ecssd": DataOptions(),
    "rocks": DataOptions(), "membrane": DataOptions(), "stone_garden": DataOptions(),
    "cwfid": DataOptions(masks="annotations"),
}  # fmt: skip


def half(image: Pixels, _: np.random.Generator) -> Pixels:
    """Return the picture at half its sides."""
    picture = Image.fromarray(image.squeeze())
    return _bands(picture.resize((image.shape[1] // 2, image.shape[0] // 2), Image.Resampling.BICUBIC))


def recompressed(quality: int) -> Change:
    """Return what saves a picture as JPEG."""

    def change(image: Pixels, _: np.random.Generator) -> Pixels:
        stream = io.BytesIO()
        Image.fromarray(image.squeeze()).save(stream, "JPEG", quality=quality)
        return _bands(Image.open(stream))

    return change


def cropped(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Return 80 % of the picture's area, anywhere, of a shape that is up to a quarter longer or wider."""
    height = rng.uniform(0.8, 1.0)
    rows, columns = round(image.shape[0] * height), round(image.shape[1] * 0.8 / height)
    top, left = rng.integers(0, image.shape[0] - rows + 1), rng.integers(0, image.shape[1] - columns + 1)
    return image[top : top + rows, left : left + columns]


def brighter(factor: float) -> Change:
    """Return what multiplies grey levels."""
    return lambda image, _: np.clip(image * np.float32(factor) + 0.5, 0, 255).astype(np.uint8)


def chained(*changes: Change) -> Change:
    """Return what does one after the other."""

    def change(image: Pixels, rng: np.random.Generator) -> Pixels:
        for one in changes:
            image = np.ascontiguousarray(one(image, rng))
        return image

    return change


def mirrored(image: Pixels, _: np.random.Generator) -> Pixels:
    """Return the picture as in a mirror."""
    return image[:, ::-1]


def turned(image: Pixels, _: np.random.Generator) -> Pixels:
    """Return the picture turned by 90 degrees."""
    return np.rot90(image)


CHANGES: dict[str, Change] = {
    "resized 0.5x": half,
    "JPEG 50": recompressed(50),
    "JPEG 90": recompressed(90),
    "cropped to 80 %": cropped,
    "brighter by 20 %": brighter(1.2),
    "darker by 20 %": brighter(0.8),
    "mirrored": mirrored,
    "turned": turned,
    "cropped, resized, JPEG 50": chained(cropped, half, recompressed(50)),
    "cropped, mirrored, resized, darker, JPEG 50": chained(cropped, mirrored, half, brighter(0.8), recompressed(50)),
}


def _bands(picture: Image.Image) -> Pixels:
    pixels = np.asarray(picture)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, help="the folder of the sets")
    parser.add_argument("--sets", nargs="*", default=[*SETS, "pebbles"])
    parser.add_argument("--pictures", type=int, default=40, help="of each set that are changed")
    parser.add_argument("--prints", type=int, default=0, help="how many prints to search")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        pebbles = make_pebbles(Path(scratch) / "pebbles", 60)
        if given.data is not None:
            for name in given.sets:
                folder = pebbles if name == "pebbles" else given.data / name
                measure_set(name, read_dataset(folder, SETS.get(name)), given.pictures)
        if given.prints:
            measure_search(read_dataset(pebbles), given.prints, Path(scratch) / "prints")


def measure_set(name: str, dataset: Dataset, count: int) -> None:
    """Print recall for each change of some pictures, and the families among all pictures as they are."""
    images, begun = [np.ascontiguousarray(read_image(sample.image)) for sample in dataset], time.process_time()
    prints = [picture_print(image) for image in images]
    each = 1000 * (time.process_time() - begun) / len(images)
    chosen = np.random.default_rng(0).permutation(len(images))[:count]
    print(f"{name}: {len(chosen)} of {len(images)} pictures, {each:.1f} ms of a core a print")
    for change, work in CHANGES.items():
        rng = np.random.default_rng(1)
        copies = [np.ascontiguousarray(work(images[row], rng)) for row in chosen]
        copied = [picture_print(copy) for copy in copies]
        likely = {(int(a), int(b)) for a, b in likely_pairs(*landmark_codes(_table([*prints, *copied])))}
        found = 0
        for i, row in enumerate(chosen):
            guess = compare_prints(prints[row], copied[i]) if (int(row), len(prints) + i) in likely else None
            found += guess is not None and compare_pictures(grey_of(images[row]), grey_of(copies[i]), guess) is not None
        print(f"  {found / len(chosen):6.3f}  {change}", flush=True)
    table, digests, begun = _table(prints), np.zeros((len(images), 16), np.uint8), time.monotonic()
    families = find_families(dataset, digests, table, np.ones(len(images), bool)).all()
    print(f"  {len(families)} families among the pictures as they are, {time.monotonic() - begun:.1f} s:")
    for rows in families:
        print("         ", ", ".join(dataset.columns.ids[row] for row in rows), flush=True)


def _table(prints: list[PicturePrint]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(one.to_bytes() for one in prints), np.uint8).reshape(-1, PRINT_BYTES)


def measure_search(dataset: Dataset, count: int, path: Path) -> None:
    """Print seconds, peak memory and what is found among `count` prints, of which every tenth is a changed copy."""
    begun = time.monotonic()
    with path.open("wb") as file:
        for content in _many(dataset, count):
            file.write(content)
    made = time.monotonic()
    prints = np.memmap(path, np.uint8, "r", shape=(count, PRINT_BYTES))
    before = _peak()
    pairs = likely_pairs(*landmark_codes(prints))
    searched = time.monotonic()
    found = sum(
        compare_prints(*(PicturePrint.from_bytes(prints[row].tobytes()) for row in pair)) is not None for pair in pairs
    )
    done = time.monotonic()
    wanted = {(row - 9, row) for row in range(9, count, 10)}
    recall = len(wanted & {(int(a), int(b)) for a, b in pairs}) / len(wanted)
    print(f"{count} prints of {PRINT_BYTES} bytes, made in {made - begun:.0f} s")
    print(f"  likely pairs  {len(pairs)} in {searched - made:.0f} s, recall {recall:.4f}")
    print(f"  compared      {found} alike, in {done - searched:.0f} s")
    print(f"  peak memory   {before} MB before, {_peak()} MB after")


def _many(dataset: Dataset, count: int) -> Iterator[bytes]:
    """Yield prints of no pictures: landmarks drawn from those of pebbles, with a sixth of their bits other.

    Every tenth is a copy of the ninth before it, from whose landmarks a third are missing and a twelfth of the bits
    are other: as after cropping, resizing and recompressing.
    """
    rng = np.random.default_rng(0)
    known = [picture_print(dataset.read_image(row)) for row in range(len(dataset))]
    codes = np.concatenate([one.landmarks.codes for one in known])
    first = known[0]
    for i in range(count):
        if i % 10 == 9:
            kept = np.sort(rng.permutation(MOST)[: MOST * 2 // 3])
            marks = first.landmarks
            marks = Landmarks(_noisy(marks.codes[kept], 12, rng), marks.places[kept], marks.turns[kept])
        else:
            places = rng.integers(12, 84, (MOST, 2)).astype(np.uint8)
            marks = Landmarks(
                _noisy(rng.choice(codes, MOST), 6, rng), places, rng.integers(0, 8, MOST).astype(np.uint8)
            )
        print_ = PicturePrint(first.thumbnail if i % 10 == 9 else known[i % len(known)].thumbnail, marks, first.looks)
        first = print_ if i % 10 == 0 else first
        yield print_.to_bytes()


def _noisy(codes: NDArray[np.uint64], one_in: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    """Return codes in which one bit in so many is another."""
    flips = np.packbits(rng.integers(0, one_in, (len(codes), 64)) == 0, axis=1)
    return codes ^ np.ascontiguousarray(flips).view(np.uint64)[:, 0]


def _peak() -> int:
    """Return the largest memory that this process had, in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used // (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
