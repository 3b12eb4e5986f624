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
    gives the same files, and picture i is the same for any count. classes: 2 writes masks of 0 and 255; 3 or 4 tell
    plain, banded and speckled pebbles apart, as class indices with a palette.

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
    light = _light(rng, scene)
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
    """Cover the ground with grains of two sizes: domes around jittered points, each of its own colour."""
    short = min(size)
    base = np.float32(rng.uniform(0.12, 0.34)) * np.array((1.0, rng.uniform(0.86, 0.97), rng.uniform(0.68, 0.95)))
    height, colour = _grains(rng, size, max(2.2, short * 0.009), base)
    coarse_height, coarse_colour = _grains(rng, size, max(4.0, short * rng.uniform(0.018, 0.028)), base)
    thickness = coarse_height - height * 0.8 - np.float32(rng.uniform(0.0, 1.2))
    above = thickness > 0  # the large grains lie half sunk in the small ones
    height = np.where(above, coarse_height, height * 0.8)
    colour = np.where(above[..., None], coarse_colour, colour)
    colour = colour * np.exp(0.12 * _noise(rng, size, short / 3, 3))[..., None]
    rolling = _noise(rng, size, short / 2) * np.float32(short * 0.01)
    return _Scene(height + rolling, colour, np.zeros(size, np.uint8))


def _grains(
    rng: np.random.Generator, size: tuple[int, int], cell: float, base: NDArray[np.float64]
) -> tuple[Field, Field]:
    """Return height and colour of grains about `cell` pixels wide; each pixel belongs to the nearest one."""
    rows, columns = (int(np.ceil(side / cell)) + 4 for side in size)
    shape = (rows, columns)
    jitter_y, jitter_x = rng.random((2, *shape), dtype=np.float32)
    stretch = np.exp(0.25 * rng.standard_normal(shape, dtype=np.float32))
    tops = rng.uniform(0.35, 1.0, shape).astype(np.float32) * np.float32(cell * 0.55)
    brightness = np.exp(0.42 * rng.standard_normal(shape))[..., None]
    tint = np.exp(0.10 * rng.standard_normal((*shape, 3)))
    colours = (base * brightness * tint).astype(np.float32)

    y = (np.arange(size[0], dtype=np.float32) + 0.5)[:, None] / np.float32(cell) + 1.5
    x = (np.arange(size[1], dtype=np.float32) + 0.5)[None, :] / np.float32(cell) + 1.5
    row, column = y.astype(np.intp), x.astype(np.intp)
    nearest = np.full(size, np.inf, np.float32)
    owner = np.zeros(size, np.intp)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            index = (row + down) * columns + (column + right)
            dy = (jitter_y.ravel()[index] + (row + down)) - y
            dx = (jitter_x.ravel()[index] + (column + right)) - x
            distance = (dy * dy + dx * dx) * stretch.ravel()[index]
            closer = distance < nearest
            nearest = np.where(closer, distance, nearest)
            owner = np.where(closer, index, owner)
    dome = np.sqrt(np.maximum(0, 1 - nearest * np.float32(1.1)))
    return dome * tops.ravel()[owner], colours.reshape(-1, 3)[owner]


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
    y = (top + np.arange(rows, dtype=np.float32) + 0.5 - np.float32(center_y))[:, None] / np.float32(radius)
    x = (left + np.arange(columns, dtype=np.float32) + 0.5 - np.float32(center_x))[None, :] / np.float32(radius)
    along, across, rim = _outline(rng, y, x)
    inside = rim < 1
    kind = int(rng.integers(len(KINDS)))
    dome = np.sqrt(np.maximum(0, 1 - rim ** np.float32(rng.uniform(2.0, 3.4))))
    bumps = _noise(rng, (rows, columns), max(4.0, radius * 0.7), 2) * np.float32(0.03)
    rise = np.float32(radius * rng.uniform(0.45, 0.75)) * dome * (1 + bumps)
    lying = np.maximum(rise + np.float32(height[place][inside].mean() if inside.any() else 0), height[place] * 0)
    height[place] = np.where(inside, lying, height[place])
    surface = _surface(rng, kind, along, across, radius)
    colour[place] = np.where(inside[..., None], surface, colour[place])
    label[place] = np.where(inside, np.uint8(1 if classes == 2 else 1 + kind % (classes - 1)), label[place])


def _outline(rng: np.random.Generator, y: Field, x: Field) -> tuple[Field, Field, Field]:
    """Return a pebble's own two coordinates, and 0 at its middle growing to 1 at its smooth, uneven rim."""
    turn = rng.uniform(0, 2 * np.pi)
    flat = np.float32(rng.uniform(0.62, 0.98))
    along = np.float32(np.cos(turn)) * x + np.float32(np.sin(turn)) * y
    across = (np.float32(np.cos(turn)) * y - np.float32(np.sin(turn)) * x) / flat
    angle = np.arctan2(across, along)
    rim = np.ones_like(angle)
    for wave, amount in ((1, 0.06), (2, 0.07), (3, 0.06), (4, 0.03), (5, 0.02)):
        rim += np.float32(amount * rng.standard_normal()) * np.cos(wave * angle + np.float32(rng.uniform(0, 2 * np.pi)))
    return along, across, np.hypot(along, across) / np.clip(rim, 0.6, 1.5)


def _surface(rng: np.random.Generator, kind: int, along: Field, across: Field, radius: float) -> Field:
    """Return the reflectance of a pebble: (h, w, 3)."""
    size = along.shape
    stone = _STONES[rng.integers(len(_STONES))] * np.exp(0.18 * rng.standard_normal(3) * (1, 0.6, 0.8))
    other = _STONES[rng.integers(len(_STONES))]
    clouds = np.exp(0.13 * _noise(rng, size, max(3.0, radius * 0.5), 3) + 0.05 * rng.standard_normal(size))
    surface = stone * clouds[..., None]
    if KINDS[kind] == "banded":
        turn, width = rng.uniform(0, np.pi), rng.uniform(3.0, 9.0)
        bent = along * np.cos(turn) + across * np.sin(turn) + 0.14 * _noise(rng, size, max(4.0, radius * 0.8), 2)
        band = np.clip(4 * (np.sin(bent * width + rng.uniform(0, 6)) - rng.uniform(0.1, 0.75)), 0, 1)
        surface += (band * rng.uniform(0.5, 0.9))[..., None] * (other - surface)
    elif KINDS[kind] == "speckled":
        grain = _noise(rng, size, max(1.6, radius * 0.05))
        surface = surface + np.clip(2 * (grain - 0.7), 0, 1)[..., None] * (_STONES[-1] * 0.9 - surface)
        surface = surface + np.clip(2 * (-grain - 0.8), 0, 1)[..., None] * (_STONES[0] - surface)
    return surface.astype(np.float32)


def _light(rng: np.random.Generator, scene: _Scene) -> Field:
    """Return the light that each pixel sends on per reflectance: (H, W, 3), from one sun and the sky."""
    height = scene.height
    turn, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(28, 62))
    down, right = np.sin(turn) * np.cos(elevation), np.cos(turn) * np.cos(elevation)
    slope_y, slope_x = np.gradient(height)
    steep = np.float32(0.9)
    length = np.sqrt(1 + steep**2 * (slope_y**2 + slope_x**2))
    facing = (np.sin(elevation) - steep * (slope_y * down + slope_x * right)) / length
    sun = np.clip(facing, 0, None) * (1 - _shadow(height, down, right, float(np.tan(elevation))))
    hollow = np.clip(_blurred(height, max(3.0, min(height.shape) * 0.03)) - height, 0, None)
    sky = (0.6 + 0.4 / length) * np.exp(-hollow * np.float32(9 / min(height.shape)))
    softness = rng.uniform(0.16, 0.4)
    warm = np.array((1.06, 1.0, rng.uniform(0.84, 0.97)), np.float32)
    cool = np.array((rng.uniform(0.84, 0.97), 0.97, 1.08), np.float32)
    return (sun[..., None] * warm * np.float32(1.25) + sky[..., None] * cool * np.float32(softness)).astype(np.float32)


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
    return np.asarray(edge.filter(ImageFilter.BoxBlur(0.8)), np.float32) / 255


def _photograph(rng: np.random.Generator, radiance: Field) -> NDArray[np.uint8]:
    """Return what a camera makes of the light: exposure, lens, sensor noise, tone curve."""
    size = radiance.shape[:2]
    exposed = radiance * np.float32(rng.uniform(0.20, 0.30) / max(0.02, float(radiance.mean())))
    y, x = np.linspace(-1, 1, size[0])[:, None], np.linspace(-1, 1, size[1])[None, :]
    exposed *= (1 - rng.uniform(0.04, 0.14) * (y**2 + x**2))[..., None].astype(np.float32)
    curve = _tone(exposed)
    lens = Image.fromarray((curve * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0.45, 0.9)))
    seen = np.asarray(lens, np.float32)
    grain = rng.standard_normal((*size, 3), dtype=np.float32) * np.float32(rng.uniform(1.5, 4.0))
    return np.clip(seen + grain * np.sqrt(0.4 + seen / 255) + np.float32(0.5), 0, 255).astype(np.uint8)


def _tone(linear: Field) -> Field:
    """Return display values 0..1: highlights roll off softly, then sRGB's gamma."""
    rolled = linear * (1 + linear / 6.0) / (1 + linear)
    return np.clip(1.12 * rolled, 0, 1) ** np.float32(1 / 2.2)
