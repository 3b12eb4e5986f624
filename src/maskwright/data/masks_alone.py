"""A folder that holds nothing but masks, as a Dataset: the truth that predictions made elsewhere are scored against."""

from pathlib import Path

from maskwright.data.dataset import Columns, Dataset, Leftovers
from maskwright.data.groups import make_groups
from maskwright.data.manifest import find_manifest
from maskwright.data.meaning import MaskFiles, find_meaning
from maskwright.data.options import merged, read_stated, without_overruled
from maskwright.data.phrases import make_ids
from maskwright.data.read import read_dataset
from maskwright.data.roles import assign_roles
from maskwright.data.scan import scan
from maskwright.errors import DataError
from maskwright.recipe import DataOptions


def read_truth(path: Path, options: DataOptions | None = None) -> tuple[Dataset, bool]:
    """Read a data set, or a folder of masks alone; also return whether there are masks only.

    Of masks alone each file is one mask; its picture is then the mask file itself, which nobody may look at as a
    picture. Raises DataError where there is nothing to read, or the masks fit no encoding.
    """
    given = options or DataOptions()
    if not path.is_dir():
        return read_dataset(path, given), False
    listing = scan(path)
    here = read_stated(path)
    stated = merged(without_overruled(here, given), given)
    described = any((stated.pairs, stated.images, stated.annotations)) or not listing.pictures
    described = described or find_manifest(path, listing.others) is not None
    if not described:
        roles = assign_roles(listing.pictures, path, masks=stated.masks)
        described = bool(roles.images and roles.masks)
    if described:
        return read_dataset(path, given), False
    return _masks_alone(path, tuple(listing.pictures), tuple(listing.others), stated), True


def _masks_alone(root: Path, masks: tuple[str, ...], others: tuple[str, ...], stated: DataOptions) -> Dataset:
    if not masks:
        raise DataError("The folder holds no masks.", where=str(root), fix="name the folder with the true masks")
    ids, rows = make_ids(masks), tuple((mask,) for mask in masks)
    meaning = find_meaning(root, MaskFiles(masks, rows, "single", (), (), others), stated)
    grouping = make_groups(masks, ids, stated.group, {}, str(root), ())
    columns = Columns(ids, masks, rows, grouping.groups, ("",) * len(masks), meaning.labels)
    guess = meaning.guess
    return Dataset(
        root, columns, guess.classes, guess.encoding, 1, "uint8", (f"{len(masks)} masks, no pictures", *guess.notes),
        Leftovers(others=others), stated, grouping.how, grouping.guessed, grouping.advice, guess.palette,
        ignore_guessed=guess.ignore_guessed,
    )  # fmt: skip
