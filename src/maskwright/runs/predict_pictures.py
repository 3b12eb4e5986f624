"""What stands in each file that `predict` writes of one picture, made from the mask, and some from the picture too.

No file carries metadata of its picture.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.images.formats import Source
from maskwright.images.label_png import encode_label_png
from maskwright.images.regions import foreground, layers
from maskwright.runs.predict_jobs import Job
from maskwright.runs.predict_kinds import KINDS, LABELME
from maskwright.runs.predict_sources import as_text

if TYPE_CHECKING:
    from maskwright.data.annotations.written.shapes import Shape

OVERLAY_SIDE = 1600  # pixels
_WHOLE = 65535  # of a probability of 1

Mask = NDArray[np.uint8]


@dataclass(frozen=True)
class Made:
    """A picture and what was made of it. opened: gives the picture. probabilities: (K, H, W) float32, where wanted.

    simplify: how far, in pixels, outlines may leave the mask's.
    """

    job: Job
    mask: Mask
    opened: Callable[[], Source]
    probabilities: NDArray[np.float32] | None = None
    simplify: float = 0.0

    @cached_property
    def shapes(self) -> "list[Shape]":
        """The regions with their outlines."""
        from maskwright.data.annotations.written.shapes import outlined

        return outlined(tuple(layers(self.mask, self.job.classes)), self.simplify)


def contents(kind: str, made: Made) -> list[bytes]:
    """Return the contents of a picture's files of one kind, as `Job.files` names them. Raises DataError."""
    return _CONTENTS[kind](made)


def settings(kind: str, job: Job, simplify: float) -> str:
    """Return what a file depends on beside mask and picture."""
    said = f"simplify={simplify:g}" if KINDS[kind].simplifies else ""
    return f"{said} picture={_seen_from_file(job)}" if kind == LABELME else said


def read_masks(job: Job) -> Mask:
    """Return the mask that the job's files hold. Raises DataError where they are damaged, or hold other classes."""
    from maskwright.images.formats import read_labels

    planes = [read_labels(file) for file in job.masks]
    values = len(job.classes.names) if job.classes.exclusive else 256
    if any(plane.dtype != np.uint8 or plane.ndim != 2 or int(plane.max()) >= values for plane in planes):
        raise DataError(
            "The mask holds values that are no class of the model.", where=str(job.masks[0]),
            fix="make it anew with --overwrite",
        )  # fmt: skip
    return planes[0] if job.classes.exclusive else np.stack([(p > 127).view(np.uint8) for p in planes], axis=2)


def _masks(made: Made) -> list[bytes]:
    classes = made.job.classes
    if classes.exclusive:
        return [encode_label_png(made.mask, classes.colours)]
    return _planes(made.mask, classes)


def _planes(mask: Mask, classes: Classes) -> list[bytes]:
    """Return a file of 0 and 255 for each class that is found."""
    planes = ((mask == kind) if classes.exclusive else (mask[..., kind] == 1) for kind in foreground(classes))
    return [encode_label_png(plane.view(np.uint8) * np.uint8(255)) for plane in planes]


def _overlay(made: Made) -> list[bytes]:
    """Draw the mask onto its picture, for looking at: large photographs are drawn smaller."""
    from maskwright.images.formats import encode_png, read_image, resize_labels
    from maskwright.report.pixels import overlay

    mask = made.mask
    scale = min(1.0, OVERLAY_SIDE / max(mask.shape[:2]))
    image = read_image(made.opened(), at_least=(round(mask.shape[0] * scale), round(mask.shape[1] * scale)))
    return [encode_png(overlay(image, resize_labels(mask, image.shape[:2]), made.job.classes), quick=True)]


def _colour(made: Made) -> list[bytes]:
    """Paint each class in its colour; of overlapping ones the later lies in front, on black."""
    from maskwright.images.formats import encode_png

    classes = made.job.classes
    colours = np.array(classes.colours, np.uint8)
    if classes.exclusive:
        painted = colours[made.mask]
    else:
        painted = np.zeros((*made.mask.shape[:2], 3), np.uint8)
        for kind in foreground(classes):
            painted[made.mask[..., kind] == 1] = colours[kind]
    return [encode_png(painted, quick=True)]


def _probabilities(made: Made) -> list[bytes]:
    from maskwright.images.formats import encode_png

    if made.probabilities is None:
        raise ValueError("the probabilities were not made")
    return [encode_png(np.rint(plane * _WHOLE).astype(np.uint16), quick=True) for plane in made.probabilities]


def _cutout(made: Made) -> list[bytes]:
    """Return the picture where a class is found; elsewhere it is transparent, and black underneath."""
    from maskwright.images.depth import to_depth
    from maskwright.images.formats import encode_png, read_image
    from maskwright.report.pixels import cut_out, to_rgb

    rgb, size = to_rgb(to_depth(read_image(made.opened()), "uint8")), made.mask.shape[:2]
    if rgb.shape[:2] != size:
        raise DataError(
            f"The picture is {rgb.shape[:2]}, its mask {size} (height, width).", where=made.job.picture.where,
            fix="make the mask anew with --overwrite",
        )  # fmt: skip
    return [encode_png(cut_out(rgb, made.mask), quick=True)]


def _labelme(made: Made) -> list[bytes]:
    from maskwright.data.annotations.written.labelme import labelme_document

    size = (made.mask.shape[0], made.mask.shape[1])
    return [labelme_document(_seen_from_file(made.job), size, made.shapes, made.job.classes).encode()]


def _geojson(made: Made) -> list[bytes]:
    from maskwright.data.annotations.written.geojson import geojson_document

    return [geojson_document(made.shapes, made.job.classes).encode()]


def _seen_from_file(job: Job) -> str:
    """Return what a picture's LabelMe file calls it."""
    seen = job.picture.seen_from(job.files(LABELME)[0].parent)
    return seen if job.picture.file is None else as_text(seen)


_CONTENTS: Mapping[str, Callable[[Made], list[bytes]]] = {
    "mask": _masks, "overlay": _overlay, "binary": lambda made: _planes(made.mask, made.job.classes),
    "colour": _colour, "probabilities": _probabilities, "cutout": _cutout, "labelme": _labelme, "geojson": _geojson,
}  # fmt: skip
