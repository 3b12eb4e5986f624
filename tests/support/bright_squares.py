"""Pictures that a training learns in a second, and a network that has everything a real one has."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn


class Squares:
    """Bright squares on dark noise, as the batches of a training take them."""

    def __init__(self, count: int = 12, size: int = 32) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 90, (count, size, size, 3), dtype=np.uint8)
        self.masks = np.zeros((count, size, size), np.uint8)
        side = size * 3 // 8
        for index in range(count):
            top, left = rng.integers(2, size // 2, 2)
            self.masks[index, top : top + side, left : left + side] = 1
        self.images[self.masks == 1] += 130

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.images[index]

    def mask(self, index: int) -> NDArray[np.uint8]:
        return self.masks[index]


class Small(nn.Module):
    """An encoder and a head, with batch norm and dropout: all that has state or chance in it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Conv2d(8, 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.head(self.encoder(image))
        return result
