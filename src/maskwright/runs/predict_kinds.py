"""What `predict` can write: files of each picture, in a folder for each kind, and files of all pictures together.

Knows names only; what stands in the files is in `predict_pictures.py` and `predict_gathering.py`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from maskwright.errors import ConfigError
from maskwright.images.classes import Classes
from maskwright.images.regions import foreground


@dataclass(frozen=True)
class Kind:
    """Files of a picture. each: one of them, or one for each class that may overlap, is found, or has a probability.

    Where only one class is found, or has a probability, there is one file. settings: whether `simplify` matters.
    """

    folder: str
    suffix: str = ".png"
    each: Literal["picture", "overlapping", "found", "output"] = "picture"
    simplifies: bool = False


MASK, OVERLAY, PROBABILITIES, LABELME = "mask", "overlay", "probabilities", "labelme"
KINDS = {
    MASK: Kind("masks", each="overlapping"),
    OVERLAY: Kind("overlays"),
    "binary": Kind("binary", each="found"),
    "colour": Kind("colour"),
    PROBABILITIES: Kind("probabilities", each="output"),
    "cutout": Kind("cutouts"),
    LABELME: Kind("labelme", ".json", simplifies=True),
    "geojson": Kind("geojson", ".geojson", simplifies=True),
}
GATHERED = {
    "coco": "annotations.json", "label-studio": "label-studio.json", "cvat": "cvat.xml", "areas": "areas.csv",
}  # fmt: skip
LABELS, INTERFACE = "labels.txt", "label-studio.xml"  # what LabelMe and Label Studio want to know of the classes
USUAL = (MASK, OVERLAY)


def wanted_kinds(write: str | Sequence[str] | None, *, overlays: bool = True) -> tuple[str, ...]:
    """Return the kinds to write, in the order of the tables above; masks always.

    write: names, each also several with commas; None: masks and overlays. overlays: False leaves overlays out.
    Raises ConfigError for a name that is none, or where overlays are wanted and left out.
    """
    texts = [write] if isinstance(write, str) else USUAL if write is None else write
    names = [name.strip().lower().replace("_", "-") for text in texts for name in text.split(",")]
    known = (*KINDS, *GATHERED)
    for name in filter(None, names):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'? There are" if near else "choose of"
            raise ConfigError(
                f"There is no kind of output '{name}'.", where="--write", fix=f"{hint} {', '.join(known)}"
            )
    if write is not None and OVERLAY in names and not overlays:
        raise ConfigError("Overlays are asked for and left out.", where="--write", fix="leave --no-overlays out")
    chosen = {MASK, *names} - (set() if overlays else {OVERLAY})
    return tuple(name for name in known if name in chosen)


def files_of(kind: str, target: Path, name: Path, classes: Classes) -> list[Path]:
    """Return the files of one kind, of the picture of that name, in the folder `target`."""
    what = KINDS[kind]
    stem = target / what.folder / name
    return [stem.with_name(f"{stem.name}{ending}{what.suffix}") for ending in _endings(what, classes)]


def _endings(kind: Kind, classes: Classes) -> list[str]:
    """Return what stands between name and suffix of each file."""
    if kind.each == "picture" or (kind.each == "overlapping" and classes.exclusive):
        return [""]
    if kind.each == "found" and len(foreground(classes)) == 1 or kind.each == "output" and classes.num_outputs == 1:
        return [""]
    names = [f".{name}" for name in _plain_names(classes)]
    return names[foreground(classes).start :] if kind.each == "found" else names


def _plain_names(classes: Classes) -> list[str]:
    """Return the classes' names as files can have them: what is harmless, and no two the same."""
    plain = ["".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:60] or "class" for name in classes.names]
    times = Counter(name.casefold() for name in plain)
    return [name if times[name.casefold()] == 1 else f"{name}-{number}" for number, name in enumerate(plain)]
