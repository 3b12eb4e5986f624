"""Cleaning of masks: holes filled, small regions given to what surrounds them, of each class the largest region kept.

Regions are those of `regions.py`: their pixels hang together by sides. Whatever is taken away becomes the class that
most of the pixels beside it have, background included.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ConfigError
from maskwright.images.regions import find_regions

_STEPS = ("fill-holes", "least-area", "largest")
_AREA = re.compile(r"(\d+(?:\.\d+)?)(%?)")


@dataclass(frozen=True)
class Cleaning:
    """What is done to a mask, in this order.

    least_area: regions of fewer pixels go, or of fewer per cent of the picture's. fill_holes: background
    that a class encloses goes. largest: of each class only the largest region stays, the first of equals.
    """

    least_area: float = 0.0
    in_percent: bool = False
    fill_holes: bool = False
    largest: bool = False

    @classmethod
    def parse(cls, text: str) -> "Cleaning":
        """Read "fill-holes,least-area=50,largest"; least-area also as a share, "0.1%". Raises ConfigError.

        >>> Cleaning.parse("least-area=0.5%,largest")
        Cleaning(least_area=0.5, in_percent=True, fill_holes=False, largest=True)
        """
        least, in_percent, words = 0.0, False, set()
        for step in filter(None, (piece.strip() for piece in text.split(","))):
            name, _, value = step.partition("=")
            found = _AREA.fullmatch(value)
            if name not in _STEPS or (name == "least-area") != bool(found) or (value and not found):
                near = get_close_matches(name, _STEPS, n=1)
                raise ConfigError(
                    f"'{step}' is no way to clean a mask.", where="--clean",
                    fix="give some of fill-holes, least-area=PIXELS (or a share, 0.1%), largest"
                    + (f"; did you mean '{near[0]}'?" if near and near[0] != name else ""),
                )  # fmt: skip
            words.add(name)
            if found:
                in_percent = found[2] == "%"
                least = float(found[1])
        return cls(least, in_percent, "fill-holes" in words, "largest" in words)

    def __str__(self) -> str:
        """Return what `parse` reads."""
        least = f"{self.least_area:g}%" if self.in_percent else f"{self.least_area:g}"
        said = ("fill-holes" * self.fill_holes, f"least-area={least}" * bool(self.least_area), "largest" * self.largest)
        return ",".join(filter(None, said))

    def __call__(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a cleaned mask: (H, W) class numbers, or (H, W, K) of 0 and 1, each class by itself."""
        if mask.ndim == 2:
            return self._cleaned(mask)
        return np.stack([self._cleaned(np.ascontiguousarray(mask[..., k])) for k in range(mask.shape[2])], axis=2)

    def _cleaned(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.least_area:
            mask = without_small(mask, self.least_area * mask.size / 100 if self.in_percent else self.least_area)
        if self.fill_holes:
            mask = without_holes(mask)
        return largest_only(mask) if self.largest else mask


def without_small(mask: NDArray[np.uint8], least: float) -> NDArray[np.uint8]:
    """Return (H, W) without regions of fewer than `least` pixels."""
    regions = find_regions(mask)
    return _given_away(mask, regions.labels, np.flatnonzero(regions.areas < least) + 1)


def largest_only(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W) with the largest region of each class, the first of equal ones."""
    regions = find_regions(mask)
    order = np.lexsort((np.arange(len(regions.areas)), -regions.areas, regions.classes))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(regions.classes[order]) != 0
    return _given_away(mask, regions.labels, np.sort(order[~first]) + 1)


def without_holes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W) without background (0) from which no way along sides of its pixels leads to the border."""
    regions = find_regions((mask == 0).view(np.uint8))
    labels = regions.labels
    outside = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    holes = np.setdiff1d(np.arange(1, len(regions.areas) + 1), outside)
    return _given_away(mask, labels, holes)


def _given_away(mask: NDArray[np.uint8], labels: NDArray[np.int32], numbers: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the mask with each of these regions become what most pixels beside it are, the lower class of equals.

    Regions beside each other are given away at once: neither counts as what surrounds the other, unless nothing else
    does; then they become 0.
    """
    if not numbers.size:
        return mask
    place = np.zeros(int(labels.max()) + 1, np.intp)
    place[numbers] = np.arange(1, len(numbers) + 1)
    goes = place[labels]
    votes = np.zeros((len(numbers) + 1, int(mask.max()) + 1), np.int32)
    for one, other in ((np.s_[:-1], np.s_[1:]), (np.s_[1:], np.s_[:-1]), (np.s_[:, :-1], np.s_[:, 1:]),
                       (np.s_[:, 1:], np.s_[:, :-1])):  # fmt: skip
        beside = np.flatnonzero((goes[one] > 0) & (goes[other] == 0))
        np.add.at(votes, (goes[one].reshape(-1)[beside], mask[other].reshape(-1)[beside]), 1)
    winner = votes.argmax(axis=1).astype(np.uint8)
    return np.where(goes > 0, winner[goes], mask)
