"""Which files are made of each picture. Nothing is opened here. Output mirrors the input's folders."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.images.classes import Classes
from maskwright.runs.predict_kinds import MASK, OVERLAY, USUAL, files_of
from maskwright.runs.predict_large import Form
from maskwright.runs.predict_sources import Named, Picture, as_text


def named(listed: Named) -> Named:
    """Give each picture its output's name: without suffix, unless two would be the same; then with it, or a number."""
    stems = Counter(name.with_suffix("") for _, name in listed)
    taken: Counter[Path] = Counter()
    named = []
    for picture, name in listed:
        short = name.with_suffix("") if stems[name.with_suffix("")] == 1 else name
        taken[short] += 1
        named.append((picture, short if taken[short] == 1 else short.with_name(f"{short.name}.{taken[short]}")))
    return named


@dataclass(frozen=True)
class Job:
    """One picture and the files that are made of it: those of `kinds`, below `target`.

    source: what files of all pictures call it; the name with its suffix where nothing else is said. form: how it is
    read by windows, and what its masks are then; None: it is read whole, and its masks are PNG.
    """

    picture: Picture
    name: Path
    target: Path
    classes: Classes
    kinds: tuple[str, ...] = USUAL
    source: str = ""
    form: Form | None = None

    @property
    def large(self) -> bool:
        """Whether the picture must not be read whole."""
        return self.form is not None and self.form.large

    @property
    def key(self) -> str:
        """The name as a record can hold it: a file's name need not be text."""
        return as_text(self.name)

    @property
    def called(self) -> str:
        """What files of all pictures call it."""
        return self.source or as_text(self.name.with_name(self.name.name + Path(self.picture.where).suffix))

    def files(self, kind: str) -> list[Path]:
        """Return the files of one kind."""
        files = files_of(kind, self.target, self.name, self.classes)
        if kind != MASK or self.form is None:
            return files
        return [file.with_suffix(self.form.suffix) for file in files]

    @property
    def masks(self) -> list[Path]:
        """The mask files, one for exclusive classes."""
        return self.files(MASK)

    def has(self, kind: str) -> bool:
        """Whether all files of a kind are there."""
        return all(file.exists() for file in self.files(kind))

    def entry(self) -> dict[str, Any]:
        """Return what a result says of the files."""
        masks = [str(mask) for mask in self.masks]
        entry: dict[str, Any] = {"input": self.picture.where, "mask": masks[0]}
        if OVERLAY in self.kinds:
            entry["overlay"] = str(self.files(OVERLAY)[0])
        if len(masks) > 1:
            entry["masks"] = masks
        others = {kind: [str(file) for file in self.files(kind)] for kind in self.kinds if kind not in USUAL}
        return {**entry, "files": others} if others else entry


def jobs_for(
    listed: Named, forms: Sequence[Form | None], target: Path, classes: Classes, kinds: tuple[str, ...]
) -> list[Job]:
    """Return a job for each listed picture; files of all pictures call it by its name below its input, if unique."""
    times = Counter(name for _, name in listed)
    sources = [as_text(name) if times[name] == 1 else _text_of(picture) for picture, name in listed]
    return [
        Job(picture, name, target, classes, kinds, source, form)
        for (picture, name), source, form in zip(named(listed), sources, forms, strict=True)
    ]


def _text_of(picture: Picture) -> str:
    """Return a picture's path or address as text that can be written."""
    return picture.where if picture.file is None else as_text(picture.file)
