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
