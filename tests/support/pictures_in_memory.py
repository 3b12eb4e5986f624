"""A dataset in memory, and models that are plain functions of the picture."""

from dataclasses import dataclass

import numpy as np

from maskwright.images.classes import IGNORE, Classes

LESION = Classes(("background", "lesion"))
CROPS = Classes(("soil", "crop", "weed"), ignored="unclear")
OVERLAPPING = Classes(("cell", "nucleus"), exclusive=False)


@dataclass(frozen=True)
class Sample:
    id: str
    group: str


class Pictures:
    """Truths and pictures handed in; each third picture is a group."""

    def __init__(self, classes, truths, images=None):
        self.classes = classes
        self.truths = truths
        self.images = [truth[..., None] if truth.ndim == 2 else truth for truth in truths] if images is None else images
        self.reads = []

    def __getitem__(self, index):
        return Sample(f"p{index}", f"g{index // 3}")

    def read_image(self, index):
        self.reads.append(index)
        return self.images[index]

    def read_mask(self, index):
        return self.truths[index]


def random_truths(number, num_classes=2, *, seed=0, shape=(24, 32), ignored=0.0):
    rng = np.random.default_rng(seed)
    truths = rng.integers(0, num_classes, (number, *shape), dtype=np.uint8)
    truths[rng.random(truths.shape) < ignored] = IGNORE
    return list(truths)


def one_hot(mask, num_classes):
    """Probabilities (K, H, W) that mean exactly this mask."""
    return np.stack([mask == k for k in range(num_classes)]).astype(np.float32)
