"""The range test: what it leaves alone, what it sees, and what it makes of a curve."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from maskwright.images.classes import Classes
from maskwright.losses import Loss, build_loss
from maskwright.progress import Step
from maskwright.recipe import Augmentation, Phase, TrainingOptions
from maskwright.training.batches import Batch, WholeBatches
from maskwright.training.feeding import Scaling
from maskwright.training.range_test import HIGHEST, LOWEST, RangeTest, run_range_test, smooth, suggest_rate
from maskwright.training.steps import FitSettings
from support.bright_squares import Small, Squares

CLASSES = Classes(("background", "bright"))
SIZE = (16, 16)
CPU = torch.device("cpu")
RATES = np.geomspace(1e-7, 1, 71).tolist()


def _settings(phase: Phase, **options: Any) -> FitSettings:
    scaling = Scaling(255.0, (0.5,) * 3, (0.5,) * 3)
    chosen = TrainingOptions(phases=(phase,), **options)
    return FitSettings((phase,), chosen, Augmentation(), scaling, SIZE, "fp32", [f"square-{i}" for i in range(8)])


def _try(
    phase: Phase | None = None, *, network: nn.Module | None = None, loss: Loss | None = None, **more: Any
) -> RangeTest:
    torch.manual_seed(0)
    return run_range_test(
        network or Small(),
        WholeBatches(Squares(8, SIZE[0]), 4, seed=0),
        loss or build_loss("bce", CLASSES),
        _settings(phase or Phase(epochs=1)),
        device=CPU,
        **more,
    )


def test_the_network_stays_as_it_was() -> None:
    torch.manual_seed(0)
    network = Small().eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    _try(Phase(epochs=1, encoder="frozen"), network=network, steps=10)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not network.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())


def test_the_same_test_gives_the_same_numbers() -> None:
    assert _try(steps=20) == _try(steps=20)


def test_rates_rise_by_the_same_factor_from_lowest_to_highest() -> None:
    result = _try(steps=15, loss=build_loss("dice", CLASSES))
    assert result.rates[0] == pytest.approx(LOWEST)
    assert result.rates[-1] == pytest.approx(HIGHEST)
    assert np.diff(np.log(result.rates)) == pytest.approx([np.log(result.rates[1] / result.rates[0])] * 14)


def test_at_the_lowest_rates_the_loss_is_that_of_the_untrained_network_batch_by_batch() -> None:
    result = _try()
    assert result.losses[:10] == pytest.approx(result.untrained[:10], rel=1e-3)
    assert len(set(result.untrained[:10])) == 10, "the batches differ, and yet the curve is level"


def test_it_suggests_a_rate_with_which_the_loss_falls() -> None:
    result = _try()
    assert result.suggestion is not None
    assert 1e-4 < result.suggestion < 0.3
    assert min(result.curve) < 0.9


def test_few_pictures_take_fewer_steps() -> None:
    steps: list[Step] = []
    _try(loss=build_loss("dice", CLASSES), progress=steps.append)
    assert {step.total for step in steps} == {50}
    assert [step.done for step in steps] == list(range(1, 51))


def test_the_encoder_keeps_its_share_of_the_rate_and_stays_when_it_is_frozen() -> None:
    """A rate so high that every weight moves by it at the first step, as Adam does."""
    moved: dict[str, float] = {}

    class Watched(Small):
        def __init__(self) -> None:
            super().__init__()
            names = ("encoder.0.weight", "head.1.weight")
            self.watched = {name: self.get_parameter(name) for name in names}  # whatever a frozen phase computes with

        def forward(self, image: Tensor) -> Tensor:
            for name, weight in self.watched.items():
                seen.setdefault(name, []).append(weight.detach().clone())
            return super().forward(image)

    for encoder in ("trained", "frozen"):
        seen: dict[str, list[Tensor]] = {}
        phase = Phase(epochs=1, learning_rate=1e-3, encoder_learning_rate=1e-5, encoder=encoder)
        torch.manual_seed(0)
        run_range_test(
            Watched(), WholeBatches(Squares(8, SIZE[0]), 4, seed=0), build_loss("bce", CLASSES),
            _settings(phase, weight_decay=0, clip_norm=None), device=CPU, steps=3,
        )  # fmt: skip
        for name, weights in seen.items():
            # forward is called by the moving and the untrained copy in turn; the second rate is the last step's
            moved[f"{encoder} {name}"] = float((weights[4] - weights[2]).abs().median())
    second = float(np.geomspace(LOWEST, HIGHEST, 3)[1])
    assert moved["trained head.1.weight"] == pytest.approx(second, rel=0.5)
    assert moved["trained encoder.0.weight"] == pytest.approx(second / 100, rel=0.5)
    assert moved["frozen encoder.0.weight"] == 0


def test_it_ends_where_the_loss_diverges() -> None:
    result = _try(network=Small(), loss=_times_of_call([1.0] * 20 + [2.0] * 60))
    assert result.diverged
    assert len(result.rates) == 23, "three in a row are well above the untrained network's"


def test_it_ends_where_the_loss_is_not_finite_and_keeps_what_it_saw() -> None:
    result = _try(loss=_times_of_call([1.0] * 30 + [float("nan")]))
    assert result.diverged
    assert len(result.losses) == len(result.curve) == 30
    assert all(np.isfinite(result.losses))


def test_a_loss_that_is_not_finite_from_the_start_gives_no_suggestion_and_says_so() -> None:
    result = _try(loss=_times_of_call([float("nan")]))
    assert (result.rates, result.suggestion) == ((), None)
    assert "not finite from the first steps" in result.why


def _times_of_call(factors: Sequence[float]) -> Loss:
    """The binary cross-entropy times a factor for each step; the untrained copy, which needs no gradient, by 1."""
    bce, given = build_loss("bce", CLASSES), iter(factors)
    return lambda output, target: bce(output, target) * (next(given) if torch.is_grad_enabled() else 1.0)


def test_a_network_with_two_heads_can_be_tried() -> None:
    class TwoHeads(Small):
        def __init__(self) -> None:
            super().__init__()
            self.second = nn.Linear(8, 1)

        def forward(self, image: Tensor) -> Any:
            features = self.encoder(image)
            return self.head(features), self.second(features.mean(dim=(2, 3)))

    assert len(_try(network=TwoHeads(), loss=build_loss("bce", CLASSES, auxiliary=1.0), steps=5).losses) == 5


def test_a_batch_without_enough_gpu_memory_is_taken_in_pieces_by_both_copies() -> None:
    class Greedy(Small):
        def forward(self, image: Tensor) -> Tensor:
            if len(image) > 2:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return super().forward(image)

    result = _try(network=Greedy())
    assert result.losses[:5] == pytest.approx(result.untrained[:5], rel=1e-4)


# What is made of a curve: its numbers alone.


def _curve(fall_at: float, rise_at: float, depth: float, noise: float = 0.0, seed: int = 0) -> list[float]:
    """A level stretch, a fall by `depth` around one rate, a rise around another: like those of real trainings."""
    x = np.log10(RATES)
    fall = depth / (1 + np.exp(-4 * (x - np.log10(fall_at))))
    rise = 0.8 / (1 + np.exp(-6 * (x - np.log10(rise_at))))
    rng = np.random.default_rng(seed)
    return (1 - fall + rise + noise * rng.standard_normal(len(x)) * (fall / depth + 0.05)).tolist()


def test_the_suggestion_lies_where_two_thirds_of_the_fall_are_made() -> None:
    rate, why = suggest_rate(RATES, _curve(1e-3, 0.3, 0.5))
    assert rate == pytest.approx(10 ** (-3 + math.log(2) / 4), rel=0.2)
    assert "where two thirds of the loss's fall are made; it is least at" in why


def test_a_fall_that_ends_abruptly_gives_a_tenth_of_the_rate_where_it_ends() -> None:
    rate, why = suggest_rate(RATES, _curve(1e-2, 3e-2, 0.6))
    assert rate is not None and 1e-3 <= rate <= 3e-3
    assert "a tenth of" in why


def test_a_loss_with_an_upper_bound_never_rises_and_still_gives_a_rate() -> None:
    rate, _ = suggest_rate(RATES, _curve(3e-3, 1e9, 0.2))
    assert rate == pytest.approx(10 ** (math.log10(3e-3) + math.log(2) / 4), rel=0.2)


@pytest.mark.parametrize("seed", range(20))
def test_noise_moves_the_suggestion_by_less_than_a_factor_of_three(seed: int) -> None:
    noisy = smooth(_curve(1e-3, 0.3, 0.5, noise=0.08, seed=seed), RATES)
    rate, _ = suggest_rate(RATES, noisy)
    assert rate is not None
    assert 0.5e-3 < rate < 4.5e-3


@pytest.mark.parametrize("curve", [[1.0] * 71, [1 + 0.01 * i for i in range(71)], [1 - 0.0002 * i for i in range(71)]])
def test_a_loss_that_does_not_fall_gives_no_rate_and_says_so(curve: list[float]) -> None:
    rate, why = suggest_rate(RATES, curve)
    assert rate is None
    assert why == "the loss did not fall by 2% at any rate"


def test_smoothing_does_not_lag_and_an_explosion_does_not_pull_up_what_came_before() -> None:
    step = [1.0] * 40 + [0.5] * 31
    smoothed = smooth(step, RATES)
    assert smoothed[39] > 0.75 > smoothed[40]
    exploded = smooth([*step[:69], 1e6, 1e9], RATES)
    assert exploded[60] == pytest.approx(0.5, abs=1e-3)


def test_the_steps_use_the_batches_of_a_training_in_their_order() -> None:
    class Asked(WholeBatches):
        def batch(self, epoch: int, step: int) -> Batch:
            asked.append((epoch, step))
            return super().batch(epoch, step)

    asked: list[tuple[int, int]] = []
    settings = replace(_settings(Phase(epochs=1)), size=SIZE)
    batches = Asked(Squares(8, SIZE[0]), 4, seed=0)
    run_range_test(Small(), batches, build_loss("bce", CLASSES), settings, device=CPU, steps=5)
    assert asked == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
