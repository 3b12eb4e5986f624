"""Saying in one line how pictures and masks were paired, and giving every picture a short name."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from maskwright.data.names import folder_of, folder_role, shown, stem_of, suffix_of
from maskwright.data.pairing import Pairing


def in_words(pairing: Pairing) -> str:
    """Return such as `750 pairs: images/*.jpg <-> masks/*_segmentation.png (guessed: same stem, ...)`."""
    images = [image for image, _ in pairing.rows]
    masks = [mask for _, found in pairing.rows for mask in found]
    beyond = Counter(_beyond(stem_of(image), stem_of(found[0])) for image, found in pairing.rows)
    before, after = beyond.most_common(1)[0][0]
    what = f"{len(pairing.rows)} pairs: {_pattern(images)} <-> {_pattern(masks, before, after)}"
    how = pairing.how
    if pairing.layout == "single" and (before or after):
        affixes = [f'{kind} "{text}"' for kind, text in (("prefix", before), ("suffix", after)) if text]
        how = f"same stem, {' and '.join(affixes)}"
    if pairing.layout == "objects":
        how += f"; one file an object, {len(masks)} files"
    if pairing.layout == "per-class":
        how += f"; one file a class: {', '.join(shown(name) for name in pairing.class_names[:12])}"
    return f"{what} (guessed: {how})"


def _beyond(image: str, mask: str) -> tuple[str, str]:
    """Return what a mask's stem has before and after the picture's; nothing where it does not hold it."""
    at = mask.find(image)
    return (mask[:at], mask[at + len(image) :]) if at >= 0 else ("", "")


def _pattern(paths: Sequence[str], before: str = "", after: str = "") -> str:
    folders = sorted({folder_of(path) for path in paths})
    suffix = Counter(suffix_of(path) for path in paths).most_common(1)[0][0]
    name = f"{shown(before)}*{shown(after)}{suffix}"
    if len(folders) == 1:
        return f"{shown(folders[0])}/{name}" if folders[0] else name
    parts = [PurePosixPath(folder).parts for folder in folders]
    if len({len(part) for part in parts}) == 1:
        levels = [set(level) for level in zip(*parts, strict=True)]
        joined = "/".join(found.pop() if len(found) == 1 else "*" for found in levels)
        return f"{shown(joined)}/{name}"
    return f"**/{name}"


def make_ids(images: Sequence[str]) -> tuple[str, ...]:
    """Name each picture by its path without the suffix, folders such as images/ and folders that hold all of them.

    Names are unique and printable: two files that differ in the suffix alone keep it.
    """
    shared = _shared_folders(images)
    short = [_short(image, shared) for image in images]
    count = Counter(short)
    clear = [name if count[name] == 1 else shown(image, 1000) for name, image in zip(short, images, strict=True)]
    if len(set(clear)) < len(clear):  # different bytes that print alike
        seen: Counter[str] = Counter()
        for i, name in enumerate(clear):
            seen[name] += 1
            if seen[name] > 1:
                clear[i] = f"{name}#{seen[name]}"
    return tuple(clear)


def id_of(image: str) -> str:
    """Return what `make_ids` calls a picture whose folders say all they can: train/images/a.jpg is train/a."""
    return _short(image, 0)


def _shared_folders(images: Sequence[str]) -> int:
    """Count the leading folders that all pictures have in common."""
    parts = [PurePosixPath(folder).parts for folder in {folder_of(image) for image in images}]
    shared = 0
    while all(len(part) > shared for part in parts) and len({part[shared] for part in parts}) == 1:
        shared += 1
    return shared


def _short(image: str, shared: int) -> str:
    folders = PurePosixPath(folder_of(image)).parts[shared:]
    kept = [part for part in folders if folder_role(part) != "image" and part != ".."]
    return shown("/".join((*kept, stem_of(image))), 1000)
