"""Names for the colours of colour-coded masks."""

RawColour = tuple[int, int, int]

_NAMES = {
    (0, 0, 0): "black", (255, 255, 255): "white", (128, 128, 128): "grey", (255, 0, 0): "red", (0, 255, 0): "green",
    (0, 0, 255): "blue", (255, 255, 0): "yellow", (0, 255, 255): "cyan", (255, 0, 255): "magenta",
    (128, 0, 0): "maroon", (0, 128, 0): "dark_green", (0, 0, 128): "navy", (128, 128, 0): "olive",
    (0, 128, 128): "teal", (128, 0, 128): "purple", (255, 165, 0): "orange", (192, 192, 192): "silver",
    (255, 192, 203): "pink", (165, 42, 42): "brown",
}  # fmt: skip
VOID = (224, 224, 192)  # Pascal VOC's border


def colour_name(colour: RawColour) -> str:
    """Return a plain word for a well-known colour, else "#rrggbb"."""
    return _NAMES.get(colour, "#{:02x}{:02x}{:02x}".format(*colour))
