"""Adam and AdamW without torch's compiler: the same numbers, and nothing slow is loaded."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from maskwright.training.optimizers import Adam, AdamW


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
