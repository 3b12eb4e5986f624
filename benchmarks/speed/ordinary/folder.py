"""The data set class that everybody writes: pictures and masks of one folder, read with OpenCV when they are asked for.

Decodes and resizes in the DataLoader's workers, augments with albumentations, returns normalised tensors.
"""

import os
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import torch
from albumentations.pytorch import ToTensorV2
from PIL import Image
from torch.utils.data import DataLoader, Dataset

cv2.setNumThreads(0)  # the DataLoader's workers are the threads
_NORMALISED = A.Normalize([0.5] * 3, [0.5] * 3)


class Folder(Dataset):
    """Pairs of folder/images/NAME.* and folder/masks/NAME*.*, as (image (3, H, W) float32, mask (1, H, W) float32)."""

    def __init__(self, folder: Path, size: tuple[int, int], transform: A.Compose) -> None:
        images, masks = (sorted((folder / part).iterdir()) for part in ("images", "masks"))
        self.pairs = list(zip(images, masks, strict=True))
        self.width_and_height = size[::-1]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, mask = self.pairs[index]
        changed = self.transform(
            image=cv2.resize(read_picture(image), self.width_and_height),
            mask=cv2.resize(read_mask(mask), self.width_and_height, interpolation=cv2.INTER_NEAREST),
        )
        return changed["image"], changed["mask"][None].float()


def read_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8, RGB."""
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def read_mask(path: Path) -> np.ndarray:
    """(H, W) uint8, 0 or 1. GIF is read with Pillow."""
    values = np.array(Image.open(path)) if path.suffix == ".gif" else cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return (values > 0).astype(np.uint8)


def plain() -> A.Compose:
    """Normalising to -1..1 only."""
    return A.Compose([_NORMALISED, ToTensorV2()])


def usual() -> A.Compose:
    """Flips, a little turning, zoom and shift, and colours: what maskwright does by default."""
    return A.Compose([
        A.HorizontalFlip(p=0.5),
        A.Affine(rotate=(-15, 15), scale=(0.83, 1.2), translate_percent=(-0.06, 0.06), p=1),
        A.ColorJitter(brightness=0.15, contrast=0.2, saturation=0.2, hue=8 / 360, p=1),
        _NORMALISED,
        ToTensorV2(),
    ])  # fmt: skip


def car_studio() -> A.Compose:
    """As the recipe carvana-unet: flips, turning by 1 %, contrast."""
    return A.Compose([
        A.HorizontalFlip(p=0.5),
        A.Affine(rotate=(-3.6, 3.6), p=1),
        A.RandomBrightnessContrast(brightness_limit=0, contrast_limit=0.2, p=1),
        _NORMALISED,
        ToTensorV2(),
    ])  # fmt: skip


def loader(dataset: Dataset, batch_size: int, *, shuffle: bool) -> DataLoader:
    """As many workers as cores, kept from epoch to epoch."""
    workers = os.cpu_count() or 1
    return DataLoader(
        dataset,
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=workers,
        persistent_workers=True,
        pin_memory=torch.cuda.is_available(),
    )
