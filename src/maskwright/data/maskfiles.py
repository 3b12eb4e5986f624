"""One picture's mask files to one decoded mask, whatever the files are: palettes, grey written as RGB, several files.

The bridge from `images/masks.py` (which knows raw values) to a data set (which knows the files).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.data.looks import RawColour, greys_of_palette, is_grey_palette, near_grey, through_palette, used_colours
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.formats import OpenPicture, open_picture
from maskwright.images.masks import MaskEncoding, decode_many, decode_mask
from maskwright.images.modes import Pixels
from maskwright.images.present import present_values


@dataclass(frozen=True)
class MaskReader:
    """Reads masks of one data set. palette: index -> colour, where palette indices are the class numbers."""

    classes: Classes
    encoding: MaskEncoding
    palette: dict[int, RawColour] | None = None

    def read(self, paths: Sequence[Path], labels: Sequence[int] | None = None) -> NDArray[np.uint8]:
        """Return the decoded mask of one picture: (H, W), or (H, W, C) for overlapping classes.

        labels: per-class only, the class index of each file. Raises DataError naming file, row and column.
        """
        where = ", ".join(str(path) for path in paths[:3])
        if self.encoding.kind in ("objects", "per-class"):
            raws = [(None if labels is None else labels[i], self.read_raw(path)) for i, path in enumerate(paths)]
            return decode_many(raws, self.encoding, classes=self.classes, where=where)
        return decode_mask(self.read_raw(paths[0]), self.encoding, classes=self.classes, where=where)

    def read_raw(self, path: Path) -> Pixels:
        """Return what the table of the encoding speaks of: grey values, palette indices, or colours."""
        with open_picture(path) as picture:
            return self.raw_of(picture)

    def raw_of(self, picture: OpenPicture) -> Pixels:
        """Return the same of a file that is open already. Raises DataError where it cannot be read."""
        palette = picture.palette()
        raw, path = picture.labels(), picture.path
        if self.encoding.kind == "colour":
            return through_palette(raw, palette) if palette is not None and raw.ndim == 2 else raw
        if raw.ndim == 3:
            grey = near_grey(raw, path)
            if grey is None and self.encoding.kind in ("objects", "per-class"):
                return np.asarray(raw[:, :, :3].max(axis=2))
            return raw if grey is None else grey
        return raw if palette is None or raw.dtype != np.uint8 else self._with_palette(raw, palette, path)

    def _with_palette(self, raw: Pixels, palette: tuple[RawColour, ...], path: Path) -> Pixels:
        used = used_colours(present_values(raw).tolist(), palette)
        if self.palette is None:
            return greys_of_palette(raw, palette) if is_grey_palette(used) else raw
        known = {value for value, label in self.encoding.table if label != IGNORE}
        for value, colour in used.items():
            if value in known and self.palette.get(value, colour) != colour:
                raise DataError(
                    f"The palette of this mask gives {value} the colour {colour}; in the other masks it is "
                    f"{self.palette[value]}.",
                    where=str(path),
                    fix="state encoding: colour in dataset.yaml to go by the colours, or save the mask as the others",
                )
        return raw
