"""What the trained network says of a picture, by torch alone: the answer a model file must give.

The same steps as in the file, written a second time with torch's own operations: resize, normalise, network,
temperature, activation, resize. Knows nothing of ONNX.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from maskwright.export.core import plain_copy
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.tiling import tiled_probabilities

Reference = Callable[[NDArray[Any]], NDArray[np.float32]]  # (H, W, C) -> (K, H, W)


def reference_probabilities(
    network: nn.Module, description: ModelDescription, image: NDArray[Any]
) -> NDArray[np.float32]:
    """Return (K, H, W) float32 probabilities of a picture (H, W, C) uint8 or uint16, by torch in float32 on the CPU."""
    return build_reference(network, description)(image)


def build_reference(network: nn.Module, description: ModelDescription, *, exact: bool = False) -> Reference:
    """Copy the network once, to the CPU in float32, and return `reference_probabilities` of it.

    exact: calculate in float64, where rounding does not show: what float32 itself is worth with this network.
    """
    dtype = torch.float64 if exact else torch.float32
    network = plain_copy(network).to(dtype)

    def look(images: NDArray[Any]) -> NDArray[np.float32]:
        """Return (N, K, H, W) for (N, H, W, C): the whole road, at the pictures' own size."""
        pixels = torch.from_numpy(images.astype(np.float32)).to(dtype).permute(0, 3, 1, 2)
        with torch.inference_mode():
            logits = network(_normalised(_resized(pixels, description.size), description)) / description.temperature
            activated = logits.sigmoid() if description.thresholded else logits.softmax(dim=1)
            probabilities: NDArray[np.float32] = _resized(activated, images.shape[1:3]).clamp(0, 1).float().numpy()
        return probabilities

    if description.mode == "tile":
        return lambda image: tiled_probabilities(image, description, look)
    return lambda image: look(image[None])[0]


def _normalised(pixels: Tensor, description: ModelDescription) -> Tensor:
    mean = torch.tensor(description.mean, dtype=pixels.dtype).view(1, -1, 1, 1)
    std = torch.tensor(description.std, dtype=pixels.dtype).view(1, -1, 1, 1)
    return ((pixels / description.value_range).clamp(max=1) - mean) / std


def _resized(values: Tensor, size: tuple[int, ...]) -> Tensor:
    if values.shape[2:] == size:
        return values
    return F.interpolate(values, size=list(size), mode="bilinear", align_corners=False, antialias=True)
