"""What a plan needs to know of the training pictures: how large they are, how fine their masks.

Looks at a sample of the training part only. Never imports torch.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
_FIFTH = 0.2
_ROUNDED = 1e-9  # more than what rounding changes of a mean

Between = tuple[float, float]
Exact = Callable[[Sequence[tuple[int, str]]], Iterable[float]]


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
        progress(Step("look", len(looks), len(chosen)))
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
    """One pair. between: class -> least and largest width that it can have, in pixels of the picture."""

    row: int
    size: tuple[int, int]
    between: dict[str, Between]
    highest: int


def _sample(number: int) -> list[int]:
    return [int(at) for at in np.unique(np.linspace(0, number - 1, min(SAMPLE, number)).round())]


def _look(dataset: Dataset, index: int) -> _Look:
    image = dataset.read_image(index)
    size = (image.shape[0], image.shape[1])
    return _Look(index, size, _between(dataset, index, size), int(image.max(initial=0)))


def _look_or_none(dataset: Dataset, index: int) -> _Look | None:
    try:
        info = read_info(dataset[index].image)
        between = _between(dataset, index, (info.height, info.width))
    except DataError:  # a finding of the check, not the plan's business
        return None
    return _Look(index, (info.height, info.width), between, int(np.iinfo(dataset.dtype).max))


def _between(dataset: Dataset, index: int, size: tuple[int, int]) -> dict[str, Between]:
    """Return between what the classes' widths lie, in pixels of the picture; masks may be larger than pictures."""
    mask = dataset.read_mask(index)
    scale = size[1] / mask.shape[1]
    bounds = thickness_between(mask, dataset.classes)
    return {name: (least * scale, most * scale) for name, (least, most) in bounds.items()}


def _width(dataset: Dataset, look: _Look, name: str) -> float:
    """Return a class's width in pixels of the picture."""
    mask = dataset.read_mask(look.row)
    scale: float = look.size[1] / mask.shape[1]
    return thickness(mask, dataset.classes, only=name)[name] * scale


def _facts(dataset: Dataset, pictures: int, looks: list[_Look]) -> Facts:
    heights, widths = np.array([look.size for look in looks]).T
    aspect = heights / widths
    thin_class, thin = thinnest(
        [look.between for look in looks],
        lambda some: in_threads(lambda one: _width(dataset, looks[one[0]], one[1]), some),
    )
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


def thickness(mask: NDArray[np.uint8], classes: Classes, *, only: str | None = None) -> dict[str, float]:
    """Return each shown class's typical width in pixels: 4 times its pixels' mean distance from the class's edge.

    mask: (H, W) class indices or (H, W, K) of 0 and 1. The picture's border is no edge. only: of this class alone.
    """
    from scipy.ndimage import distance_transform_edt

    scale, planes = _planes(mask, classes, only)
    # an edge pixel's distance is 1, not 1/2
    return {name: (4 * _mean(distance_transform_edt(plane), plane) - 2) / scale for name, plane in planes}


def thickness_between(mask: NDArray[np.uint8], classes: Classes) -> dict[str, Between]:
    """Return for each class between what `thickness` lies, in a sixth of its time.

    The way to the edge by steps to any of eight neighbours is at most as long as the straight one, and at least 1 /
    sqrt(2) of it.
    """
    from scipy.ndimage import distance_transform_cdt

    scale, planes = _planes(mask, classes)
    steps = {name: _mean(distance_transform_cdt(plane, "chessboard"), plane) for name, plane in planes}
    return {
        name: ((4 * mean * (1 - _ROUNDED) - 2) / scale, (4 * mean * (2**0.5 + _ROUNDED) - 2) / scale)
        for name, mean in steps.items()
    }


def _mean(distance: NDArray[Any], plane: NDArray[np.bool_]) -> float:
    return float(distance[plane].mean())


def _planes(
    mask: NDArray[np.uint8], classes: Classes, only: str | None = None
) -> tuple[float, Iterator[tuple[str, NDArray[np.bool_]]]]:
    """Return by how much a mask was made smaller, and the plane of each class that it shows and is not full of."""
    scale = min(1.0, SIDE / max(mask.shape[:2]))
    if scale < 1:
        mask = resize_labels(mask, (round(mask.shape[0] * scale), round(mask.shape[1] * scale)))
    planes = (
        (name, mask == k if mask.ndim == 2 else mask[..., k] == 1)
        for k, name in enumerate(classes.names)
        if only in (None, name)
    )
    return scale, ((name, _around(plane)) for name, plane in planes if plane.any() and not plane.all())


def _around(plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cut out what is set and one pixel around it: no pixel there has its nearest edge further out."""
    rows, columns = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
    top, left = max(0, int(rows[0]) - 1), max(0, int(columns[0]) - 1)
    return plane[top : int(rows[-1]) + 2, left : int(columns[-1]) + 2]


def thinnest(between: Sequence[Mapping[str, Between]], exact: Exact) -> tuple[str, float]:
    """Find the class whose lower fifth of widths is smallest, and that width; no class at all gives a width of 1e9.

    between: of each mask, class -> least and largest width. exact: returns the widths of classes in masks, given as
    (number of the mask, class); asked only for those on which the answer depends.
    """
    classes = {name: [at for at, one in enumerate(between) if name in one] for name in {n for o in between for n in o}}
    if not classes:
        return "", 1e9
    highest = {name: _fifth([between[at][name][1] for at in rows]) for name, rows in classes.items()}
    typical = {}
    for name, rows in sorted(classes.items()):
        least, most = np.array([between[at][name] for at in rows]).T
        if _fifth(least) <= min(highest.values()):
            open_ = _open(least, most)
            widths = least.copy()
            widths[open_] = list(exact([(rows[at], name) for at in open_]))
            typical[name] = _fifth(widths)
    name = min(typical, key=lambda key: typical[key])
    return name, max(1.0, typical[name])


def _open(least: NDArray[np.float64], most: NDArray[np.float64]) -> list[int]:
    """Return which widths may take part in the lower fifth, by their bounds; the others stay on their side of it."""
    below = int(_FIFTH * (len(least) - 1))  # the lower fifth lies between this one, from the smallest, and the next
    from_, to = np.sort(least)[below], np.sort(most)[min(below + 1, len(most) - 1)]
    return [int(at) for at in np.flatnonzero((most >= from_) & (least <= to))]


def _fifth(widths: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.quantile(widths, _FIFTH))


def _full_range(highest: int, dtype: str) -> float:
    if dtype == "uint8":
        return 255.0
    return next(float(full) for full in (255, 1023, 4095, 16383, 65535) if highest <= full)
