"""Findings about single picture files: readable, what their name says, upright, one picture, same kind of pixels."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from maskwright.audit.facts import PictureFacts
from maskwright.audit.findings import Finding, Level, Many, counted, together
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown
from maskwright.errors import DataError
from maskwright.images.formats import ImageInfo

_SUFFIXES = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"}, "MPO": {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"},
    "PNG": {".png"}, "GIF": {".gif"}, "BMP": {".bmp", ".dib"}, "TIFF": {".tif", ".tiff"}, "WEBP": {".webp"},
}  # fmt: skip


def picture_findings(dataset: Dataset, pictures: Sequence[PictureFacts]) -> Iterator[Finding]:
    """Yield what is found about the pictures, one by one and as a set."""
    turned = Many()
    for name, picture in zip(dataset.columns.ids, pictures, strict=True):
        if picture.error is not None:
            yield broken(name, picture.error, picture.path, "picture")
        if picture.info is None:
            continue
        yield from file_findings(name, picture.info, picture.path, "picture")
        if picture.info.orientation != 1:
            turned.append(_turned(name, picture.info, picture.path))
    yield from together(turned, len(dataset), "{count} pictures are turned upright as their EXIF entries say")
    yield from _modes(dataset, pictures)


def broken(name: str | None, error: DataError, path: Path, what: str) -> Finding:
    """Return the finding for a file that cannot be read."""
    early = "early" in error.what
    kind = "truncated" if early else "unreadable"
    fix = error.fix or f"remove the {what} or replace it by a readable copy"
    return Finding(kind, "error", name, error.what, shown(error.where or str(path), 500), fix, {})


def file_findings(name: str | None, info: ImageInfo, path: Path, what: str) -> list[Finding]:
    """Return what the file's header says that its name does not."""
    found = []
    suffix = path.suffix.casefold()
    if suffix not in _SUFFIXES.get(info.format, {suffix}):
        said = f"is named {suffix}" if suffix else "has no suffix"
        found.append(
            Finding(
                "wrong-extension",
                "note",
                name,
                f"The {what} {said} and is a {info.format}; it is read as that.",
                shown(str(path), 500),
                "rename it, if other programs are to read it too",
                {"suffix": suffix, "format": info.format, "mode": info.mode},
            )  # fmt: skip
        )
    if info.frames > 1:
        found.append(
            Finding(
                "multi-frame",
                "note",
                name,
                f"The {what} file holds {info.frames} pictures ({info.format}); the first is used.",
                shown(str(path), 500),
                "save the others as files of their own, if they matter",
                {"frames": info.frames, "format": info.format},
            )  # fmt: skip
        )
    return found


def _turned(name: str, info: ImageInfo, path: Path) -> Finding:
    return Finding(
        "exif-rotated", "note", name,
        f"The picture is turned upright as its EXIF entry says (orientation {info.orientation}).",
        shown(str(path), 500), "see that its mask is upright too; if not, save both without EXIF orientation",
        {"orientation": info.orientation},
    )  # fmt: skip


def _modes(dataset: Dataset, pictures: Sequence[PictureFacts]) -> Iterator[Finding]:
    """Yield pictures whose pixels are of another kind than most: grey, transparent, 16 bits, other bands."""
    count = Counter(_kind(picture, picture.info) for picture in pictures if picture.info is not None)
    if not count:
        return
    usual = count.most_common(1)[0][0]
    if usual[2]:
        what = f"{counted(count[usual], 'picture carries', 'pictures carry')} transparency, which is dropped."
        fix = "nothing to do, unless the transparency means something"
        yield Finding("mixed-modes", "note", None, what, "", fix, {"count": count[usual]})
    if len(count) == 1:
        return
    for name, picture in zip(dataset.columns.ids, pictures, strict=True):
        if picture.info is None or (kind := _kind(picture, picture.info)) == usual:
            continue
        level: Level = "warning" if kind[1] != usual[1] or kind[0] not in (1, 3) else "note"
        fix = "nothing to do: it is read like the others" if level == "note" else "save all pictures alike"
        evidence = {"bands": kind[0], "dtype": kind[1], "alpha": kind[2], "mode": picture.info.mode}
        what = _mode_words(kind, usual)
        yield Finding("mixed-modes", level, name, what, shown(str(picture.path), 500), fix, evidence)


def _kind(picture: PictureFacts, info: ImageInfo) -> tuple[int, str, bool]:
    return 1 if picture.grey else info.bands, info.dtype, info.has_alpha


def _mode_words(kind: tuple[int, str, bool], usual: tuple[int, str, bool]) -> str:
    words = []
    if kind[0] != usual[0]:
        words.append({1: "is grey", 3: "is coloured"}.get(kind[0], f"has {kind[0]} bands"))
    if kind[1] != usual[1]:
        words.append("has 16 bits a band" if kind[1] == "uint16" else "has 8 bits a band")
    if kind[2] != usual[2]:
        words.append("has transparency, which is dropped" if kind[2] else "has no transparency")
    return f"The picture {', '.join(words)}, unlike most others."
