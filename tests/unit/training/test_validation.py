"""The score after each epoch, for every measure that a recipe may choose by."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from maskwright.images.classes import Classes
from maskwright.metrics.counts import count, stack
from maskwright.metrics.fbeta import chosen_measure
from maskwright.recipe import EvaluationOptions
from maskwright.training.feeding import Scaling
from maskwright.training.validation import validate
from support.bright_squares import Squares

MEASURES = get_args(EvaluationOptions.model_fields["choose_by"].annotation)


class Brighter(nn.Module):
    """Marks what is brighter than 0.55: most of the squares, and nothing else."""

    def forward(self, image: Tensor) -> Tensor:
        return image.mean(dim=1, keepdim=True) - 0.55


def test_the_measures_to_choose_by_are_three() -> None:
    assert MEASURES == ("dice", "iou", "f_beta")


@pytest.mark.parametrize("measure", MEASURES)
def test_it_is_the_mean_over_pictures_of_the_chosen_measure(measure: str) -> None:
    pack = Squares()
    found = validate(
        Brighter(), pack, Classes(("background", "square")), Scaling(255.0, (0.0,) * 3, (1.0,) * 3), size=(32, 32),
        device=torch.device("cpu"), precision="fp32", measure=measure, batch_size=4,
    )  # fmt: skip
    marked = [((pack.image(i) / 255).mean(axis=2) > 0.55).astype(np.uint8) for i in range(len(pack))]
    counts = stack([count(pack.mask(i), mask, 2) for i, mask in enumerate(marked)])
    assert found == pytest.approx(chosen_measure(measure, counts, exclusive=True).mean(), abs=1e-9)
    assert 0.1 < found < 0.999


class Pooled(nn.Module):
    """A network with batch norm and a wide view, so that an answer could hang on its neighbours in a batch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        found: Tensor = self.layers(image)
        return found - found.mean(dim=(2, 3), keepdim=True)


@pytest.mark.parametrize("size", [(32, 32), (16, 20)])  # whole pictures; four tiles of each
@pytest.mark.parametrize("batch_size", [2, 5, 100])
def test_pictures_in_one_batch_are_scored_as_each_by_itself(size: tuple[int, int], batch_size: int) -> None:
    def score(pictures: int) -> float:
        return validate(
            Pooled(), Squares(), Classes(("background", "square")), Scaling(255.0, (0.5,) * 3, (0.5,) * 3), size=size,
            device=torch.device("cpu"), precision="fp32", measure="dice", batch_size=pictures,
        )  # fmt: skip

    assert score(batch_size) == score(1)


def test_the_network_is_asked_once_for_every_full_batch() -> None:
    asked: list[int] = []

    class Counting(Brighter):
        def forward(self, image: Tensor) -> Tensor:
            asked.append(len(image))
            return super().forward(image)

    validate(
        Counting(), Squares(), Classes(("background", "square")), Scaling(255.0, (0.0,) * 3, (1.0,) * 3), size=(16, 16),
        device=torch.device("cpu"), precision="fp32", measure="dice", batch_size=7,
    )  # fmt: skip
    assert asked == [7] * 6 + [6]  # 12 pictures in 4 tiles each, over their borders
