"""Findings about picture and mask together: sizes that differ, pictures and masks left alone, files not used."""

from collections.abc import Sequence

from maskwright.audit.facts import MaskFacts, PictureFacts, fits_as_stored
from maskwright.audit.findings import Finding, Level, Many, counted, together
from maskwright.data.dataset import Dataset
from maskwright.data.names import folder_of, shown, some, stem_of, suffix_of
from maskwright.data.unclear import Unclear

_WHOLE = 0.8  # from this share on, a difference in size is how the set was made
_ASPECT = 0.01  # relative difference of height / width that rounding may cause
_KNOWN = frozenset(".txt .lst .csv .tsv .json .yaml .yml .xml .md .rst .html .pdf .py .ipynb .toml .ini .cfg".split())
_KNOWN_NAMES = ("readme", "license", "licence", "copying", "changelog", "authors", "citation")
_LISTED = 100


def size_findings(dataset: Dataset, pictures: Sequence[PictureFacts], masks: Sequence[MaskFacts]) -> list[Finding]:
    """Return masks of another size than their picture: one note if nearly all are, else an error for each.

    One pixel more or less, as rounding makes it, is a note of its own. A mask of its picture's size as stored, which
    EXIF turns, is told as `exif-conflict` instead (`shifted.py`).
    """
    sized, shaped, rounded = Many(), Many(), Many()
    compared = 0
    for name, picture, mask in zip(dataset.columns.ids, pictures, masks, strict=True):
        info = picture.info
        if info is None or not mask.height:
            continue
        compared += 1
        if (info.height, info.width) == (mask.height, mask.width) or fits_as_stored(info, mask):
            continue
        evidence = {"image": [info.height, info.width], "mask": [mask.height, mask.width]}
        sizes = f"{info.height} x {info.width} and {mask.height} x {mask.width} (height x width)"
        where = shown(str(mask.paths[0]), 500)
        if max(abs(info.height - mask.height), abs(info.width - mask.width)) == 1:
            what = f"Picture and mask differ in size by one pixel: {sizes}."
            fix = "nothing to do: the mask is stretched to fit"
            rounded.append(Finding("size-mismatch", "note", name, what, where, fix, evidence))
        elif _same_aspect(info.height, info.width, mask.height, mask.width):
            what = f"Picture and mask differ in size: {sizes}."
            fix = "save the mask at the picture's size, or make sure that they show the same scene"
            sized.append(Finding("size-mismatch", "error", name, what, where, fix, evidence))
        else:
            turned = (info.height, info.width) == (mask.width, mask.height)
            hint = " One of them seems to be turned by 90 degrees." if turned else ""
            what = f"Picture and mask differ in shape: {sizes}.{hint}"
            fix = "turn one of them" if turned else "crop or correct the mask, or remove the pair"
            shaped.append(Finding("aspect-mismatch", "error", name, what, where, fix, evidence))
    count = len(shaped) + len(sized)
    some_rounded = together(rounded, compared, "{count} masks differ from their pictures by one pixel")
    if count < max(2, _WHOLE * compared):
        return [*shaped.singly(), *sized.singly(), *some_rounded]
    if len(shaped) < (1 - _WHOLE) * count:  # a few shapes that differ are no habit of the whole set
        return [*shaped.singly(), _one(Many(), sized, compared), *some_rounded]
    return [_one(shaped, sized, compared), *some_rounded]


def _same_aspect(height: int, width: int, mask_height: int, mask_width: int) -> bool:
    """Whether the shapes agree, apart from rounding a side by one pixel or by a hundredth."""
    expected = mask_height * width / height
    return abs(expected - mask_width) <= max(1.0, width / height, _ASPECT * mask_width)


def _one(shaped: Many, sized: Many, compared: int) -> Finding:
    """Return one note in place of many errors; it speaks of shapes where more than half of them differ in shape."""
    found, count = [*shaped.first, *sized.first], len(shaped) + len(sized)
    samples = [finding.sample for finding in found[:_LISTED]]
    evidence = {"count": count, "compared": compared, "samples": samples, "first": dict(found[0].evidence)}
    level: Level = "note"
    if len(shaped) * 2 > count:
        what = (
            f"{count} of {compared} masks have another shape than their picture: pictures or masks were "
            "squashed; they will be stretched to fit."
        )
        fix = "nothing to do if they match when stretched; look at a few overlays"
        return Finding("aspect-mismatch", level, None, what, "", fix, evidence)
    what = f"{count} of {compared} masks have another size than their picture; they will be stretched to fit."
    fix = "nothing to do; scores are taken at the masks' size"
    return Finding("size-mismatch", level, None, what, "", fix, evidence)


def leftover_findings(dataset: Dataset) -> list[Finding]:
    """Return what lies in the folder and is not used."""
    left = dataset.leftovers
    return [
        *_alone(dataset, left.images, "image-without-mask", "The picture has no mask", "pictures have no mask",
                "add its mask, with the picture's name, or remove the picture"),
        *_alone(dataset, left.masks, "mask-without-image", "The mask has no picture", "masks have no picture",
                "add its picture, with the mask's name, or remove the mask"),
        *(_unclear(dataset, found) for found in left.unclear),
        *_strays(dataset, left.unused, left.others),
        *(
            Finding("unreadable", "warning", None, f"{shown(path or '.')} {what}; it is passed over.",
                    shown(str(dataset.root / path), 500), "remove it, or make it readable if it holds data", {})
            for path, what in left.problems
        ),
        *_unlisted(dataset),
    ]  # fmt: skip


def _alone(dataset: Dataset, paths: Sequence[str], kind: str, one: str, many: str, fix: str) -> list[Finding]:
    """Return one finding a file; one for a whole folder of them."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(folder_of(path), []).append(path)
    used = {folder_of(path) for path in (*dataset.columns.images, *(m for row in dataset.columns.masks for m in row))}
    found = []
    for folder, files in folders.items():
        if len(files) > 1 and (folder not in used or len(files) > _LISTED):
            what = f"{len(files)} {many}, in {shown(folder or '.')}: {some([stem_of(f) for f in files])}."
            where = shown(str(dataset.root / folder), 500)
            evidence = {"count": len(files), "files": [shown(path, 500) for path in files[:_LISTED]]}
            found.append(Finding(kind, "warning", None, what, where, fix, evidence))
            continue
        for path in files:
            where = shown(str(dataset.root / path), 500)
            found.append(Finding(kind, "warning", shown(stem_of(path)), f"{one}: {shown(path)}.", where, fix, {}))
    return found


def _unclear(dataset: Dataset, found: Unclear) -> Finding:
    """Return the finding for pictures and masks that might belong together in several ways; none of them is used."""
    images, masks = list(found.images), list(found.masks)
    if len(images) > 1:
        fits = f"{some(images)} all fit the mask {shown(masks[0])}" if len(masks) == 1 else (
            f"{some(images)} all fit the same {len(masks)} masks: {some(masks)}")  # fmt: skip
        what, fix = f"{fits}; it is not clear whose it is.", "remove or rename all but one of the pictures"
    else:
        what = f"{some(masks)} all fit the picture {shown(images[0])}; it is not clear which one counts."
        fix = "remove or rename all but one of the masks"
    return Finding(
        "ambiguous-pair", "error", shown(stem_of(images[0])), what, shown(str(dataset.root / masks[0]), 500),
        f"{fix}, or state the pairs in a CSV file with the columns image and mask (pairs: pairs.csv in dataset.yaml)",
        {"images": [shown(path, 500) for path in images[:_LISTED]],
         "masks": [shown(path, 500) for path in masks[:_LISTED]]},
    )  # fmt: skip


def _strays(dataset: Dataset, unused: Sequence[str], others: Sequence[str]) -> list[Finding]:
    found = []
    if unused:
        folders = sorted({folder_of(path) or "." for path in unused})
        taken = counted(
            len(unused), "picture is neither taken for a picture nor for a mask",
            "pictures are neither taken for pictures nor for masks",
        )  # fmt: skip
        what = f"{taken}, in {some(folders)}."
        fix = "nothing to do, or state the folders (--images FOLDER --masks FOLDER)"
        evidence = {"count": len(unused), "files": [shown(path, 500) for path in unused[:_LISTED]]}
        found.append(Finding("stray-file", "note", None, what, str(dataset.root), fix, evidence))
    strange = [
        path for path in others
        if suffix_of(path) not in _KNOWN and not stem_of(path).casefold().startswith(_KNOWN_NAMES)
    ]  # fmt: skip
    if strange:
        what = f"{counted(len(strange), 'file is no picture', 'files are no pictures')}: {some(strange)}."
        evidence = {"count": len(strange), "files": [shown(path, 500) for path in strange[:_LISTED]]}
        found.append(Finding("stray-file", "note", None, what, str(dataset.root), "nothing to do", evidence))
    return found


def _unlisted(dataset: Dataset) -> list[Finding]:
    """Return pictures that no official part names, where there are parts."""
    names = [name for name, part in zip(dataset.columns.ids, dataset.columns.parts, strict=True) if not part]
    if not names or len(names) == len(dataset):
        return []
    what = (
        f"{counted(len(names), 'picture is', 'pictures are')} in no official part and will not be used: {some(names)}."
    )
    fix = "add them to a list or folder, or state split: hash to use all pictures"
    return [Finding("stray-file", "note", None, what, "", fix, {"count": len(names), "samples": names[:_LISTED]})]
