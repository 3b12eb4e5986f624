"""Tasks, losses that fit them, and random batches: what the tests of the losses are run over."""

from typing import NamedTuple

import torch
from torch import Tensor

from maskwright.images.classes import IGNORE, Classes

BINARY = Classes(("background", "thing"))
SEVERAL = Classes(("background", "one", "two"))
OVERLAPPING = Classes(("one", "two"), exclusive=False)
TASKS = {"binary": BINARY, "several": SEVERAL, "overlapping": OVERLAPPING}

REGIONS = ("dice", "dice(smooth=1)", "dice(smooth=1e-15)", "log_dice", "log_dice(smooth=1)", "jaccard", "iou(smooth=1)")
REGIONS += ("tversky(alpha=0.7,beta=0.3)", "tversky(alpha=0,beta=1,smooth=1)")
EVERYWHERE = (*REGIONS, "lovasz", "focal", "focal(gamma=0)", "focal(gamma=1)", "focal(gamma=3.5)")
BINARY_ONLY = ("bce", "soft_bce", "soft_bce(smoothing=0.3)", "focal(alpha=0.25)", "0.7*dice+0.3*bce+soft_bce")
SEVERAL_ONLY = ("cross_entropy", "cross_entropy(smoothing=0.1)", "0.2*jaccard+cross_entropy", "auto")


class Case(NamedTuple):
    """A loss and a task that it makes sense for."""

    text: str
    task: str

    @property
    def classes(self) -> Classes:
        return TASKS[self.task]

    def __str__(self) -> str:
        return f"{self.text} {self.task}"


CASES = [
    *(Case(text, task) for text in EVERYWHERE for task in TASKS),
    *(Case(text, task) for text in (*BINARY_ONLY, "auto") for task in ("binary", "overlapping")),
    *(Case(text, "several") for text in SEVERAL_ONLY),
]
SMOOTHED_LABELS = ("soft_bce", "smoothing=")  # their least value is the entropy of a smoothed label


def random_logits(classes: Classes, seed: int, size: tuple[int, int, int] = (3, 5, 6), scale: float = 2.0) -> Tensor:
    """(N, K, H, W) for size (N, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(size[0], classes.num_outputs, *size[1:], generator=generator)


def random_target(classes: Classes, seed: int, size: tuple[int, int, int] = (3, 5, 6), ignored: float = 0.0) -> Tensor:
    """(N, H, W), or (N, K, H, W) for overlapping classes; a share of the labels is ignored."""
    generator = torch.Generator().manual_seed(1000 + seed)
    shape = size if classes.exclusive else (size[0], classes.num_outputs, *size[1:])
    values = len(classes.names) if classes.exclusive else 2
    target = torch.randint(0, values, shape, generator=generator).to(torch.uint8)
    target[torch.rand(shape, generator=generator) < ignored] = IGNORE
    return target


def perfect_logits(target: Tensor, classes: Classes, certainty: float = 30.0) -> Tensor:
    """What a network that is right and sure says: plus or minus `certainty`."""
    if classes.binary or not classes.exclusive:
        planes = target.unsqueeze(1) if target.ndim == 3 else target
        return certainty * (2 * (planes == 1).float() - 1)
    numbers = torch.arange(classes.num_outputs)[None, :, None, None]
    return certainty * (2 * (target.unsqueeze(1) == numbers).float() - 1)
