"""Boundary scores over pictures: of each picture and class that the truth shows a few numbers.

Knows masks and class names. What the measures are is `metrics/boundary.py`'s affair.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ConfigError
from maskwright.evaluation.boundary_table import DISTANCES, PHYSICAL, SHARES, Numbers, Table
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE, Classes
from maskwright.metrics import boundary

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BoundarySeen:
    """What is kept of one picture.

    of_class: by class number, of the classes the truth shows (two exclusive classes: always the foreground).
    numbers: of the picture as a whole. diagonal, tolerance: pixels. diagonal_physical: in the unit of the pixel size.
    """

    of_class: dict[int, boundary.BoundaryScores]
    numbers: Numbers
    diagonal: float
    diagonal_physical: float
    tolerance: float


class BoundaryMeter:
    """Measures how well masks agree along their boundary.

    tolerance: of boundary F1, in pixels; None: 0.8 % of each picture's diagonal.
    pixel_size: side of a pixel of the truth's grid, or (height, width), where all pictures share it. unit: its unit.

    Raises ConfigError for a tolerance or size that is none, and for a size without a unit or the reverse.
    """

    name = "boundary"

    def __init__(
        self,
        classes: Classes,
        *,
        tolerance: float | None = None,
        pixel_size: float | tuple[float, float] | None = None,
        unit: str = "px",
    ) -> None:
        if (pixel_size is None) != (unit == "px"):
            raise ConfigError(
                f"A pixel size and its unit go together; got pixel size {pixel_size} and unit '{unit}'.",
                fix="give both, such as 0.65 and 'um', or neither",
            )
        self._classes = classes
        self._tolerance = None if tolerance is None else boundary.check_tolerance(tolerance)
        self._size = None if pixel_size is None else boundary.size_of(pixel_size)
        self._unit = unit
        self._pictures = Table(self._names)
        self._of_class = {k: Table(self._names) for k in self._averaged}
        self._tolerances = array("d")

    @property
    def _averaged(self) -> range:
        """Return the numbers of the classes that are scored."""
        return range(1, 2) if self._classes.binary else range(len(self._classes.names))

    def measure(self, seen: Seen) -> BoundarySeen:
        """Return the scores of each class that the truth shows, and of the picture."""
        shape = int(seen.truth.shape[0]), int(seen.truth.shape[1])
        within = boundary.default_tolerance(shape) if self._tolerance is None else self._tolerance
        of_class = {
            k: boundary.boundary_scores(true, predicted, keep, tolerance=within, pixel_size=self._size)
            for k, true, predicted, keep in self._masks(seen)
            if self._classes.binary or true.any()
        }
        height, width = self._size or (np.nan, np.nan)
        diagonal, physical = float(np.hypot(*shape)), float(np.hypot(shape[0] * height, shape[1] * width))
        numbers = self._of_picture(seen, of_class, diagonal, physical)
        return BoundarySeen(of_class, numbers, diagonal, physical, within)

    def add(self, measured: BoundarySeen) -> None:
        """Keep the numbers of a picture."""
        at = len(self._tolerances)
        self._tolerances.append(measured.tolerance)
        for k, scores in measured.of_class.items():
            self._of_class[k].add(at, _numbers(scores), scores.case, measured.diagonal, measured.diagonal_physical)
        self._pictures.add(at, measured.numbers, "both", measured.diagonal, measured.diagonal_physical)

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return the scores of each picture, in pixels and, where the pixel size is known, in its unit."""
        return {name: self._pictures.column(name) for name in self._names}

    def to_json(self, groups: Sequence[str] | None) -> dict[str, Any]:
        """Return the means over pictures with intervals, for pictures and for each class."""
        names = self._classes.names
        per_image = self._pictures.means(self._names, groups)
        undefined = int(np.isnan(self._pictures.column("boundary_iou")).sum())
        hidden = sum(table.number_of("hidden") for table in self._of_class.values())
        return {
            "per_image": per_image,
            "per_class": {names[k]: self._class_to_json(table, groups) for k, table in self._of_class.items()},
            "tolerance": {
                "pixels": self._tolerance,
                "smallest": min(self._tolerances, default=None),
                "largest": max(self._tolerances, default=None),
            },
            "unit": self._unit,
            "pixel_size": None if self._size is None else list(self._size),
            "images": len(self._tolerances),
            "left_out": {"pictures": undefined, "hidden_classes": hidden},
            "note": _note(len(self._tolerances), undefined),
            "conventions": self._conventions(),
        }

    @property
    def _names(self) -> tuple[str, ...]:
        return SHARES + DISTANCES + (PHYSICAL if self._size else ())

    def _masks(self, seen: Seen) -> Iterator[tuple[int, Mask, Mask, Mask]]:
        """Yield each scored class with its true mask, predicted mask, and the pixels that count."""
        keep = seen.truth != IGNORE
        for k in self._averaged:
            if self._classes.exclusive:
                yield k, seen.truth == k, seen.mask == k, keep
            else:
                yield k, seen.truth[..., k] == 1, seen.mask[..., k] == 1, keep[..., k]

    def _of_picture(
        self, seen: Seen, of_class: dict[int, boundary.BoundaryScores], diagonal: float, physical: float
    ) -> Numbers:
        """Return the mean over the classes; where overlapping classes show nothing, what the rule for empties says."""
        rows = np.array([_numbers(scores) for scores in of_class.values()])
        if len(rows):
            known = rows[~np.isnan(rows[:, 0])]
            return tuple(known.mean(axis=0).tolist()) if len(known) else (np.nan,) * 6
        keep = seen.truth != IGNORE
        if not keep.any():
            return (np.nan,) * 6
        invented = bool((keep & (seen.mask == 1)).any())
        return (0.0, 0.0, diagonal, diagonal, physical, physical) if invented else (1.0, 1.0, 0, 0, 0, 0)

    def _class_to_json(self, table: Table, groups: Sequence[str] | None) -> dict[str, Any]:
        cases = {case: table.number_of(case) for case in ("missed", "invented", "hidden")}
        return {
            "images": len(table),
            **table.means(self._names, groups),
            **cases,
            "both_shown": {"images": table.number_of("both"), **table.means(self._distances, groups, case="both")},
        }

    @property
    def _distances(self) -> tuple[str, ...]:
        return DISTANCES + (PHYSICAL if self._size else ())

    def _conventions(self) -> dict[str, str]:
        pixels = "of each picture" if self._tolerance is None else "for all pictures"
        tolerance = boundary.TOLERANCE_RULE if self._tolerance is None else f"{self._tolerance:g} pixels"
        physical = (
            "distances are in pixels of the truth's grid only: no pixel size is known"
            if self._size is None
            else f"hd95_physical and assd_physical are in {self._unit}: one pixel is {self._size[0]:g} high "
            f"and {self._size[1]:g} wide; everything else is in pixels of the truth's grid"
        )
        return {
            "boundary": boundary.BOUNDARY_RULE,
            "boundary_iou": boundary.BAND_RULE,
            "boundary_f1": f"{boundary.F1_RULE}; tolerance {pixels}: {tolerance}",
            "distances": boundary.DISTANCE_RULE,
            "unit": physical,
            "empty": boundary.EMPTY_RULE,
            "ignored": boundary.IGNORED_RULE,
            "averaging": self._averaging(),
        }

    def _averaging(self) -> str:
        if self._classes.binary:
            return f"the boundary of '{self._classes.names[1]}'; each picture counts the same"
        extent = "background included" if self._classes.exclusive else "overlapping classes, each on its own"
        return (
            f"per_image: in each picture the mean over the classes that the truth shows ({extent}), then over "
            "pictures; per_class: over the pictures whose truth shows it"
        )


def _numbers(scores: boundary.BoundaryScores) -> Numbers:
    return (
        scores.boundary_iou, scores.boundary_f1, scores.hd95, scores.assd, scores.hd95_physical, scores.assd_physical,
    )  # fmt: skip


def _note(pictures: int, undefined: int) -> str:
    """Say that boundaries are hidden by ignored pixels in some of the pictures, "" where in none."""
    if not undefined:
        return ""
    seen = f"boundaries can be seen in {pictures - undefined} of {pictures} pictures: ignored pixels hide the others"
    little = "; where borders are ignored on purpose, as in trimaps, boundary scores say little"
    return f"{seen}{little if 2 * undefined >= pictures else ''}"
