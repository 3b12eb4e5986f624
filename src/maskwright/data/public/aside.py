"""What public sets hold beside the pictures and masks that belong together, left aside before anything is paired."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from maskwright.data.names import folder_of, stem_of
from maskwright.data.public.carvana import are_views
from maskwright.data.public.voc import beside_classes

_LESION_MASKS = re.compile(r"ISIC2018_Task1_\w+_GroundTruth\w*", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"ISIC2018_Task2_\w+_GroundTruth\w*", re.IGNORECASE)


@dataclass(frozen=True)
class Aside:
    """kept: pictures and masks to go on with. left: the others. notes: why, in words."""

    kept: list[str]
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def set_aside(pictures: Sequence[str]) -> Aside:
    """Leave aside Carvana's second copy and pictures without masks, ISIC 2018's attributes and VOC's single objects."""
    folders = {folder_of(path) for path in pictures}
    notes: list[str] = []
    left: set[str] = set()
    for find in (_larger_copies, _unlabelled_cars, _attributes, beside_classes):
        found, note = find(folders, pictures)
        if found:
            left |= found
            notes.append(note)
    return Aside([path for path in pictures if folder_of(path) not in left], _in(pictures, left), tuple(notes))


def _in(pictures: Sequence[str], folders: set[str]) -> tuple[str, ...]:
    return tuple(path for path in pictures if folder_of(path) in folders)


def _larger_copies(folders: set[str], pictures: Sequence[str]) -> tuple[set[str], str]:
    """train_hq beside train, with the same names."""
    found = {folder for folder in folders if folder.endswith("_hq") and folder.removesuffix("_hq") in folders}
    copies = set(map(stem_of, _in(pictures, found)))
    plain = set(map(stem_of, _in(pictures, {folder.removesuffix("_hq") for folder in found})))
    if not found or not copies <= plain or not are_views(copies):
        return set(), ""
    said = f"{len(copies)} larger copies of the pictures in {_listed(found)} are left aside"
    return found, f"{said}; --images {min(found)} reads them"


def _unlabelled_cars(folders: set[str], pictures: Sequence[str]) -> tuple[set[str], str]:
    """Carvana's test pictures, whose masks were never published."""
    beside = {folder.rpartition("/")[0] for folder in folders if folder.rpartition("/")[2] == "train_masks"}
    found = {
        folder for folder in folders
        if folder.rpartition("/")[0] in beside and folder.rpartition("/")[2] in ("test", "test_hq")
    }  # fmt: skip
    unlabelled = _in(pictures, found)
    if not found or not are_views(map(stem_of, unlabelled)):
        return set(), ""
    return found, f"{len(unlabelled)} test pictures of Carvana in {_listed(found)} have no published masks: left aside"


def _attributes(folders: set[str], pictures: Sequence[str]) -> tuple[set[str], str]:
    lesions = {folder for folder in folders if _LESION_MASKS.fullmatch(folder.rpartition("/")[2])}
    found = {folder for folder in folders if _ATTRIBUTES.fullmatch(folder.rpartition("/")[2])}
    if not lesions or not found:
        return set(), ""
    return found, f"masks of attributes are left aside; --masks {sorted(found)[0]} reads them in place of the lesions"


def _listed(folders: set[str]) -> str:
    return " and ".join(sorted(folders))
