"""Which pictures `predict` is asked for, and which files are made of each. Nothing is opened here.

Output mirrors the input's folders; what an earlier `predict` wrote is no input.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.data.names import folder_of
from maskwright.data.scan import Listing, scan
from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.runs.predict_record import RECORD, read_record

_FOLDERS = ("masks", "overlays")

Named = list[tuple[Path, Path]]  # (file, name relative to its input)


def list_pictures(inputs: Sequence[str | Path], output: Path) -> tuple[Named, list[tuple[Path, DataError]]]:
    """Return the pictures of files and folders, in order, and what in the folders cannot be followed or entered.

    Folders are read as training reads them; what an earlier `predict` wrote is left out. Raises DataError.
    """
    found: Named = []
    problems: list[tuple[Path, DataError]] = []
    for entry in map(Path, inputs):
        if os.path.isdir(entry):
            listing = scan(entry)
            made = _made_by_predict(listing, output)
            below = [path for path in listing.pictures if not path.startswith(made)]
            if not below:
                raise DataError("The folder holds no pictures.", where=str(entry), fix="name a folder with pictures")
            found += [(entry / path, Path(path)) for path in below]
            for path, what in listing.problems:
                fix = "put it right, or take it out of the folder"
                problems.append((entry / path, DataError(f"It {what}.", where=str(entry / path), fix=fix)))
        elif os.path.exists(entry):
            found.append((entry, Path(entry.name)))
        else:
            raise DataError("There is no such picture or folder.", where=str(entry), fix="check the path")
    return found, problems


def _made_by_predict(listing: Listing, output: Path) -> tuple[str, ...]:
    """Return the beginnings of relative paths below which lie masks and overlays: of this output, and of others."""
    outputs = [
        folder_of(path) for path in listing.others
        if path.rpartition("/")[2] == RECORD and read_record(listing.root / path) is not None
    ]  # fmt: skip
    made = [listing.root / folder / name for folder in outputs for name in _FOLDERS]
    made += [output / name for name in _FOLDERS]
    root = listing.root.resolve()
    below = [folder.resolve() for folder in made]
    return tuple(f"{path.relative_to(root).as_posix()}/" for path in below if root in path.parents)


def named(listed: Named) -> Named:
    """Give each picture its output's name: without suffix, unless two would be the same; then with it, or a number."""
    stems = Counter(name.with_suffix("") for _, name in listed)
    taken: Counter[Path] = Counter()
    named = []
    for path, name in listed:
        short = name.with_suffix("") if stems[name.with_suffix("")] == 1 else name
        taken[short] += 1
        named.append((path, short if taken[short] == 1 else short.with_name(f"{short.name}.{taken[short]}")))
    return named


@dataclass(frozen=True)
class Job:
    """One picture and the files that are made of it."""

    picture: Path
    name: Path
    target: Path
    classes: Classes
    overlays: bool = True

    @property
    def key(self) -> str:
        """The name as a record can hold it: a file's name need not be text."""
        return self.name.as_posix().encode("utf-8", "backslashreplace").decode()

    @property
    def masks(self) -> list[Path]:
        """The mask files, one for exclusive classes."""
        return mask_files(self.target / "masks" / self.name, self.classes)

    @property
    def overlay(self) -> Path:
        """The file of the picture with its mask drawn over it."""
        return self.target / "overlays" / self.name.with_name(self.name.name + ".png")

    def is_made(self) -> bool:
        """Whether all mask files are there."""
        return all(mask.exists() for mask in self.masks)

    def entry(self) -> dict[str, Any]:
        """Return what a result says of the files."""
        masks = [str(mask) for mask in self.masks]
        entry: dict[str, Any] = {"input": str(self.picture), "mask": masks[0]}
        if self.overlays:
            entry["overlay"] = str(self.overlay)
        return {**entry, "masks": masks} if len(masks) > 1 else entry


def mask_files(stem: Path, classes: Classes) -> list[Path]:
    """Return the mask files of a picture: one, or one for each overlapping class."""
    if classes.exclusive:
        return [stem.with_name(stem.name + ".png")]
    return [stem.with_name(f"{stem.name}.{_plain(name)}.png") for name in classes.names]


def _plain(name: str) -> str:
    """Keep of a class's name what is harmless in a file's name."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:60] or "class"
