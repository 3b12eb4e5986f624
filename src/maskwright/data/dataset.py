"""A set of pictures and their masks as columns; nothing is decoded until it is asked for.

Reading one from a folder is the business of `read.py`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.data.hashing import hash_files
from maskwright.data.lists import Clash
from maskwright.data.maskfiles import MaskReader
from maskwright.data.names import stem_of
from maskwright.data.unclear import Unclear
from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.images.depth import to_depth
from maskwright.images.formats import read_image
from maskwright.images.masks import MaskEncoding
from maskwright.images.modes import Pixels
from maskwright.recipe import DataOptions


@dataclass(frozen=True)
class Sample:
    """One picture. masks: its files, none if it has no mask. part: "train", "val", "test", or "" if none is given."""

    id: str
    image: Path
    masks: tuple[Path, ...]
    group: str
    part: str


@dataclass(frozen=True)
class Columns:
    """One entry a picture. images, masks: paths relative to the root; labels: per-class only, each file's class.

    parents: the path of the picture that each is a copy of, "" for originals; empty where there are no copies.
    extra: what else a manifest says of each picture, column by column ("age" -> ("40", "", ...)), as it is written.
    """

    ids: tuple[str, ...]
    images: tuple[str, ...]
    masks: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    parts: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...] = ()
    parents: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def take(self, indices: Sequence[int]) -> "Columns":
        """Return the columns of some rows, in that order."""
        return Columns(
            tuple(self.ids[i] for i in indices),
            tuple(self.images[i] for i in indices),
            tuple(self.masks[i] for i in indices),
            tuple(self.groups[i] for i in indices),
            tuple(self.parts[i] for i in indices),
            tuple(self.labels[i] for i in indices) if self.labels else (),
            tuple(self.parents[i] for i in indices) if self.parents else (),
            {name: tuple(column[i] for i in indices) for name, column in self.extra.items()},
        )


@dataclass(frozen=True)
class Leftovers:
    """What lay in the folder and belongs to no row: relative paths; problems with what is wrong with them.

    images: without a mask. masks: without a picture. unused: pictures that are neither. others: no pictures.
    unclear: pictures and masks of which several fit one another; only where the reading was to go on without them.
    """

    images: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    unclear: tuple[Unclear, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Pictures and masks of one place.

    bands, dtype: what `read_image` returns ("uint8" or "uint16"). notes: each guess in words. options: what was
    stated and guessed, as it can be written into dataset.yaml. grouping: how groups were made, in words.
    grouping_guessed: the groups come from a guess. advice: a grouping that looks likely but was not used, in words.
    ignore_guessed: nobody stated that the value which is ignored does not count.
    clashes: pictures that two lists put into different parts; only where the reading was to go on in spite of them.
    drawn: the masks lie in the cache, drawn from outlines; their names are digests of what they show.
    """

    root: Path
    columns: Columns
    classes: Classes
    encoding: MaskEncoding
    bands: int = 3
    dtype: str = "uint8"
    notes: tuple[str, ...] = ()
    leftovers: Leftovers = Leftovers()
    options: DataOptions = DataOptions()
    grouping: str = "each picture by itself"
    grouping_guessed: bool = False
    advice: str = ""
    palette: dict[int, tuple[int, int, int]] | None = field(default=None, compare=False)
    drawn: bool = False
    ignore_guessed: bool = False
    clashes: tuple[Clash, ...] = ()

    def __len__(self) -> int:
        return len(self.columns.ids)

    def __getitem__(self, index: int) -> Sample:
        columns = self.columns
        return Sample(
            columns.ids[index],
            self.root / columns.images[index],
            tuple(self.root / mask for mask in columns.masks[index]),
            columns.groups[index],
            columns.parts[index],
        )

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    @property
    def loose_images(self) -> tuple[Path, ...]:
        """Pictures without a mask."""
        return tuple(self.root / path for path in self.leftovers.images)

    @property
    def loose_masks(self) -> tuple[Path, ...]:
        """Masks without a picture."""
        return tuple(self.root / path for path in self.leftovers.masks)

    @property
    def mask_reader(self) -> MaskReader:
        """What decodes the masks of this set."""
        return MaskReader(self.classes, self.encoding, self.palette)

    def read_image(
        self, index: int, *, at_least: tuple[int, int] | None = None, towards: tuple[int, int] | None = None
    ) -> Pixels:
        """Return (H, W, bands) of the set's dtype; 8-bit pictures of a 16-bit set are scaled to the full range.

        at_least: (height, width); a JPEG may be decoded smaller, never below it. towards: the size that `resize_image`
        will be asked for: the picture may have it already, with the same bytes. Raises DataError.
        """
        path = self.root / self.columns.images[index]
        bands = self.bands if self.bands in (1, 3) else None
        towards = towards if self.dtype == "uint8" else None  # else it is brought to 16 bits first
        image = read_image(path, bands=bands, at_least=at_least, towards=towards)
        if image.shape[2] != self.bands:
            raise DataError(
                f"The picture has {image.shape[2]} bands; the others have {self.bands}.",
                where=str(path),
                fix="remove it, or save it with the same bands",
            )
        return to_depth(image, self.dtype)

    def read_mask(self, index: int) -> NDArray[np.uint8]:
        """Return the decoded mask at its own size: (H, W), or (H, W, C) for overlapping classes. Raises DataError."""
        paths = [self.root / mask for mask in self.columns.masks[index]]
        if not paths:
            raise DataError(
                "The picture has no mask.", where=str(self.root / self.columns.images[index]), fix="add its mask"
            )
        return self.mask_reader.read(paths, self.columns.labels[index] if self.columns.labels else None)

    def select(self, indices: Sequence[int] | NDArray[np.integer]) -> "Dataset":
        """Return the set of some rows, in that order; leftovers are left behind."""
        rows = [int(i) for i in indices]
        return replace(self, columns=self.columns.take(rows), leftovers=Leftovers())

    def fingerprint(self) -> str:
        """Return a sha256 over ids, parents, classes, encoding and every file's content.

        Places of files, groups, parts and what else a manifest says do not count. Hashes of unchanged files come from
        the cache. Raises DataError for a file that cannot be read.
        """
        digest = hashlib.sha256()
        meaning = [self.classes.names, self.classes.exclusive, self.encoding.to_dict(), self.bands, self.dtype]
        digest.update(json.dumps(meaning, sort_keys=True).encode())
        rows = zip(self.columns.images, self.columns.masks, strict=True)
        hashed = ((image,) if self.drawn else (image, *masks) for image, masks in rows)
        hashes = iter(hash_files(self.root / path for paths in hashed for path in paths))
        id_of = dict(zip(self.columns.images, self.columns.ids, strict=True))
        for i, name in enumerate(self.columns.ids):
            digest.update(f"{len(name)}:{name}:{len(self.columns.masks[i])}".encode())
            if self.columns.parents and (parent := self.columns.parents[i]):
                digest.update(f"copy of {id_of.get(parent, parent)}".encode())
            digest.update(next(hashes).encode())
            for mask in self.columns.masks[i]:
                digest.update((stem_of(mask) if self.drawn else next(hashes)).encode())
        return digest.hexdigest()
