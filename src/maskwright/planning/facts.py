"""What a plan needs to know of the training pictures: how large they are, how fine their masks.

Looks at a sample of the training part only. Never imports torch.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.images.classes import Classes
from maskwright.images.formats import resize_labels
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
    """Measure a sample of the pictures at `indices`, spread evenly over them."""
    chosen = np.unique(np.linspace(0, len(indices) - 1, min(SAMPLE, len(indices))).round().astype(int))
    sizes, finest, highest = [], [], 0
    for done, position in enumerate(chosen):
        index = int(indices[position])
        image, mask = dataset.read_image(index), dataset.read_mask(index)
        sizes.append(image.shape[:2])
        highest = max(highest, int(image.max(initial=0)))
        scale = image.shape[1] / mask.shape[1]  # masks may be larger than pictures
        finest.append({name: width * scale for name, width in thickness(mask, dataset.classes).items()})
        progress(Step("look", done + 1, len(chosen)))
    heights, widths = np.array(sizes).T
    aspect = heights / widths
    thin_class, thin = _thinnest(finest)
    return Facts(
        pictures=len(indices),
        height=int(np.median(heights)),
        width=int(np.median(widths)),
        aspects_agree=bool(np.all(np.abs(aspect / np.median(aspect) - 1) < 0.05)),
        thickness=thin,
        thin_class=thin_class,
        value_range=_full_range(highest, dataset.dtype),
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
            distance = distance_transform_edt(plane)
            widths[name] = (4 * float(distance[plane].mean()) - 2) / scale  # an edge pixel's distance is 1, not 1/2
    return widths


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
