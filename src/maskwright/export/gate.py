"""What may differ between a model file's answers and those it must give, and how much: the figures and the gate.

Knows nothing of torch: the answers are handed in.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.images.classes import Classes
from maskwright.images.resize import resize_float
from maskwright.metrics.counts import count
from maskwright.metrics.measures import summary
from maskwright.runtime.cut import cut_probabilities
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Prediction

MAX_DIFFERENCE = 1e-4  # fp32: of a probability
MAX_ROUNDING = 2.0  # fp32: times what torch's own answer is off the exact one, where that is more
MAX_SHARE = 1e-5  # fp32: of mask pixels that differ; one pixel is always allowed
MAX_UNSTEADY_SHARE = 1e-3  # fp32, of an unsteady network: of mask pixels that differ
UNSTEADY = ("segnet",)  # a rounding error can move a maximum to its neighbour, and with it a value by a pixel
MAX_DICE_CHANGE = 0.002  # reduced precision
MAX_REDUCED_SHARE = 0.005  # reduced precision: of mask pixels that differ


@dataclass(frozen=True)
class ParityReport:
    """How a model file's answers differ from the trained network's.

    pictures, pixels: compared (overlapping classes: pixels of all channels). differing_pixels: where masks differ.
    max_difference: the largest of a probability. worst: the picture with most differing pixels, worst_share of its own
    pixels. dice_network, dice_file: mean Dice per picture against the truth, None where no truth was given.
    unsteady: the network puts values where maxima stand (SegNet): its answers jump, so only masks are compared.
    network_error, file_error: fp32, of pictures with a difference above 1e-4 only: how far torch's and the file's
    probabilities are at most from those that torch finds in float64.
    """

    runtime: str
    precision: str
    pictures: int = 0
    pixels: int = 0
    differing_pixels: int = 0
    max_difference: float = 0.0
    worst: str = ""
    worst_share: float = 0.0
    dice_network: float | None = None
    dice_file: float | None = None
    unsteady: bool = False
    network_error: float | None = None
    file_error: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the gate of this precision is kept.

        fp32: probabilities within 1e-4, and at most 1e-5 of the mask pixels differ (one may always: on few small
        pictures 1e-5 is less than a pixel, and a probability can lie on the threshold to the last bit). A network
        that float32 itself rounds by more than that is compared with float64: the file may be off by 1e-4, or by
        twice what torch is.
        fp32, unsteady network: at most 1e-3 of the mask pixels differ.
        Reduced precision: Dice changed by at most 0.002, at most 0.5 % of the pixels differ.
        """
        if self.precision == "fp32" and self.unsteady:
            return self.differing_pixels <= MAX_UNSTEADY_SHARE * self.pixels
        if self.precision == "fp32":
            allowed = max(1.0, MAX_SHARE * self.pixels)
            same = self.max_difference <= MAX_DIFFERENCE or self._as_near_as_the_network()
            return same and self.differing_pixels <= allowed
        if self.dice_network is None or self.dice_file is None:
            return False
        same_score = abs(self.dice_network - self.dice_file) <= MAX_DICE_CHANGE
        return same_score and self.differing_pixels <= MAX_REDUCED_SHARE * self.pixels

    def _as_near_as_the_network(self) -> bool:
        """Whether the file is as near to the exact answer as float32 comes with this network."""
        if self.file_error is None or self.network_error is None or not np.isfinite(self.network_error):
            return False
        return self.file_error <= max(MAX_DIFFERENCE, MAX_ROUNDING * self.network_error)

    def to_json(self) -> dict[str, Any]:
        """Return the figures and the verdict as plain JSON."""
        return {**asdict(self), "passed": self.passed}


def limits(report: ParityReport) -> str:
    """Say in words what the gate of this report allows."""
    if report.precision == "fp32" and report.unsteady:
        return f"{MAX_UNSTEADY_SHARE:g} of the mask pixels"
    if report.precision == "fp32":
        more = ""
        if report.file_error is not None:
            more = f"; from float64 the file is off by {report.file_error:.2g}, torch by {report.network_error:.2g}"
        return f"a probability by {MAX_DIFFERENCE:g}, {MAX_SHARE:g} of the mask pixels{more}"
    return f"Dice by {MAX_DICE_CHANGE:g}, {MAX_REDUCED_SHARE:.1%} of the mask pixels"


def counted(
    report: ParityReport, name: str, expected: NDArray[np.float32], found: Prediction, description: ModelDescription
) -> ParityReport:
    """Add one picture to the figures."""
    difference = apart(expected, found.probabilities)
    mask = cut_probabilities(expected, description.classes, description.threshold)
    differing = int(np.count_nonzero(mask != found.mask))
    share = differing / mask.size
    is_worst = share > report.worst_share or (report.worst_share == 0 and difference > report.max_difference)
    return replace(
        report,
        pictures=report.pictures + 1,
        pixels=report.pixels + mask.size,
        differing_pixels=report.differing_pixels + differing,
        max_difference=max(report.max_difference, difference),
        worst=name if is_worst or not report.worst else report.worst,
        worst_share=max(share, report.worst_share),
    )


def apart(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the largest difference; infinity where a value is no number."""
    difference = float(np.abs(first - second).max())
    return difference if np.isfinite(difference) else float("inf")


def dice_of(
    probabilities: NDArray[np.float32], truth: NDArray[Any], classes: Classes, threshold: float | None
) -> float:
    """Return one picture's Dice on the truth's own grid; NaN where no pixel counts."""
    mask = cut_probabilities(resize_float(probabilities, (truth.shape[0], truth.shape[1])), classes, threshold)
    counts = count(truth, mask, len(classes.names))
    return float(summary("dice", counts, exclusive=classes.exclusive))
