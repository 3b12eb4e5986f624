"""Small folders of pictures and masks, made on the spot."""

from pathlib import Path

import numpy as np
from PIL import Image


def photo(seed=0, size=(24, 32), bands=3):
    """A smooth picture with noise: (H, W, 3) or (H, W) uint8; another for each seed."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]] / max(size)
    waves = [np.sin(rows * rng.uniform(3, 12) + columns * rng.uniform(3, 12) + rng.uniform(0, 6)) for _ in range(3)]
    image = 128 + 70 * np.stack(waves, axis=2) + rng.normal(0, 6, (*size, 3))
    image = image.clip(0, 255).astype(np.uint8)
    return image if bands == 3 else image[:, :, 0]


def disc(seed=0, size=(24, 32), value=255, radius=7):
    """A mask: (H, W) uint8, `value` inside a disc whose place the seed gives, 0 outside."""
    rng = np.random.default_rng(seed)
    row, column = rng.uniform(radius, size[0] - radius), rng.uniform(radius, size[1] - radius)
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.where((rows - row) ** 2 + (columns - column) ** 2 <= radius**2, value, 0).astype(np.uint8)


def save(path: Path, pixels, *, mode=None, palette=None, **options):
    """Write pixels in the format that the suffix names, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels))
    if palette is not None:
        image.putpalette([value for colour in palette for value in colour])
    if mode is not None:
        image = image.convert(mode)
    image.save(path, **options)
    return path


def make_set(
    folder: Path, count=4, *, names="p{}", image="images/{}.jpg", mask="masks/{}.png", draw=disc, size=(24, 32)
):
    """Pictures and masks under the usual names; `draw(seed, size)` makes a mask."""
    for i in range(count):
        name = names.format(i)
        save(folder / image.format(name), photo(i, size))
        save(folder / mask.format(name), draw(i, size))
    return folder
