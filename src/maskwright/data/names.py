"""What file and folder names say: words, roles (picture or mask), parts (train, val, test).

Knows only text; no file is touched here.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

Role = Literal["image", "mask", ""]
Words = tuple[str, ...]

MASK_WORDS = frozenset(
    "mask masks label labels labeled labelled labelid labelids annotation annotations annotated annot annots gt gts "
    "groundtruth groundtruths truth truths seg segs segmentation segmentations segmented trimap trimaps target targets "
    "matte mattes manual msk lbl lbls gtfine gtcoarse".split()
)
IMAGE_WORDS = frozenset(
    "image images img imgs imgae photo photos photograph photographs picture pictures pic pics input inputs raw rgb "
    "frame frames jpegimages jpeg jpegs jpg jpgs original originals orig scan scans leftimg8bit".split()
)
NEITHER_WORDS = frozenset({"superpixel", "superpixels"})  # what a file is called that is no picture and no mask
# Words that say what a file shows beside its name proper. Longer lists would eat parts of real names.
STEM_MASK_WORDS = MASK_WORDS - {"manual", "target", "targets"}
STEM_IMAGE_WORDS = frozenset(
    "image images img imgs photo picture pic input rgb original orig jpeg jpg leftimg8bit".split()
)
PARTS = {
    "train": "train", "training": "train", "trainval": "train", "trn": "train", "tr": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "tst": "test", "te": "test",
}  # fmt: skip
SUFFIXES = frozenset(".jpg .jpeg .jpe .jfif .png .gif .bmp .dib .tif .tiff .webp .mpo .pgm .ppm .pbm .pnm .jp2".split())
LOSSY_SUFFIXES = frozenset(".jpg .jpeg .jpe .jfif .mpo .webp".split())

_WORD = re.compile(r"\d+|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_]+")
_SEPARATORS = re.compile(r"[\W_]+")
_JOINED = {
    ("ground", "truth"): "groundtruth", ("left", "img", "8", "bit"): "leftimg8bit", ("gt", "fine"): "gtfine",
    ("gt", "coarse"): "gtcoarse", ("label", "ids"): "labelids", ("label", "id"): "labelid",
}  # fmt: skip


@lru_cache(maxsize=65536)
def words(text: str) -> Words:
    """Split at separators, between letters and digits and at camelCase; lower case: "Image_01L" -> image, 01, l."""
    found = tuple(word.casefold() for word in _WORD.findall(unicodedata.normalize("NFC", text)))
    return _join_known(found)


def _join_known(found: Words) -> Words:
    for several, joined in _JOINED.items():
        for i in range(len(found) - len(several) + 1):
            if found[i : i + len(several)] == several:
                return _join_known((*found[:i], joined, *found[i + len(several) :]))
    return found


@lru_cache(maxsize=65536)
def folder_words(component: str) -> Words:
    """Return the words of one folder's name; a part that is glued to a role is taken apart: "trainannot"."""
    return tuple(piece for word in words(component) for piece in _unglued(word))


def _unglued(word: str) -> Words:
    for part in PARTS:
        role = word[len(part) :]
        if len(part) > 2 and word.startswith(part) and (role in MASK_WORDS or role in IMAGE_WORDS):
            return part, role
    return (word,)


def pieces(text: str) -> Words:
    """Split at separators only: "0795e132d090_01" -> 0795e132d090, 01."""
    return tuple(piece for piece in _SEPARATORS.split(unicodedata.normalize("NFC", text)) if piece)


def plain(text: str) -> str:
    """Fold case and make every run of separators one underscore: names that look alike become equal."""
    return "_".join(pieces(text)).casefold()


@lru_cache(maxsize=65536)
def core(text: str) -> Words:
    """Return the words of a stem without those that only say picture or mask."""
    return tuple(word for word in words(text) if word not in STEM_MASK_WORDS and word not in STEM_IMAGE_WORDS)


@lru_cache(maxsize=65536)
def folder_role(folder: str) -> Role:
    """Say what a folder holds: its last component that names a role decides; "" if none does. A mask word wins."""
    for component in reversed(PurePosixPath(folder).parts):
        if component in ("x", "X"):
            return "image"
        if component in ("y", "Y"):
            return "mask"
        found = set(folder_words(component))
        if found & MASK_WORDS:
            return "mask"
        if found & IMAGE_WORDS:
            return "image"
    return ""


@lru_cache(maxsize=65536)
def context(folder: str) -> tuple[str, ...]:
    """Return what a folder says beside its role: "train/images" and "masks/training" both give ("train",)."""
    kept = []
    for component in PurePosixPath(folder).parts:
        rest = [PARTS.get(w, w) for w in folder_words(component) if w not in MASK_WORDS | IMAGE_WORDS]
        if rest and component not in ("x", "X", "y", "Y"):
            kept.append("_".join(rest))
    return tuple(kept)


def stem_role(stem: str) -> Role:
    """Say what a file's stem calls it; a mask word wins."""
    found = set(words(stem))
    return "mask" if found & STEM_MASK_WORDS else "image" if found & STEM_IMAGE_WORDS else ""


@lru_cache(maxsize=65536)
def folder_part(folder: str) -> str:
    """Return "train", "val" or "test" where a folder's name says so, else ""."""
    for component in reversed(PurePosixPath(folder).parts):
        named = {PARTS[word] for word in folder_words(component) if word in PARTS}
        if len(named) == 1:
            return named.pop()
    return ""


def folder_of(path: str) -> str:
    """Return the folder of a relative path, "" for the top one."""
    return path.rpartition("/")[0]


def stem_of(path: str) -> str:
    """Return a relative path's file name without its last suffix."""
    name = path.rpartition("/")[2]
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name


def suffix_of(path: str) -> str:
    """Return a relative path's last suffix in lower case, with the dot."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.casefold()}" if dot and stem else ""


def shown(text: str, limit: int = 120) -> str:
    """Make a name safe to print: control characters and undecodable bytes are escaped, long names cut in the middle."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)
    return safe if len(safe) <= limit else f"{safe[: limit // 2]}...{safe[-limit // 3 :]}"


def some(names: list[str], count: int = 3) -> str:
    """Return the first few names for a message, and how many more there are."""
    more = len(names) - count
    return ", ".join(shown(name) for name in names[:count]) + (f" and {more} more" if more > 0 else "")
