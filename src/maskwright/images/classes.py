"""What the values of a mask mean: names, colours, what is ignored, whether classes exclude each other.

Used by everything above; knows nothing of files.
"""

from colorsys import hls_to_rgb
from dataclasses import dataclass

IGNORE = 255  # the label of pixels that count in nothing: loss, scores, class shares

PALETTE = (
    (0, 0, 0), (230, 85, 13), (49, 130, 189), (49, 163, 84), (253, 208, 62), (117, 107, 177), (231, 41, 138),
    (0, 160, 160), (166, 118, 29), (180, 180, 180), (222, 119, 174), (140, 200, 60),
)  # fmt: skip


@dataclass(frozen=True)
class Classes:
    """The classes of a set of masks.

    names: one for each class. Exclusive classes: index 0 first, background included; a pixel's value is its index.
    colours: (red, green, blue) 0..255 for each name.
    exclusive: True: masks are (H, W) uint8, index or IGNORE. False (overlapping): masks are (H, W, C) uint8 with
        0, 1 or IGNORE in each class's own channel, and there is no background class.
    ignored: what the ignored pixels are called ("border"), empty where nothing is ignored.
    """

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...] = ()
    exclusive: bool = True
    ignored: str = ""

    def __post_init__(self) -> None:
        if not self.colours:
            object.__setattr__(self, "colours", tuple(_colour(i) for i in range(len(self.names))))

    @property
    def binary(self) -> bool:
        """Exactly background and one foreground class, exclusive."""
        return self.exclusive and len(self.names) == 2

    @property
    def num_outputs(self) -> int:
        """How many channels a network needs: 1 (sigmoid) if binary, else one a class."""
        return 1 if self.binary else len(self.names)


def _colour(number: int) -> tuple[int, int, int]:
    """Return the colour of a class: of the palette, and beyond it hues a golden section apart in three lightnesses."""
    if number < len(PALETTE):
        return PALETTE[number]
    lightness, saturation = ((0.42, 0.85), (0.68, 0.75), (0.55, 0.45))[number % 3]
    red, green, blue = hls_to_rgb(number * 0.618034 % 1, lightness, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)
