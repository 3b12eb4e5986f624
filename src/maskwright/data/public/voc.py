"""Pascal VOC: its 20 classes, its palette, and what lies beside the masks of classes.

Source: Everingham et al. 2010, The Pascal Visual Object Classes Challenge, IJCV; VOClabelcolormap of its development
kit. Other programs paint their own classes with the same palette: the names of the files tell VOC apart.
"""

import re
from collections.abc import Sequence

from maskwright.data.legend import Values
from maskwright.data.looks import Look, RawColour
from maskwright.data.names import folder_of, stem_of

VOID = 255
NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
VALUES: Values = {**{name: i for i, name in enumerate(NAMES)}, "ignore": VOID}
_PICTURE = re.compile(r"(20\d\d_)?\d{6}")


def palette_colour(index: int) -> RawColour:
    """Return the colour of an index: its bits, lowest first, are dealt out to red, green and blue, highest first.

    >>> palette_colour(1), palette_colour(15), palette_colour(255)
    ((128, 0, 0), (192, 128, 128), (224, 224, 192))
    """
    colour = [0, 0, 0]
    for place in range(8):
        for band in range(3):
            colour[band] |= (index >> (3 * place + band) & 1) << (7 - place)
    return colour[0], colour[1], colour[2]


COLOURS = tuple(palette_colour(index) for index in range(len(NAMES)))


def is_voc(masks: Sequence[str], looks: Sequence[Look]) -> bool:
    """Whether masks are VOC's: called as its pictures are, in its folder, with its palette and no further classes."""
    if not looks or not all(folder_of(mask).rpartition("/")[2].startswith("SegmentationClass") for mask in masks):
        return False
    if not all(_PICTURE.fullmatch(stem_of(mask)) for mask in masks):
        return False
    palettes = [look.palette for look in looks]
    return all(
        palette is not None
        and all(_known(index) and palette_colour(index) == colour for index, colour in palette.items())
        for palette in palettes
    )


def _known(index: int) -> bool:
    return index < len(NAMES) or index == VOID


def beside_classes(folders: set[str], pictures: Sequence[str]) -> tuple[set[str], str]:
    """Return the folders that show objects or colours beside SegmentationClass, and why they are left aside."""
    found = {folder for folder in folders if _is_beside(folder, folders)}
    names = sorted({folder.rpartition("/")[2] for folder in found})
    return found, f"{' and '.join(names)} beside SegmentationClass: left aside (--masks reads it)" if found else ""


def _is_beside(folder: str, folders: set[str]) -> bool:
    above, _, name = folder.rpartition("/")
    classes = [other for other in folders if other.rpartition("/")[0] == above and _holds_classes(other)]
    return bool(classes) and name.startswith("Segmentation") and not _holds_classes(folder)


def _holds_classes(folder: str) -> bool:
    name = folder.rpartition("/")[2]
    return name.startswith("SegmentationClass") and not name.endswith("Visualization")
