"""Descriptions, pictures and a small convolutional network for the tests of export."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from maskwright.images.classes import Classes
from maskwright.images.resize import resize_float
from maskwright.runtime.description import ModelDescription

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")


@pytest.fixture(scope="session")
def describe() -> Callable[..., ModelDescription]:
    """Build a description: one foreground class, 32x48, whole, 3 bands, unless told otherwise."""

    def build(**changes: Any) -> ModelDescription:
        bands = changes.get("bands", 3)
        defaults: dict[str, Any] = {
            "classes": Classes(("background", "pebble")), "mode": "whole", "size": (32, 48), "threshold": 0.45,
            "mean": (0.485, 0.456, 0.406, 0.5, 0.5)[:bands], "std": (0.229, 0.224, 0.225, 0.3, 0.3)[:bands],
            "value_range": 65535.0 if changes.get("dtype") == "uint16" else 255.0,
        }  # fmt: skip
        return ModelDescription(**{**defaults, **changes})

    return build


@pytest.fixture(scope="session")
def small_network() -> Callable[[ModelDescription], Any]:
    """Build a few convolutions with batch norm whose statistics are not trivial."""

    def build(description: ModelDescription) -> Any:
        torch.manual_seed(3)
        norm = torch.nn.BatchNorm2d(8)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        return torch.nn.Sequential(
            torch.nn.Conv2d(description.bands, 8, 3, padding=1), norm, torch.nn.ReLU(),
            torch.nn.Conv2d(8, description.classes.num_outputs, 3, padding=1),
        )  # fmt: skip

    return build


@pytest.fixture(scope="session")
def draw() -> Callable[..., NDArray[Any]]:
    """Draw a smooth picture (H, W, bands) with a little noise, as a description wants it."""

    def build(description: ModelDescription, height: int, width: int, seed: int = 0) -> NDArray[Any]:
        chance = np.random.default_rng(seed)
        coarse = chance.random((description.bands, height // 9 + 2, width // 9 + 2), np.float32)
        smooth = resize_float(coarse, (height, width)) + chance.normal(0, 0.03, (description.bands, height, width))
        top = 255 if description.dtype == "uint8" else 65535
        return (np.clip(smooth, 0, 1) * top).astype(description.dtype).transpose(1, 2, 0)

    return build
