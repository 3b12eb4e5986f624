"""Whether two pictures are the same photograph: by their prints first, then by their files, and what was changed.

The same photograph agrees in every part that has texture, once it lies right. Another car in the same studio, the next
frame or the next slice agrees in many parts, but not in all.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from maskwright.audit.alignment import FINEST, Alignment, Overlay, agreement, align_landmarks, lay_over
from maskwright.audit.blurring import blur
from maskwright.audit.prints import LANDMARKED, THUMBNAIL, PicturePrint, grey_of, shrink
from maskwright.images.formats import ImageInfo, read_image

_SIDE = 160  # pixels of a square picture at which files are compared
_BLOCKS = 8  # along a side
_LEAST_BLOCK = 8  # pixels
_LEAST_SIDE = 6 * _LEAST_BLOCK  # smaller pictures have too few blocks: smooth ones agree by chance
_OVERALL = 0.9  # correlation of everything that must be reached, slow changes of brightness too
_SAME_SIZE, _SAME_GAIN = 0.03, 0.04  # differences that are not worth a word
_WHOLE = 0.97  # from this share of the area on, nothing was cropped
_ALL, _SQUASHED = 0.93, 0.1  # a smaller share is a crop, which changes the shape of what it shows by less than this
_BLACK, _WHITE = 3, 250  # grey levels beyond which a picture may have lost what it showed
_TURNS = {  # turn of an Alignment -> whether it is mirrored, degrees clockwise
    0: (False, 0), 1: (True, 180), 2: (True, 0), 3: (False, 180), 4: (True, 270), 5: (False, 90), 6: (False, 270),
    7: (True, 90),
}  # fmt: skip


@dataclass(frozen=True)
class Likeness:
    """alignment: how the second picture lies on the first. gain: how much brighter it is."""

    alignment: Alignment
    gain: float


def compare_prints(first: PicturePrint, second: PicturePrint) -> Alignment | None:
    """Return how two prints lie on each other, None if they are surely not of one photograph."""
    grown = LANDMARKED / THUMBNAIL
    sizes = [(p.thumbnail.shape[0] * grown, p.thumbnail.shape[1] * grown) for p in (first, second)]
    guess = align_landmarks(first.landmarks, second.landmarks, sizes[0], sizes[1])
    if guess is None:
        return None
    overlay = lay_over(first.thumbnail.astype(np.float32), second.thumbnail.astype(np.float32), guess)
    if overlay is None:
        return None
    agreed = agreement(overlay, THUMBNAIL // 7)
    if not len(agreed) or (agreed < 0.7).mean() > 0.45 or np.median(agreed) < 0.6:
        return None
    return overlay.alignment


def read_grey(path: Path) -> Image.Image:
    """Read a picture's grey levels, a little finer than they are compared. Raises DataError."""
    grey = grey_of(read_image(path, at_least=(2 * _SIDE, 2 * _SIDE)))
    return shrink(grey, 2 * _SIDE) if grey.height * grey.width > (2 * _SIDE) ** 2 else grey


def compare_pictures(first: Image.Image, second: Image.Image, guess: Alignment) -> Likeness | None:
    """Return how two pictures in grey levels are alike, None if they are not of one photograph or too small to tell."""
    side = int(min(_SIDE, *((grey.height * grey.width) ** 0.5 for grey in (first, second))))
    if side < _LEAST_SIDE:
        return None
    small = [np.asarray(shrink(grey, side), np.float32) for grey in (first, second)]
    overlay = lay_over(small[0], small[1], guess)
    if overlay is None or not _same(overlay, max(_LEAST_BLOCK, side // _BLOCKS)):
        return None
    if not _possible(overlay.alignment, first, second):
        return None
    return Likeness(overlay.alignment, overlay.gain)


def _possible(alignment: Alignment, first: Image.Image, second: Image.Image) -> bool:
    """Whether somebody would make such a copy: what is cropped is not squashed too."""
    rows, columns = _stretch(alignment, (first.height, first.width), (second.height, second.width))
    return abs(rows / columns - 1) <= _SQUASHED or min(_shown(alignment)) >= _ALL


def _same(overlay: Overlay, block: int) -> bool:
    """Whether all that has texture agrees, and the whole too."""
    first, second = (blur(part, FINEST) for part in (overlay.first, overlay.second))
    agreed = agreement(overlay, block)
    if not len(agreed) or np.median(agreed) < 0.9 or (agreed < 0.8).mean() > 0.1 or (agreed < 0.5).mean() > 0.02:
        return False
    clear = (np.maximum(first, second) < _WHITE) & (np.minimum(first, second) > _BLACK)
    if not clear.any():
        return False
    plain = [part[clear] - part[clear].mean() for part in (first, second)]
    return float(plain[0] @ plain[1]) >= _OVERALL * float(np.sqrt((plain[0] @ plain[0]) * (plain[1] @ plain[1])))


def changes(likeness: Likeness, first: ImageInfo, second: ImageInfo) -> tuple[bool, str]:
    """Say in words what makes one picture of the other: "mirrored, cropped to 81 %, brighter by 20 %".

    The picture that shows less, or has fewer pixels, is told to be made of the other. Returns whether that is the
    first, and the words.
    """
    shown = _shown(likeness.alignment)
    stretch = _stretch(likeness.alignment, (first.height, first.width), (second.height, second.width))
    fewer = stretch[0] * stretch[1] > (1 + _SAME_SIZE) ** 2
    backwards = shown[1] < _WHOLE * shown[0] or (fewer and shown[0] >= _WHOLE * shown[1])
    gain = likeness.gain
    if backwards:
        shown, stretch, gain = (shown[1], shown[0]), (1 / stretch[0], 1 / stretch[1]), 1 / gain
    words = [*_turn(likeness.alignment.turn, backwards), *_crop(*shown), *_size(*stretch), *_brightness(gain)]
    return backwards, ", ".join(words) or "recompressed"


def is_plain(likeness: Likeness) -> bool:
    """Whether both pictures show all of one scene, upright: smooth ones are hardly ever alike like that by chance."""
    return likeness.alignment.turn == 0 and min(_shown(likeness.alignment)) >= _WHOLE


def _shown(alignment: Alignment) -> tuple[float, float]:
    """Return which shares of the first's and of the second's area show the same."""
    top, left, bottom, right = alignment.window()
    common = (min(bottom, 1) - max(top, 0)) * (min(right, 1) - max(left, 0))
    return common, common / ((bottom - top) * (right - left))


def _stretch(alignment: Alignment, first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Return how many of the second's rows and columns there are for one of the (turned) first's; (height, width)."""
    height, width = first[::-1] if alignment.turn & 4 else first
    return second[0] / (alignment.scale[0] * height), second[1] / (alignment.scale[1] * width)


def _turn(turn: int, backwards: bool) -> list[str]:
    mirrored, degrees = _TURNS[turn]
    degrees = (
        -degrees % 360 if backwards and not mirrored else degrees
    )  # a mirroring undoes itself, however it is turned
    return [*(["mirrored"] if mirrored else []), *([f"turned by {degrees} degrees"] if degrees else [])]


def _crop(of_first: float, of_second: float) -> list[str]:
    if of_first >= _WHOLE:
        return []
    if of_second >= _WHOLE:
        return [f"cropped to {100 * of_first:.0f} %"]
    return [f"cropped otherwise ({100 * of_first:.0f} % in common)"]


def _size(rows: float, columns: float) -> list[str]:
    if max(abs(rows - 1), abs(columns - 1)) <= _SAME_SIZE:
        return []
    if abs(rows / columns - 1) <= 2 * _SAME_SIZE:
        return [f"resized {(rows * columns) ** 0.5:.2g}x"]
    return [f"stretched to {100 * rows:.0f} % of its height and {100 * columns:.0f} % of its width"]


def _brightness(gain: float) -> list[str]:
    if abs(gain - 1) <= _SAME_GAIN:
        return []
    return [f"{'brighter' if gain > 1 else 'darker'} by {100 * abs(gain - 1):.0f} %"]
