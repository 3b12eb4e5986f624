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


def write_json(path: Path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_text(path: Path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path
