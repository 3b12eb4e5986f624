"""The losses once more, slowly and in float64 numpy, written from their papers: what the real ones are held against.

Everything takes probabilities and truth of one class as flat arrays of the counted pixels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def sigmoid(logits: NDArray[Any]) -> Floats:
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def softmax(logits: NDArray[Any]) -> Floats:
    """Over axis 1."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


def dice_score(p: Floats, t: Floats, smooth: float = 0.0) -> float:
    """As the Keras write-ups have it: over the flattened batch."""
    return float((2 * (t * p).sum() + smooth) / (t.sum() + p.sum() + smooth))


def jaccard_score(p: Floats, t: Floats, smooth: float = 0.0) -> float:
    overlap = (t * p).sum()
    return float((overlap + smooth) / (t.sum() + p.sum() - overlap + smooth))


def tversky_score(p: Floats, t: Floats, alpha: float, beta: float, smooth: float = 0.0) -> float:
    right, extra, missed = (t * p).sum(), ((1 - t) * p).sum(), (t * (1 - p)).sum()
    return float((right + smooth) / (right + alpha * extra + beta * missed + smooth))


def binary_cross_entropy(p: Floats, t: Floats) -> float:
    return float(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean())


def binary_focal(p: Floats, t: Floats, gamma: float, alpha: float | None) -> float:
    """Equation 5 of Lin et al. 2017, a pixel at a time."""
    total = 0.0
    for prob, truth in zip(p.tolist(), t.tolist(), strict=True):
        q = prob if truth == 1 else 1 - prob
        weight = 1.0 if alpha is None else alpha if truth == 1 else 1 - alpha
        total -= weight * (1 - q) ** gamma * float(np.log(q))
    return total / len(p)


def lovasz(errors: Floats, t: Floats) -> float:
    """Berman et al. 2018, from the definition: errors in falling order, each times what its pixel adds to the loss.

    The loss of a set S of wrong pixels is its Jaccard loss |S| / |truth with S|.
    """
    order = np.argsort(-errors, kind="stable")
    truth = set(np.flatnonzero(t == 1).tolist())
    total, before, wrong = 0.0, 0.0, set[int]()
    for pixel in order.tolist():
        wrong.add(pixel)
        now = len(wrong) / len(truth | wrong)
        total += float(errors[pixel]) * (now - before)
        before = now
    return total
