"""Adam and AdamW without torch's compiler: the same numbers, and nothing slow is loaded."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from maskwright.recipe import Phase, TrainingOptions
from maskwright.training.optimizers import Adam, AdamW
from maskwright.training.steps import build_optimizer


@pytest.mark.parametrize(("ours", "theirs"), [(AdamW, torch.optim.AdamW), (Adam, torch.optim.Adam)])
def test_it_takes_the_same_steps_as_torchs(
    ours: type[torch.optim.Optimizer], theirs: type[torch.optim.Optimizer]
) -> None:
    assert torch.equal(_after_steps(ours), _after_steps(theirs))


def _after_steps(kind: type[torch.optim.Optimizer]) -> torch.Tensor:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    weights = [p for p in network.parameters() if p.ndim > 1]
    biases = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0, "lr": 0.02}]
    optimizer = kind(groups, lr=0.01)  # type: ignore[call-arg]
    for _ in range(5):
        optimizer.zero_grad(set_to_none=True)
        network(torch.rand(16, 4)).square().mean().backward()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("name", ["adamw", "adam"])
def test_the_fused_steps_of_a_training_are_those_taken_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a network in channels last, whose gradients come in both layouts."""
    fused, by_fused = _after_a_training(name)
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")
    plain, one_by_one = _after_a_training(name)
    assert (fused, plain) == (True, None)
    assert torch.allclose(by_fused, one_by_one, rtol=0, atol=2e-6)


def _after_a_training(name: str) -> tuple[bool | None, torch.Tensor]:
    """Whether the optimizer is fused, and how far the weights have gone in three steps of 0.01."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Conv2d(8, 2, 3))
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    before = torch.cat([p.detach().flatten() for p in network.parameters()])
    options = TrainingOptions.model_validate({"optimizer": name, "weight_decay": 0.1})
    optimizer = build_optimizer(network, Phase(learning_rate=0.01), options)
    for _ in range(3):
        optimizer.zero_grad(set_to_none=True)
        images, slope = torch.rand(2, 3, 8, 8), torch.randn(2, 2, 4, 4)
        for laid_out in (images, images.contiguous(memory_format=torch.channels_last)):
            (network(laid_out) * slope).sum().backward()
        optimizer.step()
    return optimizer.defaults["fused"], torch.cat([p.detach().flatten() for p in network.parameters()]) - before


def test_a_step_of_the_usual_network_needs_none_of_what_is_slow_to_import() -> None:
    code = """
import sys
import torch
from maskwright.images.classes import Classes
from maskwright.losses import build_loss
from maskwright.models.build import build_network
from maskwright.progress import ignore
from maskwright.recipe import Recipe
from maskwright.training.batches import Batch
from maskwright.training.feeding import Scaling
from maskwright.training.steps import FitSettings, State, take_step
import numpy as np
network, facts = build_network("unet", encoder="mobilenetv2_035", weights="none", in_channels=3, num_outputs=1)
recipe = Recipe()
scaling = Scaling(255.0, facts.mean, facts.std)
settings = FitSettings(recipe.training.phases, recipe.training, recipe.augmentation, scaling, (32, 32), "fp32", ("a",))
state = State(network, settings, torch.device("cpu"))
state.set_rates(0, 2)
classes = Classes(("background", "object"))
batch = Batch(np.zeros((2, 32, 32, 3), np.uint8), np.zeros((2, 32, 32), np.uint8), (0, 0))
take_step(state, batch, build_loss("auto", classes), ignore)
slow = ("timm", "segmentation_models_pytorch", "torchvision", "torch._dynamo", "sympy", "huggingface_hub")
sys.exit(" ".join(name for name in slow if name in sys.modules) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
