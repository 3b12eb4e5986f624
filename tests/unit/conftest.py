"""Model files for tests that need one, without a training: a 1x1 convolution, to be worked out by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskwright.images.classes import Classes
from maskwright.runtime.description import ModelDescription


@pytest.fixture(scope="session")
def describe() -> Callable[..., ModelDescription]:
    """Build a description: one foreground class, 8x8, whole, 3 bands, unless told otherwise."""

    def build(**changes: Any) -> ModelDescription:
        bands = changes.get("bands", 3)
        defaults: dict[str, Any] = {
            "classes": Classes(("background", "pebble")), "mode": "whole", "size": (8, 8), "threshold": 0.5,
            "mean": (0.5,) * bands, "std": (0.25,) * bands,
        }  # fmt: skip
        return ModelDescription(**{**defaults, **changes})

    return build


@pytest.fixture(scope="session")
def write_model(describe: Callable[..., ModelDescription]) -> Callable[..., ModelDescription]:
    """Write a model file whose logits are the sum of the normalised bands, times 1, 2, 3 ... for each output."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from maskwright.export.graph import export_model

    def write(path: Path, **changes: Any) -> ModelDescription:
        description = describe(**changes)
        outputs = description.classes.num_outputs
        network = torch.nn.Conv2d(description.bands, outputs, 1, bias=False)
        with torch.no_grad():
            network.weight.copy_(torch.arange(1.0, outputs + 1).view(-1, 1, 1, 1).expand_as(network.weight))
        export_model(network, description, path)
        return description

    return write
