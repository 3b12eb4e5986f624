"""Random changes of a batch on its device: all geometry in one resampling, all colour in one matrix.

A transform of a whole batch is two small tables of numbers a picture, drawn from one seed, so that a resumed
training sees the same pictures. Chained transforms would resample once each, which blurs and costs time.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from maskwright.recipe import Augmentation

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Draw:
    """What was drawn for a batch of N pictures of C bands.

    affine: (N, 2, 3) from output to input coordinates, in pixels from the centre (x, y).
    colour: (N, C, C) and offset: (N, C), applied to values in 0..1. noise: standard deviation, of all pictures.
    """

    affine: Tensor
    colour: Tensor
    offset: Tensor
    noise: float


def draw(options: Augmentation, count: int, bands: int, size: tuple[int, int], generator: torch.Generator) -> Draw:
    """Draw the changes of `count` pictures. size: (H, W) of the output, in pixels."""

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    angle = uniform(-1, 1) * math.radians(options.rotate_degrees)
    zoom = torch.exp(uniform(-1, 1) * math.log1p(options.scale))
    flip_x = 1 - 2 * (uniform(0, 1) < options.flip_horizontal).float()
    flip_y = 1 - 2 * (uniform(0, 1) < options.flip_vertical).float()
    shift = torch.stack([uniform(-1, 1) * options.shift * size[1], uniform(-1, 1) * options.shift * size[0]], dim=1)
    turns = torch.randint(0, 4, (count,), generator=generator)
    if options.quarter_turns:
        angle = angle + turns * (math.pi / 2)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    rotation = torch.stack(
        [torch.stack([cos * flip_x, -sin * flip_y], 1), torch.stack([sin * flip_x, cos * flip_y], 1)], 1
    )
    affine = torch.cat([rotation, shift[:, :, None]], dim=2)
    colour, offset = _draw_colour(options, count, bands, uniform)
    return Draw(affine, colour, offset, options.noise)


def apply(
    drawn: Draw, image: Tensor, mask: Tensor, size: tuple[int, int], *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Resample and recolour a batch.

    image: (N, C, h, w) float in 0..1; mask: (N, h, w) or (N, K, h, w) uint8; both may be larger than the output.
    size: (H, W) of the output, cut around the centre. Outside of the picture it is mirrored.
    Returns image (N, C, H, W) float in 0..1 and mask (N, H, W) or (N, K, H, W) uint8.
    """
    grid = _grid(drawn.affine.to(image.device), image.shape[2:], size)
    planes = mask.unsqueeze(1) if mask.ndim == 3 else mask
    image = F.grid_sample(image, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    labels = F.grid_sample(planes.float(), grid, mode="nearest", padding_mode="reflection", align_corners=False)
    labels = labels.round().to(torch.uint8)
    image = recolour(drawn, image, generator=generator)
    return image, labels.squeeze(1) if mask.ndim == 3 else labels


def recolour(drawn: Draw, image: Tensor, *, generator: torch.Generator) -> Tensor:
    """Apply the colour matrix, offset and noise to (N, C, H, W) float in 0..1; the result is cut to 0..1."""
    matrix, offset = drawn.colour.to(image.device), drawn.offset.to(image.device)
    count, bands, height, width = image.shape
    image = torch.baddbmm(offset[:, :, None], matrix, image.reshape(count, bands, height * width))
    image = image.reshape(count, bands, height, width)
    if drawn.noise > 0:
        image = image + drawn.noise * torch.randn(image.shape, generator=generator).to(image.device)
    return image.clamp_(0, 1)


def _grid(affine: Tensor, source: tuple[int, ...], size: tuple[int, int]) -> Tensor:
    """Turn pixel transforms about the centre into grid_sample's coordinates (-1..1 over the source)."""
    height, width = size
    y = torch.arange(height, device=affine.device, dtype=torch.float32) - (height - 1) / 2
    x = torch.arange(width, device=affine.device, dtype=torch.float32) - (width - 1) / 2
    points = torch.stack([x[None, :].expand(height, width), y[:, None].expand(height, width)], dim=-1)
    moved = points.reshape(1, -1, 2) @ affine[:, :, :2].transpose(1, 2) + affine[:, None, :, 2]
    scale = torch.tensor([2 / source[1], 2 / source[0]], device=affine.device)
    return (moved * scale).reshape(len(affine), height, width, 2)


def _draw_colour(options: Augmentation, count: int, bands: int, uniform: object) -> tuple[Tensor, Tensor]:
    draw_uniform = uniform  # (low, high) -> (count,)
    brightness = draw_uniform(-options.brightness, options.brightness)  # type: ignore[operator]
    contrast = draw_uniform(1 - options.contrast, 1 + options.contrast)  # type: ignore[operator]
    saturation = draw_uniform(1 - options.saturation, 1 + options.saturation)  # type: ignore[operator]
    hue = draw_uniform(-1, 1) * math.radians(options.hue_degrees)  # type: ignore[operator]
    matrix = torch.eye(bands).expand(count, bands, bands).clone()
    if bands == 3:
        grey = torch.tensor(_LUMA).expand(3, 3)
        matrix = saturation[:, None, None] * matrix + (1 - saturation)[:, None, None] * grey
        matrix = _hue_rotation(hue) @ matrix
    matrix = matrix * contrast[:, None, None]
    offset = (brightness + 0.5 * (1 - contrast))[:, None].expand(count, bands)
    return matrix, offset.contiguous()


def _hue_rotation(angle: Tensor) -> Tensor:
    """Rotate RGB about the grey axis by `angle` radians: (N,) -> (N, 3, 3)."""
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    third, root = torch.full((3, 3), 1 / 3), math.sqrt(1 / 3)
    cross = torch.tensor([[0.0, -root, root], [root, 0.0, -root], [-root, root, 0.0]])
    return cos * torch.eye(3) + (1 - cos) * third + sin * cross
