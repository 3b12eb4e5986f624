"""What is measured on each scored picture besides its counts: the form that all such measurements have.

A meter looks at one picture at a time and keeps a few numbers of it, so that memory does not grow with pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Seen:
    """A scored picture, everything on the truth's grid.

    image: as read, of its own size (H, W, C) uint8 or uint16; None where only masks were given.
    truth: (h, w) class indices and IGNORE, or (h, w, K) of 0, 1, IGNORE for overlapping classes.
    mask: the predicted mask of the same shape, without IGNORE. probabilities: (K', h, w) float32 in [0, 1], K' is 1
    for two exclusive classes; None where only mask files were given.
    """

    id: str
    group: str
    image: NDArray[Any] | None
    truth: NDArray[Any]
    mask: NDArray[np.uint8]
    probabilities: NDArray[np.float32] | None


class Meter(Protocol):
    """Measures pictures one by one. `name`: its key in evaluation.json."""

    name: str

    def measure(self, seen: Seen) -> Any:
        """Return what is to be kept of a picture. Changes nothing in the meter: may be called in any thread."""
        ...

    def add(self, measured: Any) -> None:
        """Keep what `measure` returned. Called in the pictures' order, also for a picture where all is undefined."""
        ...

    def columns(self) -> Mapping[str, NDArray[np.float64]]:
        """Return (N,) numbers of the pictures for the table of pictures, NaN where undefined; may be empty."""
        ...

    def to_json(self, groups: Sequence[str] | None) -> dict[str, Any]:
        """Return the summary over all pictures as JSON values, null where undefined.

        groups: of each picture, where related pictures share one and intervals are over groups; else None.
        """
        ...
