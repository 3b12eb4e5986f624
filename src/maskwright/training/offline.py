"""The changes of a training picture made once, at the picture's own size: what a training would draw, to be kept.

The same drawing and resampling as in training. Large pictures are done in strips, so that beside the picture itself
little memory is needed. Knows no files.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskwright.images.sizes import resize_labels
from maskwright.recipe import Augmentation
from maskwright.training.augment import Draw, apply, draw
from maskwright.training.feeding import to_labels

_STRIP_PIXELS = 1_000_000  # of the result, done at a time
_CPU = torch.device("cpu")


def draw_one(options: Augmentation, bands: int, size: tuple[int, int], generator: torch.Generator) -> Draw:
    """Draw the changes of one picture of this size (H, W)."""
    return draw(options, 1, bands, size, generator)


def key_of(drawn: Draw) -> tuple[float, ...] | None:
    """Return what tells one drawing from another; None where it changes nothing at all."""
    numbers = torch.cat([part.reshape(-1) for part in (drawn.affine, drawn.colour, drawn.offset)])
    bands = drawn.colour.shape[1]
    same = torch.cat([torch.eye(2, 3).reshape(-1), torch.eye(bands).reshape(-1), torch.zeros(bands)])
    if drawn.noise == 0 and torch.allclose(numbers, same, atol=1e-4):
        return None
    return tuple(round(float(number), 3) + 0.0 for number in numbers)  # + 0.0: no negative zero


def on_its_side(drawn: Draw) -> bool:
    """Whether the picture is turned by nearer 90 than 0 or 180 degrees: then the result is as high as it was wide."""
    return bool(drawn.affine[0, 0, 0].abs() < drawn.affine[0, 0, 1].abs() - 1e-6)


def change(
    drawn: Draw, image: NDArray[Any], mask: NDArray[np.uint8], *, value_range: float, generator: torch.Generator
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return a changed picture and its mask, each at its own size (turned, where the picture is turned on its side).

    image: (H, W, C) uint8 or uint16. mask: (h, w) or (h, w, K) labels, of any size. value_range: the value that counts
    as full, such as 4095; values beyond it are cut to it. Outside of the picture it is mirrored.
    """
    turned = on_its_side(drawn)
    source_size = (image.shape[0], image.shape[1])
    size = source_size[::-1] if turned else source_size
    labels = to_labels(resize_labels(mask, source_size)[None].copy(), _CPU)
    pixels = _to_unit(image, value_range)
    new_image = np.empty((*size, image.shape[2]), image.dtype)
    new_mask = np.empty((*size, *mask.shape[2:]), np.uint8)
    rows = max(1, _STRIP_PIXELS // size[1])
    for top in range(0, size[0], rows):
        strip = slice(top, min(size[0], top + rows))
        height = strip.stop - top
        part, truth = apply(_moved(drawn, top, height, size[0]), pixels, labels, (height, size[1]), generator=generator)
        new_image[strip] = _to_integers(part, value_range, image.dtype)
        new_mask[strip] = truth[0].numpy() if mask.ndim == 2 else truth[0].movedim(0, 2).numpy()
    own = (mask.shape[1], mask.shape[0]) if turned else (mask.shape[0], mask.shape[1])
    return new_image, resize_labels(new_mask, own).astype(np.uint8, copy=False)


def _to_unit(image: NDArray[Any], value_range: float) -> Tensor:
    """As `feeding.to_unit` does for a batch, but in place: one float copy of a large picture, not two."""
    values = image if image.dtype == np.uint8 else image.astype(np.float32)
    return torch.from_numpy(values)[None].movedim(3, 1).float().div_(value_range).clamp_(max=1)


def _moved(drawn: Draw, top: int, rows: int, height: int) -> Draw:
    """Return the drawing for the strip of `rows` rows from `top` on, counted about the strip's own centre."""
    below = top + (rows - 1) / 2 - (height - 1) / 2
    affine = drawn.affine.clone()
    affine[:, :, 2] += below * affine[:, :, 1]
    return replace(drawn, affine=affine)


def _to_integers(part: Tensor, value_range: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    values: NDArray[Any] = (part[0].movedim(0, 2) * value_range + 0.5).floor().numpy().astype(dtype)
    return values
