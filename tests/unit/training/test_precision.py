"""The probe: it times what was asked for and leaves the network as it was."""

import pytest
import torch
from torch import nn

from maskwright.errors import TrainingError
from maskwright.training import precision
from maskwright.training.precision import Speed, probe

CPU = torch.device("cpu")


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4))


def test_the_network_is_left_as_it_was() -> None:
    network = _network().eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    probe(network, (2, 3, 8, 8), CPU)
    assert not network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_stated_precision_is_timed_alone() -> None:
    speed = probe(_network(), (1, 3, 8, 8), CPU, precision="fp32")
    assert speed.precision == "fp32"
    assert set(speed.seconds) == {"fp32"}
    assert speed.step_seconds > 0


@pytest.mark.parametrize(("bf16", "chosen"), [(0.5, "bf16"), (0.84, "bf16"), (0.9, "fp32"), (2.0, "fp32")])
def test_bf16_is_chosen_where_it_is_clearly_faster(bf16: float, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"fp32": 1.0, "bf16": bf16}
    monkeypatch.setattr(precision, "_step_seconds", lambda network, shape, device, name: seconds[name])
    assert probe(_network(), (1, 3, 8, 8), CPU) == Speed(chosen, {"bf16": bf16, "fp32": 1.0})


def test_a_hopeless_precision_is_not_timed_again_and_the_other_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def seconds(network: nn.Module, shape: object, device: object, name: str) -> float:
        asked.append(name)
        return 1.0 if name == "bf16" else 10.0

    monkeypatch.setattr(precision, "_step_seconds", seconds)
    probe(_network(), (1, 3, 8, 8), CPU)
    assert asked.count("bf16") == 3
    assert asked.count("fp32") == 2


def test_a_batch_that_does_not_fit_is_probed_in_half(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(network: nn.Module, shape: tuple[int, ...], device: object, name: str) -> float:
        if shape[0] > 2 or name == "fp32":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return 0.5

    monkeypatch.setattr(precision, "_step_seconds", seconds)
    speed = probe(_network(), (8, 3, 8, 8), CPU)
    assert speed.precision == "bf16"
    assert speed.step_seconds == 2.0


def test_one_picture_that_does_not_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(*_: object) -> float:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(precision, "_step_seconds", seconds)
    with pytest.raises(TrainingError, match="One picture alone"):
        probe(_network(), (4, 3, 8, 8), CPU)


def test_a_network_with_two_heads_is_timed_too() -> None:
    class TwoHeads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 2)

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = self.body(image)
            return features, self.second(features.mean(dim=(2, 3)))

    assert probe(TwoHeads(), (2, 3, 8, 8), CPU).step_seconds > 0


def test_one_picture_a_step_is_refused_where_batch_norm_sees_a_single_value() -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3))
    with pytest.raises(TrainingError, match="needs at least two pictures in a step"):
        probe(network, (1, 3, 8, 8), CPU, precision="fp32")


def test_one_slow_look_does_not_cost_bf16_its_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    bf16 = iter([9.0, 2.0, 0.5, 0.5])  # warm-up, then another program came between

    monkeypatch.setattr(precision, "_step_seconds", lambda *given: next(bf16) if given[-1] == "bf16" else 1.0)
    assert probe(_network(), (1, 3, 8, 8), CPU) == Speed("bf16", {"bf16": 0.5, "fp32": 1.0})


def test_a_cpu_is_shown_half_of_a_large_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: set[int] = set()

    def seconds(network: nn.Module, shape: tuple[int, ...], device: object, name: str) -> float:
        shown.add(shape[0])
        return shape[0] * (0.5 if name == "bf16" else 1.0)

    monkeypatch.setattr(precision, "_step_seconds", seconds)
    assert probe(_network(), (17, 3, 8, 8), CPU) == Speed("bf16", {"bf16": 8.5, "fp32": 17.0})
    assert probe(_network(), (4, 3, 8, 8), CPU) == Speed("bf16", {"bf16": 2.0, "fp32": 4.0})
    assert shown == {8, 4}
