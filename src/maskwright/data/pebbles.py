"""Pictures of pebbles on gravel with exact masks, drawn from numbers alone: no download, no licence.

A height and a colour for each pixel, lit by one low sun: shading from the slopes, shadows cast by the heights, then
what a camera adds: a little blur, vignetting, gamma, noise, JPEG. Knows nothing of datasets; it writes plain files.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from maskwright.errors import ConfigError
from maskwright.files import write_bytes
from maskwright.images.classes import PALETTE
from maskwright.images.formats import encode_png
from maskwright.progress import Progress, Step, ignore

KINDS = ("plain", "banded", "speckled")  # of pebble; with two classes all are one

_USUAL_SIDES = (288, 384)
_SMALLEST = 32
_STONES = np.array(  # linear reflectance of pebbles: basalt, slate, granite, rust, ochre, olive, limestone, quartz
    [(0.035, 0.036, 0.042), (0.075, 0.090, 0.105), (0.21, 0.205, 0.20), (0.23, 0.105, 0.07), (0.33, 0.235, 0.125),
     (0.13, 0.145, 0.10), (0.43, 0.39, 0.32), (0.62, 0.60, 0.56)],
    np.float32,
)  # fmt: skip

Field = NDArray[np.float32]


@dataclass(frozen=True)
class _Scene:
    """What lies there: height in pixels (H, W), reflectance (H, W, 3), class of each pixel (H, W)."""

    height: Field
    colour: Field
    label: NDArray[np.uint8]


def make_pebbles(
    folder: Path | str,
    count: int,
    *,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    classes: int = 2,
    progress: Progress = ignore,
) -> Path:
    """Write `images/pebbles_0000.jpg` and `masks/pebbles_0000.png`, ...; return the folder.

    size: (height, width) in pixels, at least 32; None gives 288 x 384, now and then 384 x 288. seed: the same seed
    gives the same files, and picture i is the same for any count. classes: 2 writes masks of 0 and 255; 3 tell banded
    pebbles from the others, 4 also speckled from plain ones, as class indices with a palette. A pixel belongs to a
    pebble where the pebble covers its centre; shadows are background.

    Raises ConfigError for values outside these, OutputError where nothing can be written.
    """
    if count < 1 or seed < 0 or not 2 <= classes <= 1 + len(KINDS):
        raise ConfigError(
            f"Pebbles want count >= 1, seed >= 0 and 2 to {1 + len(KINDS)} classes; got {count}, {seed}, {classes}."
        )
    if size is not None and min(size) < _SMALLEST:
        raise ConfigError(f"A picture of pebbles has at least {_SMALLEST} x {_SMALLEST} pixels; got {size}.")
    folder = Path(folder)
    for i in range(count):
        picture, mask = draw_pebbles(seed, i, size=size, classes=classes)
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "JPEG", quality=92)
        write_bytes(folder / "images" / f"pebbles_{i:04d}.jpg", stream.getvalue())
        png = encode_png(mask * np.uint8(255)) if classes == 2 else encode_png(mask, palette=PALETTE[:classes])
        write_bytes(folder / "masks" / f"pebbles_{i:04d}.png", png)
        progress(Step("pebbles", i + 1, count))
    return folder


def draw_pebbles(
    seed: int, number: int, *, size: tuple[int, int] | None = None, classes: int = 2
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw picture `number` of a seed: (H, W, 3) uint8 and its mask of class indices (H, W) uint8."""
    rng = np.random.default_rng([seed, number])
    upright = rng.random() < 0.2
    if size is None:
        size = (_USUAL_SIDES[1], _USUAL_SIDES[0]) if upright else _USUAL_SIDES
    scene = _lay_pebbles(rng, _spread_gravel(rng, size), classes)
    light = _light(rng, scene.height)
    return _photograph(rng, scene.colour * light), scene.label


def _noise(rng: np.random.Generator, size: tuple[int, int], cell: float, octaves: int = 1) -> Field:
    """Return smooth noise of mean 0 and deviation about 1, its features about `cell` pixels wide."""
    total, weight, power = np.zeros(size, np.float32), 1.0, 0.0
    for _ in range(octaves):
        grid = [max(2, int(np.ceil(side / cell)) + 1) for side in size]
        coarse = rng.standard_normal(grid, dtype=np.float32)
        total += weight * _resized(coarse, size, Image.Resampling.BICUBIC)
        power += weight**2
        cell, weight = cell / 2, weight * 0.6
    return total * np.float32(1.3 / np.sqrt(power))


def _resized(field: Field, size: tuple[int, int], how: Image.Resampling) -> Field:
    return np.asarray(Image.fromarray(field).resize((size[1], size[0]), how))


def _blurred(field: Field, radius: float) -> Field:
    """Return a wide blur: averaged to cells of `radius` pixels and smoothly enlarged again."""
    cells = (max(2, round(field.shape[0] / radius)), max(2, round(field.shape[1] / radius)))
    return _resized(_resized(field, cells, Image.Resampling.HAMMING), field.shape, Image.Resampling.BICUBIC)


def _spread_gravel(rng: np.random.Generator, size: tuple[int, int]) -> _Scene:
    """Cover the ground with sand, and with grains half sunk in it, each of its own size and colour."""
    short = min(size)
    tint = np.array((1.0, rng.uniform(0.84, 0.97), rng.uniform(0.62, 0.95)), np.float32)
    base = np.float32(rng.uniform(0.12, 0.34)) * tint
    cell = max(4.0, short * float(rng.uniform(0.018, 0.034)))
    grains, colour = _grains(rng, size, cell, base)
    sand = _noise(rng, size, max(1.5, cell * 0.22), 2)
    above = grains > np.float32(cell * rng.uniform(0.05, 0.22))
    height = np.where(above, grains, sand * np.float32(cell * 0.06))
    ground = base * np.float32(rng.uniform(0.6, 0.95)) * np.exp(np.float32(0.3) * sand)[..., None]
    colour = np.where(above[..., None], colour * np.exp(np.float32(0.1) * sand)[..., None], ground)
    colour *= np.exp(np.float32(0.12) * _noise(rng, size, short / 3, 3))[..., None]
    height += _noise(rng, size, short / 2) * np.float32(short * 0.01)
    return _Scene(height, colour, np.zeros(size, np.uint8))


def _grains(rng: np.random.Generator, size: tuple[int, int], cell: float, base: Field) -> tuple[Field, Field]:
    """Return height and colour of grains about `cell` pixels wide; each pixel belongs to the nearest one."""
    shape = (int(np.ceil(size[0] / cell)) + 4, int(np.ceil(size[1] / cell)) + 4)
    center_y = rng.random(shape, dtype=np.float32) + np.arange(shape[0], dtype=np.float32)[:, None]
    center_x = rng.random(shape, dtype=np.float32) + np.arange(shape[1], dtype=np.float32)
    narrow = np.exp(np.float32(0.45) * rng.standard_normal(shape, dtype=np.float32))
    tops = np.float32(cell) * (np.float32(0.25) + np.float32(0.45) * rng.random(shape, dtype=np.float32))
    brightness = np.float32(0.45) * rng.standard_normal((*shape, 1), dtype=np.float32)
    warmth = np.float32(0.09) * rng.standard_normal((*shape, 1), dtype=np.float32) * np.array((1, 0, -1), np.float32)
    colours = base * np.exp(brightness + warmth)

    y = ((np.arange(size[0], dtype=np.float32) + 0.5) / np.float32(cell) + np.float32(1.5))[:, None]
    x = (np.arange(size[1], dtype=np.float32) + 0.5) / np.float32(cell) + np.float32(1.5)
    place = y.astype(np.int32) * shape[1] + x.astype(np.int32)
    nearest, owner = np.full(size, np.inf, np.float32), np.zeros(size, np.int32)
    for step in (down * shape[1] + right for down in (-1, 0, 1) for right in (-1, 0, 1)):
        neighbour = place + np.int32(step)
        distance = (center_y.take(neighbour) - y) ** 2
        distance += (center_x.take(neighbour) - x) ** 2
        distance *= narrow.take(neighbour)
        closer = distance < nearest
        np.copyto(nearest, distance, where=closer)
        np.copyto(owner, neighbour, where=closer)
    dome = np.sqrt(np.maximum(0, 1 - nearest * np.float32(1.9)))
    return dome * tops.take(owner), colours.reshape(-1, 3).take(owner, axis=0)


def _lay_pebbles(rng: np.random.Generator, ground: _Scene, classes: int) -> _Scene:
    """Put pebbles on the ground until a drawn share of it is covered; later ones lie on earlier ones."""
    height, colour, label = ground.height.copy(), ground.colour.copy(), ground.label.copy()
    short = min(label.shape)
    share = rng.uniform(0.12, 0.5)
    usual = rng.uniform(0.07, 0.13) * short
    for _ in range(60):
        radius = float(np.clip(usual * np.exp(0.4 * rng.standard_normal()), 0.045 * short, 0.24 * short))
        _lay_one(rng, height, colour, label, radius, classes)
        if np.count_nonzero(label) > share * label.size:
            break
    return _Scene(height, colour, label)


def _lay_one(
    rng: np.random.Generator, height: Field, colour: Field, label: NDArray[np.uint8], radius: float, classes: int
) -> None:
    """Draw one pebble into the scene's arrays."""
    center_y, center_x = rng.uniform(0, label.shape[0]), rng.uniform(0, label.shape[1])
    reach = int(np.ceil(radius * 1.9))
    top, left = max(0, int(center_y) - reach), max(0, int(center_x) - reach)
    place = (slice(top, int(center_y) + reach + 1), slice(left, int(center_x) + reach + 1))
    rows, columns = label[place].shape
    y = (np.arange(rows, dtype=np.float32) + np.float32(top + 0.5 - center_y))[:, None] / np.float32(radius)
    x = (np.arange(columns, dtype=np.float32) + np.float32(left + 0.5 - center_x)) / np.float32(radius)
    along, across, rim = _outline(rng, y, x)
    inside = rim < 1
    if not inside.any():
        return
    kind = int(rng.integers(len(KINDS)))
    dome = np.sqrt(np.maximum(0, 1 - rim ** np.float32(rng.uniform(2.0, 3.4))))
    bumps = _noise(rng, inside.shape, max(4.0, radius * 0.7), 2) * np.float32(0.03)
    rise = np.float32(radius * rng.uniform(0.45, 0.75)) * dome * (1 + bumps)
    height[place] = np.where(inside, rise + height[place][inside].mean(), height[place])
    edge = np.clip((1 - rim) * np.float32(0.8 * radius) + np.float32(0.5), 0, 1)[..., None]  # about a pixel wide
    colour[place] += edge * (_surface(rng, kind, along, across, radius) - colour[place])
    label[place] = np.where(inside, np.uint8(1 if classes == 2 else 1 + kind % (classes - 1)), label[place])


def _outline(rng: np.random.Generator, y: Field, x: Field) -> tuple[Field, Field, Field]:
    """Return a pebble's own two coordinates, and 0 at its middle growing to 1 at its smooth, uneven rim."""
    turn, flat = rng.uniform(0, 2 * np.pi), float(rng.uniform(0.62, 0.98))
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    along: Field = cosine * x + sine * y
    across: Field = np.asarray((cosine * y - sine * x) / flat, np.float32)
    angle = np.arctan2(across, along)
    reach = np.ones_like(angle)
    for wave, amount in ((1, 0.06), (2, 0.07), (3, 0.06), (4, 0.03), (5, 0.02)):
        amplitude, phase = np.float32(rng.normal(0, amount)), np.float32(rng.uniform(0, 2 * np.pi))
        reach += amplitude * np.cos(wave * angle + phase)
    rim: Field = np.sqrt(along**2 + across**2) / np.clip(reach, 0.6, 1.5)
    return along, across, rim


def _surface(rng: np.random.Generator, kind: int, along: Field, across: Field, radius: float) -> Field:
    """Return the reflectance of a pebble: (h, w, 3)."""
    size = along.shape
    shade, warmth = rng.normal(0, 0.22), rng.normal(0, 0.07)
    stone = _STONES[rng.integers(len(_STONES))] * _factors(shade + warmth, shade, shade - warmth)
    other = _STONES[rng.integers(len(_STONES))]
    clouds = 0.14 * _noise(rng, size, max(3.0, radius * 0.5), 3) + 0.05 * rng.standard_normal(size, dtype=np.float32)
    surface: Field = stone * np.exp(clouds)[..., None]
    if KINDS[kind] == "banded":
        turn, width = rng.uniform(0, np.pi), rng.uniform(3.0, 9.0)
        bent = along * np.float32(np.cos(turn)) + across * np.float32(np.sin(turn))
        bent = bent + np.float32(0.14) * _noise(rng, size, max(4.0, radius * 0.8), 2)
        wave = np.sin(bent * np.float32(width) + np.float32(rng.uniform(0, 6)))
        band = np.clip(4 * (wave - np.float32(rng.uniform(0.2, 0.85))), 0, 1) * np.float32(rng.uniform(0.4, 0.8))
        surface += band[..., None] * (other - surface)
    elif KINDS[kind] == "speckled":
        grain = _noise(rng, size, max(1.4, radius * float(rng.uniform(0.025, 0.05))))
        strength = np.float32(rng.uniform(0.3, 0.75))
        surface += (strength * np.clip(1.5 * (grain - 0.6), 0, 1))[..., None] * (_STONES[-1] * 0.9 - surface)
        surface += (strength * np.clip(1.5 * (-grain - 0.6), 0, 1))[..., None] * (_STONES[0] - surface)
    return surface


def _factors(*logarithms: float) -> Field:
    return np.exp(np.array(logarithms, np.float32))


def _light(rng: np.random.Generator, height: Field) -> Field:
    """Return the light that each pixel sends on per reflectance: (H, W, 3), from one sun and the sky."""
    turn, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(25, 55))
    down, right = (np.float32(part * np.cos(elevation)) for part in (np.sin(turn), np.cos(turn)))
    slope_y, slope_x = np.gradient(height)
    upward = 1 / np.sqrt(1 + slope_y**2 + slope_x**2)
    facing = np.maximum(0, (np.float32(np.sin(elevation)) - slope_y * down - slope_x * right) * upward)
    sun = facing * (1 - _shadow(height, float(down), float(right), float(np.tan(elevation))))
    hollow = np.maximum(0, _blurred(height, max(3.0, min(height.shape) * 0.03)) - height)
    sky = (np.float32(0.5) + np.float32(0.5) * upward) * np.exp(hollow * np.float32(-14 / min(height.shape)))
    warm, cool = rng.uniform(0.0, 0.09), rng.uniform(0.0, 0.09)
    softness = float(np.log(rng.uniform(0.14, 0.42)))
    light: Field = sun[..., None] * _factors(warm, 0, -warm) * np.float32(1.3)
    light += sky[..., None] * _factors(softness - cool, softness, softness + cool)
    return light


def _shadow(height: Field, down: float, right: float, slope: float) -> Field:
    """Return how far each pixel lies in cast shadow, 0..1: whether something towards the sun rises above its ray."""
    length = float(np.hypot(down, right))
    down, right = down / length, right / length
    reach = float(height.max() - height.min()) / slope
    steps = int(min(48, np.ceil(reach / 1.5)))
    rows, columns = height.shape
    above = np.zeros_like(height)
    for step in range(1, steps + 1):
        far = step * reach / steps
        dy, dx = round(far * down), round(far * right)
        if abs(dy) >= rows or abs(dx) >= columns:
            break
        here = (slice(max(0, -dy), rows - max(0, dy)), slice(max(0, -dx), columns - max(0, dx)))
        there = (slice(max(0, dy), rows - max(0, -dy)), slice(max(0, dx), columns - max(0, -dx)))
        np.maximum(above[here], height[there] - height[here] - np.float32(far * slope), out=above[here])
    edge = Image.fromarray((np.clip(above * 0.8, 0, 1) * 255).astype(np.uint8))
    soft: Field = np.asarray(edge.filter(ImageFilter.BoxBlur(0.8))).astype(np.float32) / np.float32(255)
    return soft


def _photograph(rng: np.random.Generator, radiance: Field) -> NDArray[np.uint8]:
    """Return what a camera makes of the light: exposure, lens, tone curve, sensor noise."""
    size = (radiance.shape[0], radiance.shape[1])
    exposure = np.float32(rng.uniform(0.17, 0.27) / max(1e-3, float(radiance.mean())))
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in size)
    vignette = 1 - np.float32(rng.uniform(0.03, 0.14)) * (y[:, None] ** 2 + x**2)
    shown = (_tone(radiance * (exposure * vignette)[..., None]) * 255).astype(np.uint8)
    lens = ImageFilter.GaussianBlur(float(rng.uniform(0.45, 0.85)))
    seen = np.asarray(Image.fromarray(shown).filter(lens)).astype(np.float32)
    noise = rng.standard_normal((*size, 3), dtype=np.float32) * np.float32(rng.uniform(1.5, 4.5))
    seen += noise * np.sqrt(np.float32(0.4) + seen * np.float32(1 / 255))
    picture: NDArray[np.uint8] = np.clip(seen + np.float32(0.5), 0, 255).astype(np.uint8)
    return picture


def _tone(linear: Field) -> Field:
    """Return display values 0..1: gamma, a little more contrast in the middle, soft highlights."""
    bright = (1 - np.exp(np.float32(-1.5) * linear)) * np.float32(1.08)
    display = np.clip(bright, 0, 1) ** np.float32(1 / 2.2)
    contrast: Field = display + np.float32(0.45) * (display - np.float32(0.5)) * display * (1 - display)
    return np.clip(contrast, 0, 1)
