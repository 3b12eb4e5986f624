"""What is kept of how a mask is drawn: its objects, its margins, how well it agrees with the picture's edges.

Knows arrays only; what it means is decided in `masks.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.images.classes import Classes
from maskwright.images.modes import Pixels


@dataclass(frozen=True)
class MaskDrawing:
    """Figures of one mask."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "MaskDrawing":
        """Undo `to_json`."""
        return MaskDrawing(**content)


def look_at_drawing(
    image: Pixels | None, mask: NDArray[np.uint8], raw: NDArray[Any], classes: Classes
) -> MaskDrawing | None:
    """Return what is worth knowing of a decoded mask, (H, W) or (H, W, K), and its picture, (H, W, C) of any size."""
    return MaskDrawing()
