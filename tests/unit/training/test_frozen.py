"""A frozen phase computes by another way: the same answers, gradients and averages, within rounding."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from maskwright.images.classes import Classes
from maskwright.losses import build_loss
from maskwright.models.build import build_network
from maskwright.progress import Step
from maskwright.recipe import Augmentation, Phase, TrainingOptions
from maskwright.training.batches import WholeBatches
from maskwright.training.feeding import Scaling
from maskwright.training.folding import FoldedConvolution, fold
from maskwright.training.frozen import frozen_twin
from maskwright.training.loop import FitSettings, fit
from maskwright.training.steps import State
from support.bright_squares import Small, Squares

CPU = torch.device("cpu")


def _network(name: str, encoder: str, **knobs: Any) -> nn.Module:
    """A network in the midst of a training: averages of batch norm are no longer 0 and 1."""
    torch.manual_seed(0)
    network, _ = build_network(name, encoder=encoder, weights="none", in_channels=3, num_outputs=2, **knobs)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)  # type: ignore[operator, union-attr]
            layer.running_var.uniform_(0.5, 1.5)  # type: ignore[operator, union-attr]
    network.encoder.requires_grad_(False)  # type: ignore[operator]
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "encoder", "folded"),
    [
        ("unet", "mobilenetv2_035", 51),
        ("unet", "none", 10),
        ("smp_unet", "mobilenet_v2", 52),
        ("smp_unet", "resnet18", 20),
        ("mobilenet_unet", "mobilenetv2_035", 40),
    ],
)
def test_a_folded_encoder_gives_the_same_features(name: str, encoder: str, folded: int) -> None:
    whole = _network(name, encoder).encoder.eval()  # type: ignore[operator, union-attr]
    quick = fold(whole, "fp32")
    assert sum(isinstance(layer, FoldedConvolution) for layer in quick.modules()) == folded
    image = torch.rand(2, 3, 64, 96).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        expected, found, rough = whole(image), quick(image), fold(whole, "bf16")(image)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            usual = whole(image)
    for exact, fp32, bf16, autocast in zip(expected, found, rough, usual, strict=True):
        assert (fp32 - exact).norm() <= 1e-4 * exact.norm()
        assert (bf16.float() - exact).norm() <= 2 * (autocast.float() - exact).norm() + 0.01 * exact.norm()


def test_an_encoder_whose_way_cannot_be_traced_is_kept_as_it_is() -> None:
    class Moody(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return image if image.mean() > 0 else -image

    moody = Moody()
    assert fold(moody, "fp32") is moody


@pytest.mark.parametrize(
    ("name", "encoder", "knobs"),
    [
        ("smp_unet", "mobilenet_v2", {}),
        ("unet", "mobilenetv2_035", {}),
        ("unet", "mobilenetv2_035", {"attention": "scse"}),
        ("smp_fpn", "resnet18", {}),
    ],
)
def test_training_the_twin_is_training_the_network(name: str, encoder: str, knobs: dict[str, Any]) -> None:
    network = _network(name, encoder, **knobs)
    plain = copy.deepcopy(network)
    twin = frozen_twin(network, "fp32")
    before = {key: value.clone() for key, value in network.encoder.state_dict().items()}  # type: ignore[operator, union-attr]
    image = torch.rand(2, 3, 64, 96)
    answers = []
    for model, owner in ((twin, network), (plain, plain)):
        model.train()
        owner.encoder.eval()  # type: ignore[operator, union-attr]
        for layer in model.modules():
            if isinstance(layer, nn.Dropout2d | nn.Dropout):
                layer.eval()
        answers.append(model(image))
        answers[-1].square().mean().backward()
    assert (answers[0] - answers[1]).norm() <= 1e-4 * answers[1].norm()
    for (key, one), other in zip(network.named_parameters(), plain.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), key
        if one.grad is not None and other.grad is not None:
            assert (one.grad - other.grad).norm() <= 0.02 * other.grad.norm() + 1e-6, key
    for (key, average), other in zip(network.named_buffers(), plain.buffers(), strict=True):
        assert torch.allclose(average.float(), other.float(), rtol=1e-4, atol=1e-4), key
    assert all(torch.equal(value, before[key]) for key, value in network.encoder.state_dict().items())  # type: ignore[operator, union-attr]


def _settings(*phases: Phase) -> FitSettings:
    scaling = Scaling(255.0, (0.5,) * 3, (0.5,) * 3)
    options = TrainingOptions(phases=phases, checkpoint_seconds=0, restore_best=False)
    return FitSettings(phases, options, Augmentation(), scaling, (32, 32), "fp32", [f"square-{i}" for i in range(12)])


def test_the_loop_computes_with_the_twin_in_frozen_phases_only() -> None:
    state = State(Small(), _settings(Phase(epochs=1, encoder="frozen"), Phase(epochs=1)), CPU)
    assert state.computing is not state.network
    assert state.computing is state.computing
    state.position.phase = 1
    state.begin_phase()
    assert state.computing is state.network


def test_a_frozen_phase_gone_on_with_folds_the_weights_of_the_checkpoint(tmp_path: Path) -> None:
    settings = _settings(Phase(epochs=1, learning_rate=0.02), Phase(epochs=2, encoder="frozen", learning_rate=0.01))

    def train(folder: Path, stop: int | None) -> nn.Module:
        def kill(step: Step) -> None:
            if step.done == stop:
                raise KeyboardInterrupt

        torch.manual_seed(0)
        network, batches = Small(), WholeBatches(Squares(), 4, seed=0)
        loss = build_loss("dice+bce", Classes(("background", "bright")))
        fit(network, batches, loss, None, settings, folder=folder, record=lambda event: None, device=CPU, progress=kill)
        return network

    whole = train(tmp_path / "whole", None)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", 5)
    again = train(tmp_path / "cut", None)
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True))
