"""What a plan needs to know of the training pictures: how large they are, how fine their masks.

Looks at a sample of the training part only. Never imports torch.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.threads import in_threads
from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.images.formats import read_info, resize_labels
from maskwright.progress import Progress, Step, ignore

SAMPLE = 48  # masks looked at
SIDE = 1024  # pixels; larger masks are made smaller before their widths are measured


@dataclass(frozen=True)
class Facts:
    """Figures of the training part.

    pictures: how many there are. height, width: the median, in pixels. aspects_agree: all within 5 % of the median
    aspect. thickness: the finest class's typical width in pixels, at height x width: 4 times the mean distance of its
    pixels from its edge (a stripe's width, a disc's two thirds of the diameter); the lower fifth over the masks.
    thin_class: its name. value_range: the largest value that occurs, rounded
    up to a full range (255, 1023, 4095, 65535).
    """

    pictures: int
    height: int
    width: int
    aspects_agree: bool
    thickness: float
    thin_class: str
    value_range: float
    bands: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def gather_facts(dataset: Dataset, indices: Sequence[int] | NDArray[np.int64], progress: Progress = ignore) -> Facts:
    """Measure a sample of the pictures at `indices`, spread evenly over them. Raises DataError for one that is bad."""
    looks = []
    chosen = [int(indices[position]) for position in _sample(len(indices))]
    for look in in_threads(lambda index: _look(dataset, index), chosen):
        looks.append(look)
        progress(Step("look", len(looks), min(SAMPLE, len(indices))))
    return _facts(dataset, len(indices), looks)


def gather_view_facts(
    dataset: Dataset, indices: Sequence[int] | NDArray[np.int64], progress: Progress = ignore
) -> Facts | None:
    """Measure what `plan_view` needs, of the same sample: sizes are taken from headers, and bad pairs passed over.

    Returns None where no pair is left. value_range is that of the type, since no picture is decoded.
    """
    chosen = [int(indices[position]) for position in _sample(len(indices))]
    looks = []
    for done, look in enumerate(in_threads(lambda index: _look_or_none(dataset, index), chosen), 1):
        looks += [look] if look is not None else []
        progress(Step("look", done, len(chosen)))
    return _facts(dataset, len(indices), looks) if looks else None


class _Look(NamedTuple):
    size: tuple[int, int]
    widths: dict[str, float]
    highest: int


def _sample(number: int) -> list[int]:
    return [int(at) for at in np.unique(np.linspace(0, number - 1, min(SAMPLE, number)).round())]


def _look(dataset: Dataset, index: int) -> _Look:
    image = dataset.read_image(index)
    size = (image.shape[0], image.shape[1])
    return _Look(size, _widths(dataset, index, size), int(image.max(initial=0)))


def _look_or_none(dataset: Dataset, index: int) -> _Look | None:
    try:
        info = read_info(dataset[index].image)
        widths = _widths(dataset, index, (info.height, info.width))
    except DataError:  # a finding of the check, not the plan's business
        return None
    return _Look((info.height, info.width), widths, int(np.iinfo(dataset.dtype).max))


def _widths(dataset: Dataset, index: int, size: tuple[int, int]) -> dict[str, float]:
    """Return the classes' widths in pixels of the picture; masks may be larger than pictures."""
    mask = dataset.read_mask(index)
    scale = size[1] / mask.shape[1]
    return {name: width * scale for name, width in thickness(mask, dataset.classes).items()}


def _facts(dataset: Dataset, pictures: int, looks: list[_Look]) -> Facts:
    heights, widths = np.array([look.size for look in looks]).T
    aspect = heights / widths
    thin_class, thin = _thinnest([look.widths for look in looks])
    return Facts(
        pictures=pictures,
        height=int(np.median(heights)),
        width=int(np.median(widths)),
        aspects_agree=bool(np.all(np.abs(aspect / np.median(aspect) - 1) < 0.05)),
        thickness=thin,
        thin_class=thin_class,
        value_range=_full_range(max(look.highest for look in looks), dataset.dtype),
        bands=dataset.bands,
    )


def thickness(mask: NDArray[np.uint8], classes: Classes) -> dict[str, float]:
    """Return each shown class's typical width in pixels: 4 times its pixels' mean distance from the class's edge.

    mask: (H, W) class indices or (H, W, K) of 0 and 1. The picture's border is no edge.
    """
    from scipy.ndimage import distance_transform_edt

    widths, scale = {}, min(1.0, SIDE / max(mask.shape[:2]))
    if scale < 1:
        mask = resize_labels(mask, (round(mask.shape[0] * scale), round(mask.shape[1] * scale)))
    for k, name in enumerate(classes.names):
        plane = mask == k if mask.ndim == 2 else mask[..., k] == 1
        if plane.any() and not plane.all():
            plane = _around(plane)
            distance = distance_transform_edt(plane)
            widths[name] = (4 * float(distance[plane].mean()) - 2) / scale  # an edge pixel's distance is 1, not 1/2
    return widths


def _around(plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cut out what is set and one pixel around it: no pixel there has its nearest edge further out."""
    rows, columns = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
    top, left = max(0, int(rows[0]) - 1), max(0, int(columns[0]) - 1)
    return plane[top : int(rows[-1]) + 2, left : int(columns[-1]) + 2]


def _thinnest(widths: list[dict[str, float]]) -> tuple[str, float]:
    """Find the class whose lower fifth of widths is smallest; no class at all gives a width of 1e9."""
    names = sorted({name for one in widths for name in one})
    if not names:
        return "", 1e9
    typical = {name: float(np.quantile([one[name] for one in widths if name in one], 0.2)) for name in names}
    name = min(typical, key=lambda key: typical[key])
    return name, max(1.0, typical[name])


def _full_range(highest: int, dtype: str) -> float:
    if dtype == "uint8":
        return 255.0
    return next(float(full) for full in (255, 1023, 4095, 16383, 65535) if highest <= full)
