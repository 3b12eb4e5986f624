"""Folders of pictures with annotations as the tools write them, and masks drawn by hand to compare with."""

import json
from pathlib import Path

import numpy as np

from support.picture_folders import photo, save

SIZE = (8, 12)


def drawing(*rows):
    """A mask from rows of digits; "." is 0."""
    return np.array([[0 if c == "." else int(c) for c in row] for row in rows], np.uint8)


def pictures(folder, *names, size=SIZE):
    """Pictures of that size under these names."""
    for seed, name in enumerate(names):
        save(folder / name, photo(seed, size))
    return folder


def brush_bytes(mask):
    """A mask as Label Studio stores it: packed runs of R, G, B, A, of up to 65536 equal values each."""
    values = np.repeat(mask.ravel().astype(int) * 255, 4)
    bits = f"{len(values):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        which, width = next((i, width) for i, width in enumerate((3, 4, 8, 16)) if end - start <= 1 << width)
        bits += f"1{which:02b}{end - start - 1:0{width}b}{values[start]:08b}"
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def write_json(path: Path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_text(path: Path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path
