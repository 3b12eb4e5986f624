"""The network of a run, in PyTorch, with the weights that its checkpoint holds."""

import json
from pathlib import Path

import torch
from safetensors import safe_open

from maskwright.planning.plan import Plan
from maskwright.runs.networks import network_from, with_decoder
from maskwright.runs.recipes import load_recipe
from maskwright.runtime.predictor import describe


def load_network(run: Path) -> tuple[torch.nn.Module, tuple[int, int], torch.Tensor, torch.Tensor, float]:
    """Return the network, the size of its input, mean and std (1, C, 1, 1), and the threshold."""
    description, plan = describe(run), Plan.from_json(json.loads((run / "plan.json").read_text()))
    recipe = next(path for path in (run / "recipe.yaml", run.parent / "recipe.yaml") if path.exists())
    outputs = description.classes.num_outputs
    network, _ = network_from(
        with_decoder(load_recipe(recipe), plan.decoder_channels), plan.encoder, plan.weights,
        bands=description.bands, num_outputs=outputs, load=False,
    )  # fmt: skip
    with safe_open(run / "checkpoint" / "state.safetensors", framework="pt") as file:
        names = [name for name in file.keys() if name.startswith("network.")]  # noqa: SIM118
        network.load_state_dict({name.removeprefix("network."): file.get_tensor(name) for name in names})
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (description.mean, description.std))
    return network.eval(), description.size, mean, std, description.threshold or 0.5
