"""Findings about pictures unlike all others: a screenshot among photographs, a black frame, other colours.

A picture is one that has no others near it: in colour, contrast and texture, each in units of how much the set varies.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from maskwright.audit.findings import Finding
from maskwright.audit.prints import STEPS, fineness_of, looks_of
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown

_FEWEST = 20  # pictures; of fewer nobody knows what is usual
_NEIGHBOUR = 3  # two odd pictures may be alike
_USUAL = 0.9  # of the pictures have a neighbour no further than what counts as near
_FAR = 2.8  # times as far as that: an outlier
_AT_MOST = 200  # one outlier in so many pictures
_LEAST_SPREAD = 4.0  # grey levels: sets that vary less are taken to vary so much
_LEAST_NEAR = 0.5  # the same, for the distance to neighbours
_LOGARITHM = 20.0  # grey levels that a logarithm's step of one counts for
_SAMPLE = 20_000  # pictures that others are compared with


def outlier_findings(dataset: Dataset, prints: NDArray[np.uint8], printed: NDArray[np.bool_]) -> list[Finding]:
    """Return a note on each picture unlike all others, the strangest first, at most one in 200 and at least one."""
    rows = np.flatnonzero(printed)
    if len(rows) < _FEWEST:
        return []
    parts = np.array_split(rows, len(rows) // 1024 + 1)
    strangeness = strange(np.concatenate([_figures(prints[part]) for part in parts]))
    found = np.argsort(-strangeness, kind="stable")[: max(1, len(rows) // _AT_MOST)]
    return [_outlier(dataset, int(rows[at]), float(strangeness[at])) for at in found if strangeness[at] > _FAR]


def _figures(prints: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the looks of prints with their fineness as a further column."""
    return np.column_stack([looks_of(prints), _LOGARITHM * fineness_of(prints)])


def strange(looks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far each picture, (n, LOOKS or more), is from its third nearest; 1: further than nine in ten are."""
    values = looks.astype(np.float64)
    values[:, STEPS] = _LOGARITHM * np.log1p(
        values[:, STEPS]
    )  # a step of one grey level more counts less among large ones
    low, high = np.percentile(values, (25, 75), axis=0)
    values /= np.maximum(high - low, _LEAST_SPREAD)
    others = values[:: -(-len(values) // _SAMPLE)]
    distances, _ = KDTree(others).query(values, k=_NEIGHBOUR + 1)
    distance = np.asarray(distances)[:, -1]
    return np.asarray(distance / max(float(np.quantile(distance, _USUAL)), _LEAST_NEAR), np.float64)


def _outlier(dataset: Dataset, row: int, far: float) -> Finding:
    what = (
        f"In colour, contrast and texture the picture is unlike all others: {far:.1f} times as far from its like as "
        "nine in ten are."
    )
    fix = "look at it; remove it if it is none of yours"
    where = shown(str(dataset[row].image), 500)
    return Finding("outlier-image", "note", dataset.columns.ids[row], what, where, fix, {"distance": round(far, 2)})
