"""Recognising public sets by the names of their files and the content of a few masks.

What is known is said in a note and fills in only what nobody stated: names of classes, what is ignored, groups.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from maskwright.data.legend import Values
from maskwright.data.looks import Look, RawColour
from maskwright.data.names import folder_of, stem_of
from maskwright.data.public import voc
from maskwright.data.public.camvid import COLOURS, NUMBERS, SEGNET, VOID_NUMBER
from maskwright.data.public.carvana import CAR, are_views
from maskwright.recipe import DataOptions

BREEDS = frozenset(
    "abyssinian american_bulldog american_pit_bull_terrier basset_hound beagle bengal birman bombay boxer "
    "british_shorthair chihuahua egyptian_mau english_cocker_spaniel english_setter german_shorthaired great_pyrenees "
    "havanese japanese_chin keeshond leonberger maine_coon miniature_pinscher newfoundland persian pomeranian pug "
    "ragdoll russian_blue saint_bernard samoyed scottish_terrier shiba_inu siamese sphynx staffordshire_bull_terrier "
    "wheaten_terrier yorkshire_terrier".split()
)
_DUTS = re.compile(r"DUTS-(TR|TE)-Image", re.IGNORECASE)
_ISIC = re.compile(
    r"(ISBI2016_ISIC_Part1|ISIC-2017|ISIC2018_Task1-2)_(Training|Validation|Test)(_v2)?_(Data|Input)", re.IGNORECASE
)
_CAMVID = re.compile(r"(0001TP|0006R0|0016E5|Seq05VD)_f?\d{5,6}")


@dataclass(frozen=True)
class Known:
    """note: which set it is. options: what nobody needs to state. group: a grouping rule; grouping: in words.

    colours: of the classes, where the set has its own.
    """

    note: str
    options: DataOptions
    group: str
    grouping: str
    colours: tuple[RawColour, ...] = ()


Recogniser = Callable[[Sequence[str], Sequence[str], Sequence[Look], DataOptions], Known | None]


def recognise(images: Sequence[str], masks: Sequence[str], looks: Sequence[Look], stated: DataOptions) -> Known | None:
    """Return what is known of a set, None if it is no known one.

    images, masks: relative paths. looks: of a sample of the masks where each picture has one file, else none.
    """
    found = (recogniser(images, masks, looks, stated) for recogniser in _RECOGNISERS)
    return next((known for known in found if known is not None), None)


def _duts(images: Sequence[str], masks: Sequence[str], looks: Sequence[Look], stated: DataOptions) -> Known | None:
    if not _all(_DUTS, _last_folders(images)) or any(look.colours for look in looks):
        return None
    values: Values = {"background": 0, "salient": 255}
    options = _options(stated, values, encoding="antialiased") if looks else DataOptions()
    note = "this is DUTS: 0/255 with soft borders in some masks, cut at half"
    return Known(note, options, "none", "each picture by itself")


def _pets(images: Sequence[str], masks: Sequence[str], looks: Sequence[Look], stated: DataOptions) -> Known | None:
    if _last_folders(masks) != {"trimaps"} or _values(looks) != {1, 2, 3}:
        return None
    if not all(stem_of(image).rpartition("_")[0].casefold() in BREEDS for image in images):
        return None
    three = stated.encoding == "index"
    values: Values = {"pet": 1, "background": 2, "border" if three else "ignore": 3}
    note = (
        "this is Oxford-IIIT Pet: 1 pet, 2 background, 3 border, "
        + ("a class of its own (encoding: index)" if three else "which is ignored (encoding: index makes it a class)")
    )  # fmt: skip
    options = _options(stated, values, encoding="index" if three else "trimap")
    return Known(note, options, "none", "each picture by itself (names are breeds, no animals)")


def _carvana(images: Sequence[str], masks: Sequence[str], looks: Sequence[Look], stated: DataOptions) -> Known | None:
    if not are_views(map(stem_of, images)) or not all(stem_of(mask).endswith("_mask") for mask in masks):
        return None
    values = _two(looks, "background", "car")
    grouping = "by car (first part of the name)"
    return Known("this is Carvana: up to 16 views of each car", _options(stated, values), CAR, grouping)


def _isic(images: Sequence[str], masks: Sequence[str], looks: Sequence[Look], stated: DataOptions) -> Known | None:
    folders = _last_folders(images)
    if not _all(_ISIC, folders):
        return None
    year = next((year for year in ("2016", "2017", "2018") if all(year in folder for folder in folders)), "")
    values = _two(looks, "background", "lesion")
    return Known(f"this is ISIC {year}".rstrip(), _options(stated, values), "none", "each picture by itself")


def _camvid(images: Sequence[str], masks: Sequence[str], looks: Sequence[Look], stated: DataOptions) -> Known | None:
    if not looks or not _all(_CAMVID, map(stem_of, images)):
        return None
    colours = {colour for look in looks for colour in look.colours}
    numbers = _values(looks)
    if colours and not colours <= set(COLOURS.values()):
        return None
    if colours:
        values, said = COLOURS, "31 classes by colour; black is void"
    elif all(folder.casefold().endswith("annot") for folder in _last_folders(masks)) and max(numbers) <= VOID_NUMBER:
        values, said = SEGNET, "SegNet's 11 classes; 11 is void"
    elif max(numbers) < len(NUMBERS):
        values, said = NUMBERS, "31 classes by number; 30 is void"
    else:
        return None
    note = f"this is CamVid: {said}, which counts in nothing"
    grouping = "each frame by itself (there are four drives, and official parts share them)"
    return Known(note, _options(stated, values, encoding="colour" if colours else "index"), "none", grouping)


def _voc(images: Sequence[str], masks: Sequence[str], looks: Sequence[Look], stated: DataOptions) -> Known | None:
    if not voc.is_voc(masks, looks):
        return None
    note = "this is Pascal VOC: 20 classes and background; 255 is void, which counts in nothing"
    options = _options(stated, voc.VALUES, encoding="index")
    return Known(note, options, "none", "each picture by itself", voc.COLOURS if options.values else ())


_RECOGNISERS: tuple[Recogniser, ...] = (_duts, _pets, _carvana, _isic, _camvid, _voc)


def _options(stated: DataOptions, values: Values, *, encoding: str | None = None) -> DataOptions:
    """Return the values as options, unless something stated speaks of the masks already."""
    spoken = stated.values is not None or stated.ignore is not None
    if not values or spoken or (stated.encoding not in (None, encoding)):
        return DataOptions()
    if stated.classes is not None and set(stated.classes) != values.keys() - {"ignore"}:
        return DataOptions()
    return DataOptions.model_validate({"values": values, **({"encoding": encoding} if encoding else {})})


def _two(looks: Sequence[Look], background: str, thing: str) -> Values:
    """Return values of plain black and white masks, {} of any other."""
    found = _values(looks)
    if any(look.colours for look in looks) or not found or not found <= {0, 255}:
        return {}
    return {background: 0, thing: 255}


def _values(looks: Sequence[Look]) -> set[int]:
    return {value for look in looks for value in look.values}


def _last_folders(paths: Iterable[str]) -> set[str]:
    return {folder_of(path).rpartition("/")[2] for path in paths}


def _all(pattern: re.Pattern[str], texts: Iterable[str]) -> bool:
    return all(pattern.fullmatch(text) for text in texts)
