"""Masks that were made elsewhere, found for the pictures of a set by name, and read as masks of its classes.

What a prediction's values mean is settled once for all files: as the truth's own masks say it, as class numbers, or,
for two classes, as nothing and anything else; whatever fits none of these is an error, never cut at a guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.encoding import guess_encoding
from maskwright.data.guess import listed
from maskwright.data.looks import Look
from maskwright.data.maskfiles import MaskReader
from maskwright.data.meaning import WIDE_SAMPLE, look_at_some
from maskwright.data.names import some, stem_of
from maskwright.data.pairing import Pairing, pair
from maskwright.data.roles import Roles
from maskwright.data.scan import scan
from maskwright.data.threads import spread
from maskwright.errors import DataError
from maskwright.images.formats import read_labels
from maskwright.images.masks import MaskEncoding, as_grey
from maskwright.recipe import DataOptions

RECORD = "predicted.json"  # beside it, `predict` keeps masks and overlays


@dataclass(frozen=True)
class Predictions:
    """The predicted masks of the pictures of a set.

    files: of each row of the set, () where it has none; several where classes overlap, with the class of each in
    `labels`. reader: None where the files hold probabilities instead. how: in words, how they were found and read.
    unused: how many files belong to no picture of the set.
    """

    root: Path
    files: tuple[tuple[Path, ...], ...]
    reader: MaskReader | None
    how: str
    unused: int = 0
    labels: tuple[tuple[int, ...], ...] = ()

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows of the set that have a prediction."""
        return np.array([row for row, files in enumerate(self.files) if files], np.int64)

    def read(self, row: int) -> NDArray[np.uint8]:
        """Return the predicted mask of a picture, of its own size. Raises DataError."""
        if self.reader is None:
            raise DataError("The files hold probabilities, not masks.", where=str(self.root), fix="read those")
        return self.reader.read(self._of(row), self.labels[row] if self.labels else None)

    def read_probabilities(self, row: int) -> NDArray[np.float32]:
        """Return (1, H, W) in [0, 1]: the file's grey values over the largest its type can hold. Raises DataError."""
        file = self._of(row)[0]
        grey = as_grey(read_labels(file), str(file))
        return (grey.astype(np.float32) / np.float32(np.iinfo(grey.dtype).max))[None]

    def _of(self, row: int) -> tuple[Path, ...]:
        if not self.files[row]:
            raise DataError("This picture has no prediction.", where=str(self.root), fix="predict it too")
        return self.files[row]


def find_predictions(
    truth: Dataset, folder: Path, *, masks_alone: bool, probabilities: bool = False, options: DataOptions | None = None
) -> Predictions:
    """Find a prediction for each picture of a set by the names, and settle what the files' values mean.

    masks_alone: the set has no pictures, so that predictions are matched with the names of its masks.
    probabilities: the files are grey maps of the foreground's probability, black 0 and white 1.
    options: `encoding` and `values` state how the predictions hold classes.

    Raises DataError where nothing fits, a picture fits several files, or values are no classes of the truth.
    """
    folder = folder / "masks" if (folder / RECORD).is_file() and (folder / "masks").is_dir() else folder
    listing = scan(folder)
    if not listing.pictures:
        raise DataError("The folder holds no masks.", where=str(folder), fix="name the folder with the predicted masks")
    pictures = tuple(listing.pictures)
    if not truth.classes.exclusive:
        return _per_class(truth, pictures, folder)
    found = _match(truth, pictures, str(folder), masks_alone=masks_alone)
    files = tuple(() if name is None else (folder / name,) for name in found)
    unused = len(pictures) - sum(map(bool, files))
    if probabilities and not truth.classes.binary:
        raise DataError(
            "Maps of probabilities tell two classes apart; the truth has others: "
            f"{', '.join(truth.classes.names)}.", where=str(folder), fix="give masks of class numbers"
        )  # fmt: skip
    if probabilities:
        _refuse_masks([one for row in files for one in row], folder)
        return Predictions(folder, files, None, "matched by name; grey values read as probabilities", unused)
    reader, said = _reader(truth, [one for row in files for one in row], options or DataOptions(), folder)
    return Predictions(folder, files, reader, f"matched by name; {said}", unused)


def _refuse_masks(files: Sequence[Path], folder: Path) -> None:
    """Raise DataError where what is said to be maps of probabilities is masks of 0 and 1: it would score nothing."""
    if max(value for look in look_at_some(spread(files, WIDE_SAMPLE)) for value in (*look.values, 0)) <= 1:
        raise DataError(
            "The maps hold nothing but 0 and 1: they are masks of class numbers, not grey from 0 to 255.",
            where=str(folder), fix="leave --probabilities out, or save grey maps: black 0, white 1",
        )  # fmt: skip


def _per_class(truth: Dataset, pictures: tuple[str, ...], folder: Path) -> Predictions:
    """Find the files of overlapping classes: NAME.CLASS.png, or in a folder for each class. Raises DataError."""
    found = pair(Roles(truth.columns.images, pictures), str(folder))
    numbers = {name.casefold(): number for number, name in enumerate(truth.classes.names)}
    strange = [name for name in found.class_names if name.casefold() not in numbers]
    if found.layout != "per-class" or strange:
        what = f"The predictions name other classes: {some(strange)}" if strange else "The predictions name no classes"
        raise DataError(
            f"{what}. The truth has {', '.join(truth.classes.names)}, which overlap.", where=str(folder),
            fix="save one file a class, NAME.CLASS.png, with 0 and 255",
        )  # fmt: skip
    place = {image: at for at, (image, _) in enumerate(found.rows)}
    files, labels = [], []
    for image in truth.columns.images:
        at = place.get(image)
        files.append(() if at is None else tuple(folder / mask for mask in found.rows[at][1]))
        labels.append(() if at is None else tuple(numbers[found.class_names[k].casefold()] for k in found.labels[at]))
    _refuse_missing(truth, labels, folder)
    reader = MaskReader(truth.classes, MaskEncoding("per-class"))
    unused = len(pictures) - sum(map(len, files))
    return Predictions(folder, tuple(files), reader, "matched by name; one file a class", unused, tuple(labels))


def _refuse_missing(truth: Dataset, labels: Sequence[tuple[int, ...]], folder: Path) -> None:
    """Raise DataError where a picture has files of some classes only: a missing file is no empty mask."""
    every = set(range(len(truth.classes.names)))
    for name, found in zip(truth.columns.ids, labels, strict=True):
        if found and (lacking := every - set(found)):
            classes = ", ".join(truth.classes.names[k] for k in sorted(lacking))
            raise DataError(
                f"The prediction has no file of {classes}; a class that is nowhere needs an empty mask.", where=name,
                fix=f"save it too, below {folder}",
            )  # fmt: skip


def _match(truth: Dataset, files: tuple[str, ...], where: str, *, masks_alone: bool) -> tuple[str | None, ...]:
    """Return the file of each row, by the rules that pair pictures with masks; nothing is matched by order."""
    names = truth.columns.images
    by_stem = {stem_of(file): file for file in files}
    if len(by_stem) == len(files) and len({stem_of(name) for name in names}) == len(names):
        exact = tuple(by_stem.get(stem_of(name)) for name in names)
        if all(exact):  # the usual case, and quick for very many
            return exact
    roles = Roles(files, names) if masks_alone else Roles(names, files)
    found = pair(roles, where)
    mates = _mates(found, masks_alone=masks_alone)
    return tuple(mates.get(name) for name in names)


def _mates(found: Pairing, *, masks_alone: bool) -> dict[str, str]:
    """Return the prediction of each of the truth's names. Raises DataError where one has several."""
    mates: dict[str, str] = {}
    for image, masks in found.rows:
        if len(masks) > 1:
            raise DataError(
                f"Several files fit one another: {image} and {some(list(masks))}.",
                fix="keep one prediction a picture, named as the picture is",
            )
        one, other = (masks[0], image) if masks_alone else (image, masks[0])
        mates[one] = other
    return mates


def _reader(truth: Dataset, files: Sequence[Path], options: DataOptions, folder: Path) -> tuple[MaskReader, str]:
    """Return what reads the predictions as masks of the truth's classes, and how in words."""
    looks = look_at_some(spread(files, WIDE_SAMPLE))
    classes = truth.classes
    if options.encoding is not None or options.values is not None:
        guess = guess_encoding(looks, options)
        if len(guess.classes.names) != len(classes.names) or guess.classes.exclusive != classes.exclusive:
            raise DataError(
                f"Read as stated, the predictions have {len(guess.classes.names)} classes; the truth has "
                f"{len(classes.names)}.", where=str(folder), fix="state the values of the same classes"
            )  # fmt: skip
        return MaskReader(classes, guess.encoding, guess.palette), f"read as stated ({guess.encoding.kind})"
    table = truth.encoding.table
    if any(look.colours for look in looks):
        known = {raw for raw, _ in table}
        if truth.encoding.kind == "colour" and all(set(look.colours) <= known for look in looks):
            return MaskReader(classes, truth.encoding, truth.palette), "colours as in the truth"
        raise _foreign(looks, truth, folder)
    return _grey_reader(truth, looks, folder)


def _grey_reader(truth: Dataset, looks: Sequence[Look], folder: Path) -> tuple[MaskReader, str]:
    classes = truth.classes
    by_index = any(look.indices is not None for look in looks)
    values = {value for look in looks for value in ((look.indices if by_index else None) or look.values)}
    if truth.encoding.kind in ("index", "binary", "trimap") and truth.encoding.table:
        if values <= {raw for raw, label in truth.encoding.table if label < len(classes.names)}:
            return MaskReader(classes, truth.encoding, truth.palette), "values as in the truth"
    if classes.exclusive and values <= set(range(len(classes.names))):
        numbers = MaskEncoding("index", tuple((k, k) for k in range(len(classes.names))))
        return MaskReader(classes, numbers, _palette(looks)), "values are class numbers"
    if classes.binary and len(values) <= 2 and (0 in values or len(values) == 1):
        high = max(values)
        return MaskReader(classes, MaskEncoding("binary", ((0, 0), (high, 1)))), f"0 and {high} are the two classes"
    if classes.binary and truth.encoding.kind == "antialiased":  # both have blurred borders, as JPEG leaves them
        guess = guess_encoding(looks, DataOptions())
        if guess.encoding.kind == "antialiased":
            return MaskReader(classes, guess.encoding), "blurred borders are cut at half, as in the truth"
    raise _foreign(looks, truth, folder)


def _palette(looks: Sequence[Look]) -> dict[int, tuple[int, int, int]] | None:
    """Return an empty palette where indices are meant, so that their colours are not looked at."""
    return {} if any(look.indices is not None for look in looks) else None


def _foreign(looks: Sequence[Look], truth: Dataset, folder: Path) -> DataError:
    look = max(looks, key=lambda one: len(one.values) + len(one.colours))
    held = listed(sorted(look.values)) if look.values else f"{len(look.colours)} colours"
    names = ", ".join(f"{number} {name}" for number, name in enumerate(truth.classes.names))
    fix = "save masks of class numbers, or state their encoding (--prediction-encoding)"
    if truth.classes.binary and len(look.values) > 2:
        fix = "if they are maps of probabilities, say --probabilities; else save masks of 0 and 255"
    return DataError(
        f"The predictions hold values that are no classes of the truth ({names}): {held}.",
        where=str(look.path),
        fix=fix,
    )
