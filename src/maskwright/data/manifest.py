"""Pairs from a CSV file: columns image and mask, and if wanted group, part, class, parent and any others.

Paths are relative to the CSV file. Several rows of one picture are several mask files of it.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwright.data.names import SUFFIXES, shown, some, suffix_of
from maskwright.errors import DataError

_IMAGE = ("image", "images", "img", "image_path", "image_file", "picture")
_MASK = ("mask", "masks", "label", "mask_path", "mask_file", "label_path", "annotation", "segmentation")
_LARGEST_FIELD = 10_000


@dataclass(frozen=True)
class Manifest:
    """images: paths relative to the CSV's folder (or absolute); masks: of each. columns: every other column.

    Of several rows of one picture, a column holds what the first one says; their group, part and parent agree.
    """

    path: Path
    images: tuple[str, ...]
    masks: tuple[tuple[str, ...], ...]
    layout: str
    class_names: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...]
    columns: dict[str, tuple[str, ...]]


def find_manifest(root: Path, others: Sequence[str]) -> Manifest | None:
    """Return the one CSV file at the top of a folder that names existing pictures and masks, if there is one."""
    found = []
    for path in others:
        if "/" not in path and suffix_of(path) in (".csv", ".tsv"):
            rows = _rows(root / path, limit=2)
            if rows and _key(rows[0], _IMAGE) and _key(rows[0], _MASK):
                image = rows[0][_key(rows[0], _IMAGE)]
                mask = next((row[_key(row, _MASK)] for row in rows if row[_key(row, _MASK)]), "")
                inside = all(_is_inside(root, root / text) for text in (image, mask) if text)
                if image and inside and (root / image).is_file() and _is_file_name(root, mask):
                    found.append(path)
    if len(found) > 1:
        raise DataError(
            f"Several CSV files name pictures and masks: {some(found)}.", where=str(root),
            fix=f"say which one (pairs: {shown(found[0])} in dataset.yaml)")  # fmt: skip
    return read_manifest(root / found[0], confined=root) if found else None


def _is_inside(root: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _is_file_name(root: Path, text: str) -> bool:
    """Whether a cell names a mask file, also one that is missing; a column 'label' may hold words: cat, dog."""
    return not text or suffix_of(text) in SUFFIXES or (root / text).is_file()


def read_manifest(path: Path, *, confined: Path | None = None) -> Manifest:
    """Read pairs. confined: a folder that paths must not lead out of. Raises DataError naming the row."""
    rows = _rows(path)
    if not rows:
        raise DataError("The CSV file holds no rows.", where=str(path), fix="write a first line: image,mask")
    image_key, mask_key = _key(rows[0], _IMAGE), _key(rows[0], _MASK)
    if not image_key or not mask_key:
        raise DataError(
            f"The CSV file has no column {'image' if not image_key else 'mask'}; it has: {some(list(rows[0]), 8)}.",
            where=str(path), fix="name the columns image and mask in the first line")  # fmt: skip
    _check_files(path, rows, (image_key, mask_key), confined)
    return _collect(path, rows, image_key, mask_key)


def _collect(path: Path, rows: list[dict[str, str]], image_key: str, mask_key: str) -> Manifest:
    order: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        order.setdefault(row[image_key], []).append(number)
    names = sorted({row["class"] for row in rows if row.get("class")})
    masks = tuple(tuple(rows[i][mask_key] for i in found if rows[i][mask_key]) for found in order.values())
    labels: tuple[tuple[int, ...], ...] = ()
    if names:
        missing = next((i for i, row in enumerate(rows) if row[mask_key] and not row.get("class")), None)
        if missing is not None:
            raise DataError("The column 'class' is empty.", where=f"{path}, row {missing + 2}", fix="name the class")
        labels = tuple(tuple(names.index(rows[i]["class"]) for i in f if rows[i][mask_key]) for f in order.values())
    several = any(len(found) > 1 for found in masks)
    for image, found in zip(order, masks, strict=True):
        twice = [mask for mask, times in Counter(found).items() if times > 1]
        if twice:
            raise DataError(
                f"The CSV file names a pair twice: {shown(image)} and {shown(twice[0])}.", where=str(path),
                fix="remove one of the rows")  # fmt: skip
    others = {key for row in rows for key in row} - {image_key, mask_key, "class"}
    shared: dict[str, str] = {}  # equal cells are one text: a column of few values is small, however long
    columns = {}
    for key in sorted(others):
        cells = (_agreed(rows, found, key, path) for found in order.values())
        columns[key] = tuple(shared.setdefault(cell, cell) for cell in cells)
    layout = "per-class" if names else "objects" if several else "single"
    return Manifest(path, tuple(order), masks, layout, tuple(names), labels, columns)


def _agreed(rows: list[dict[str, str]], numbers: list[int], key: str, path: Path) -> str:
    """Return a picture's value of a column; its rows must agree on group and part."""
    values = {rows[i].get(key, "") for i in numbers}
    if len(values) > 1 and key in ("group", "part", "parent"):
        raise DataError(
            f"Rows of one picture differ in '{key}': {some(sorted(values))}.",
            where=f"{path}, row {numbers[1] + 2}", fix="give them the same value")  # fmt: skip
    return rows[numbers[0]].get(key, "")


def _check_files(path: Path, rows: list[dict[str, str]], keys: tuple[str, str], confined: Path | None) -> None:
    missing: list[tuple[int, str]] = []
    for number, row in enumerate(rows, start=2):
        if not row[keys[0]]:
            where = f"{path}, row {number}"
            raise DataError("The row names no picture.", where=where, fix="fill in the column 'image'")
        for key in keys:
            text = row[key]
            if not text:
                continue
            if confined is not None and not _is_inside(confined, path.parent / text):
                raise DataError(
                    f"The path leads out of the folder: {shown(text)}.", where=f"{path}, row {number}",
                    fix="name files in the folder, or give the CSV file itself as the data")  # fmt: skip
            if not (path.parent / text).is_file():
                missing.append((number, text))
    if missing:
        number, text = missing[0]
        raise DataError(
            f"{len(missing)} of the files that the CSV names {'are' if len(missing) > 1 else 'is'} not there, "
            f"such as {shown(text)}.",
            where=f"{path}, row {number}", fix="correct the paths; they count from the CSV file's folder")  # fmt: skip


def _key(row: dict[str, str], names: Sequence[str]) -> str:
    """Return the first of these column names that the row has, "" if none."""
    return next((name for name in names if name in row), "")


def _rows(path: Path, limit: int | None = None) -> list[dict[str, str]]:
    """Return the rows, stripped; column names in lower case. Raises DataError for what is no text table."""
    rows: list[dict[str, str]] = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            start = file.readline(_LARGEST_FIELD)
            delimiter = max(",;\t", key=start.count)
            file.seek(0)
            for number, row in enumerate(csv.DictReader(file, delimiter=delimiter, strict=True), start=2):
                if None in row or None in row.values():
                    if limit is not None:
                        return []
                    raise DataError(
                        "The row has another number of columns than the first line.", where=f"{path}, row {number}",
                        fix="put names that hold a comma into quotation marks")  # fmt: skip
                rows.append({key.strip().casefold(): value.strip() for key, value in row.items()})
                if limit is not None and len(rows) >= limit:
                    break
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        if limit is not None:
            return []
        fix = "save it as UTF-8 CSV"
        raise DataError(f"The CSV file cannot be read: {error}.", where=str(path), fix=fix) from error
    return rows
