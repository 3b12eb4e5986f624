"""areas.csv: how much of each picture each class covers, and in how many regions, a line a picture and class."""

import csv
import math
from typing import TextIO

import numpy as np

from maskwright.data.annotations.written.shapes import Drawn
from maskwright.images.classes import Classes
from maskwright.images.regions import foreground
from maskwright.runs.tables import cell

HEAD = (
    "picture", "width", "height", "class", "pixels", "share", "regions", "largest", "smallest", "mean", "median",
    "mean_diameter",
)  # fmt: skip
Row = list[str | int | float | None]


class AreasFile:
    """Writes areas.csv into an open file, a picture at a time."""

    def __init__(self, file: TextIO, classes: Classes) -> None:
        self._classes, self._table = classes, csv.writer(file, lineterminator="\n")
        self._table.writerow(HEAD)

    def part(self, drawn: Drawn) -> list[Row]:
        """Return a picture's lines. Areas are in pixels; mean_diameter: of circles as large as the regions."""
        height, width = drawn.size
        lines: list[Row] = []
        for kind in foreground(self._classes):
            areas = np.concatenate([one.areas[one.classes == kind] for one in drawn.regions])
            pixels = int(areas.sum())
            line: Row = [drawn.name, width, height, self._classes.names[kind], pixels, pixels / (height * width)]
            if not areas.size:
                lines.append([*line, 0, None, None, None, None, None])
                continue
            diameter = float(np.sqrt(areas * (4 / math.pi)).mean())
            spread = [int(areas.max()), int(areas.min()), float(areas.mean()), float(np.median(areas)), diameter]
            lines.append([*line, len(areas), *spread])
        return lines

    def put(self, part: list[Row]) -> None:
        """Write a picture."""
        self._table.writerows([cell(value) for value in line] for line in part)

    def end(self) -> None:
        """There is nothing more to write."""
