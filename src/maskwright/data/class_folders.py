"""Masks sorted into a folder a class, where a picture has masks in one of them only: masks/cat/7.png, masks/dog/8.png.

Stated (encoding: per-class), the last folders that differ are the classes. Guessed only where the masks are plain black
and white and the pictures are not sorted alike: else the folders may as well be places, patients or days.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from maskwright.data.looks import look_at
from maskwright.data.names import folder_of, some
from maskwright.data.pairing import Pairing
from maskwright.data.several import class_folder_names
from maskwright.data.threads import spread
from maskwright.errors import DataError
from maskwright.recipe import DataOptions

_SAMPLE = 12
_FEW = 8  # folders that may be classes; more of them are places or dates


def by_class_folders(pairing: Pairing, root: Path, stated: DataOptions) -> tuple[Pairing, tuple[str, ...]]:
    """Return the pairing with a class for each folder of masks, and remarks; unchanged where that is not meant."""
    if pairing.layout == "per-class" or stated.values is not None or stated.encoding not in (None, "per-class"):
        return pairing, ()
    folders = {folder_of(mask) for _, masks in pairing.rows for mask in masks}
    names = class_folder_names(folders)
    count = Counter(names[folder_of(masks[0])] for _, masks in pairing.rows) if names else Counter[str]()
    if stated.encoding == "per-class":
        return (_sorted(pairing, names), ()) if names else (pairing, ())
    if not 2 <= len(count) <= _FEW or stated.classes is not None or not _black_and_white(pairing, root):
        return pairing, ()
    if pairing.layout == "single" and not _pictures_sorted_alike(pairing, names):
        return _sorted(pairing, names), ()
    if min(count.values()) < 3:
        return pairing, ()
    return pairing, (f"folders {some(sorted(count), _FEW)} are not taken for classes (encoding: per-class does)",)


def _sorted(pairing: Pairing, names: dict[str, str]) -> Pairing:
    classes = tuple(sorted(set(names.values())))
    number = {name: i for i, name in enumerate(classes)}
    labels = tuple(tuple(number[names[folder_of(mask)]] for mask in masks) for _, masks in pairing.rows)
    return replace(pairing, layout="per-class", class_names=classes, labels=labels)


def _pictures_sorted_alike(pairing: Pairing, names: dict[str, str]) -> bool:
    """Whether a folder of pictures has masks in one folder only: then pictures are sorted as their masks are."""
    found: dict[str, set[str]] = {}
    for image, masks in pairing.rows:
        found.setdefault(folder_of(image), set()).add(names[folder_of(masks[0])])
    return any(len(classes) < 2 for classes in found.values())


def _black_and_white(pairing: Pairing, root: Path) -> bool:
    """Whether sampled masks hold background and one more value, the same in all."""
    values: set[int] = set()
    for path in spread([masks[0] for _, masks in pairing.rows], _SAMPLE):
        try:
            look = look_at(root / path)
        except DataError:
            continue
        if look.colours or look.too_many:
            return False
        values |= set(look.values)
    return 0 in values and len(values) == 2
