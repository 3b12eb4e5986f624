"""From a batch of packed arrays to what the network eats: float, normalised, channels last, on the device."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskwright.recipe import Augmentation
from maskwright.training import augment
from maskwright.training.batches import Batch


@dataclass(frozen=True)
class Scaling:
    """How pixel values become network input: (value / value_range - mean) / std, a mean and std for each band."""

    value_range: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, image: Tensor) -> Tensor:
        """(N, C, H, W) in 0..1 -> normalised, channels last."""
        mean = torch.tensor(self.mean, device=image.device)[:, None, None]
        std = torch.tensor(self.std, device=image.device)[:, None, None]
        return ((image - mean) / std).contiguous(memory_format=torch.channels_last)


def to_unit(images: NDArray[Any], value_range: float, device: torch.device) -> Tensor:
    """(N, H, W, C) integer -> (N, C, H, W) float32 in 0..1; values beyond the range count as its end."""
    values = images if images.dtype == np.uint8 else images.astype(np.float32)
    return (torch.from_numpy(values).to(device).movedim(3, 1).float() / value_range).clamp_(max=1)


def to_labels(masks: NDArray[np.uint8], device: torch.device) -> Tensor:
    """(N, H, W) or (N, H, W, K) uint8 -> (N, H, W) or (N, K, H, W)."""
    labels = torch.from_numpy(masks).to(device)
    return labels if labels.ndim == 3 else labels.movedim(3, 1)


def seed_of(seed: int, epoch: int, step: int) -> int:
    """Mix seed, epoch and step into one number for torch's generators."""
    return int(np.random.SeedSequence([seed, epoch, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def training_batch(
    batch: Batch, options: Augmentation, scaling: Scaling, size: tuple[int, int], device: torch.device, seed: int
) -> tuple[Tensor, Tensor]:
    """Return (images, labels) of a training step: images normalised (N, C, H, W), labels as `to_labels`."""
    generator = torch.Generator().manual_seed(seed)
    images = to_unit(batch.images, scaling.value_range, device)
    labels = to_labels(batch.masks, device)
    drawn = augment.draw(options, len(images), images.shape[1], size, generator)
    images, labels = augment.apply(drawn, images, labels, size, generator=generator)
    return scaling(images), labels
