"""Which files of a folder are pictures and which are masks, judged by names alone.

Options decide where stated; then folder names; then the names of files lying side by side.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from maskwright.data.names import (
    LOSSY_SUFFIXES,
    NEITHER_WORDS,
    core,
    folder_of,
    folder_role,
    plain,
    shown,
    some,
    stem_of,
    stem_role,
    suffix_of,
    words,
)
from maskwright.errors import DataError


@dataclass(frozen=True)
class Roles:
    """images, masks: relative paths. unused: pictures that are neither."""

    images: tuple[str, ...]
    masks: tuple[str, ...]
    unused: tuple[str, ...] = ()


def assign_roles(pictures: Sequence[str], root: Path, *, images: str | None = None, masks: str | None = None) -> Roles:
    """Tell pictures from masks. images, masks: a stated folder below `root`, or a pattern such as "*_mask.png".

    Files called neither (superpixels) are unused. Raises DataError where a stated folder holds nothing.
    """
    neither = tuple(p for p in pictures if NEITHER_WORDS & set(words(stem_of(p))[-1:]))
    if neither and len(neither) < len(pictures):
        kept = set(pictures) - set(neither)
        found = _assign([p for p in pictures if p in kept], root, images, masks)
        return replace(found, unused=(*found.unused, *neither))
    return _assign(pictures, root, images, masks)


def _assign(pictures: Sequence[str], root: Path, images: str | None, masks: str | None) -> Roles:
    stated_masks = _stated(pictures, masks, root, "masks")
    stated_images = _stated(pictures, images, root, "images")
    if stated_masks is not None and stated_images is not None:
        if stated_masks == stated_images:
            return _side_by_side(tuple(sorted(stated_masks)), tuple(p for p in pictures if p not in stated_masks))
        if stated_images < stated_masks:  # the inner folder is what it is stated as; where they cross, masks win
            stated_masks = stated_masks - stated_images
    if stated_masks is not None:
        rest = [p for p in pictures if p not in stated_masks]
        chosen = stated_images if stated_images is not None else _image_like(rest)
        return _roles(pictures, lambda p: p in chosen, lambda p: p in stated_masks)
    if stated_images is not None:
        rest = [p for p in pictures if p not in stated_images]
        found = [p for p in rest if folder_role(folder_of(p)) == "mask"] or rest
        if not found:
            return _side_by_side(tuple(sorted(stated_images)), ())
        wanted = set(found)
        return _roles(pictures, lambda p: p in stated_images, lambda p: p in wanted)
    return _guess(pictures)


def _roles(pictures: Sequence[str], is_image: Callable[[str], bool], is_mask: Callable[[str], bool]) -> Roles:
    images = tuple(p for p in pictures if is_image(p) and not is_mask(p))
    masks = tuple(p for p in pictures if is_mask(p))
    unused = tuple(p for p in pictures if not is_image(p) and not is_mask(p))
    return Roles(images, masks, unused)


def _stated(pictures: Sequence[str], text: str | None, root: Path, key: str) -> set[str] | None:
    """Return the files that a stated folder or pattern names; None if nothing is stated."""
    if text is None:
        return None
    wanted = PurePosixPath(text.replace("\\", "/")).as_posix().strip("/")
    if Path(text).is_absolute() and Path(text).is_relative_to(root):
        wanted = Path(text).relative_to(root).as_posix()
    if wanted in ("", "."):
        found = set(pictures)
    else:
        found = {p for p in pictures if p.startswith(f"{wanted}/")} or {
            p for p in pictures if f"/{folder_of(p)}/".find(f"/{wanted}/") >= 0
        }
    if not found and any(letter in wanted for letter in "*?["):
        found = {p for p in pictures if fnmatchcase(p, wanted) or fnmatchcase(p.rpartition("/")[2], wanted)}
    if not found:
        folders = sorted({folder_of(p) or "." for p in pictures})
        raise DataError(
            f"The folder stated as '{key}' holds no pictures: {shown(text)}.",
            where=str(root),
            fix=f"name one of the folders below it: {some(folders, 8)}",
        )
    return found


def _image_like(pictures: Sequence[str]) -> set[str]:
    """Of pictures that are not masks: those in folders named for pictures, else those in no folder named for masks."""
    roles = [folder_role(folder_of(p)) for p in pictures]
    for wanted in ("image", ""):
        found = {p for p, role in zip(pictures, roles, strict=True) if role == wanted}
        if found:
            return found
    return set(pictures)


def _guess(pictures: Sequence[str]) -> Roles:
    roles = {p: folder_role(folder_of(p)) for p in pictures}
    count = Counter(roles.values())
    if count["mask"] and (count["image"] or count[""]):
        wanted = "image" if count["image"] else ""
        return _roles(pictures, lambda p: roles[p] == wanted, lambda p: roles[p] == "mask")
    if count["image"] and count[""]:
        images = [p for p in pictures if roles[p] == "image"]
        others = _folders_like(images, [p for p in pictures if roles[p] == ""])
        if others:
            return _roles(pictures, lambda p: roles[p] == "image", lambda p: p in others)
        beside = _side_by_side(tuple(images), tuple(p for p in pictures if roles[p] == ""))
        if beside.masks:
            return beside
    return _side_by_side(tuple(pictures), ())


def _folders_like(images: Sequence[str], others: Sequence[str]) -> set[str]:
    """Return the files of those folders in which most names are also names of pictures."""
    names = {plain(stem_of(p)) for p in images} | {"_".join(core(stem_of(p))) for p in images}
    folders: dict[str, list[str]] = {}
    for path in others:
        folders.setdefault(folder_of(path), []).append(path)
    found: set[str] = set()
    for paths in folders.values():
        alike = sum(plain(stem_of(p)) in names or "_".join(core(stem_of(p))) in names for p in paths)
        if alike * 2 > len(paths):
            found.update(paths)
    return found


def _side_by_side(pictures: tuple[str, ...], unused: tuple[str, ...]) -> Roles:
    """Tell pictures from masks in the same folders: by words in the stems, else by JPEG beside PNG."""
    masks = [p for p in pictures if stem_role(stem_of(p)) == "mask"]
    if masks and len(masks) < len(pictures):
        chosen = set(masks)
        return Roles(tuple(p for p in pictures if p not in chosen), tuple(masks), unused)
    lossy = {f"{folder_of(p)}/{stem_of(p)}" for p in pictures if suffix_of(p) in LOSSY_SUFFIXES}
    lossless = [p for p in pictures if suffix_of(p) not in LOSSY_SUFFIXES]
    paired = [p for p in lossless if f"{folder_of(p)}/{stem_of(p)}" in lossy]
    if paired and len(paired) * 2 > len(lossless):
        chosen = set(lossless)
        return Roles(tuple(p for p in pictures if p not in chosen), tuple(lossless), unused)
    return _extended_names(pictures, unused)


def _extended_names(pictures: tuple[str, ...], unused: tuple[str, ...]) -> Roles:
    """Tell masks by a name that is a picture's name and the same ending each time: a.png beside a_lesion.png."""
    stems = {(folder_of(p), stem_of(p)): p for p in pictures}
    endings: Counter[str] = Counter()
    extended: dict[str, str] = {}
    for (folder, stem), path in stems.items():
        for cut in range(len(stem) - 1, 0, -1):
            if (folder, stem[:cut]) in stems and not stem[cut].isalnum():
                ending = stem[cut:]
                if any(c.isalpha() for c in ending):
                    endings[ending] += 1
                    extended[path] = ending
                break
    kept = {ending for ending, times in endings.items() if times * 2 >= len(pictures) - len(extended)}
    masks = tuple(p for p in pictures if extended.get(p) in kept)
    if not masks:
        return Roles(pictures, (), unused)
    chosen = set(masks)
    return Roles(tuple(p for p in pictures if p not in chosen), masks, unused)
