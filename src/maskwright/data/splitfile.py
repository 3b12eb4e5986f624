"""split.csv: one line a picture, with group and part. Lines find their pictures by path, id or file name."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maskwright.data.dataset import Dataset
from maskwright.data.names import PARTS as PART_NAMES
from maskwright.data.names import shown, stem_of
from maskwright.data.phrases import id_of
from maskwright.errors import DataError
from maskwright.files import write_bytes

OFFICIAL = "the official split"  # lists or folders that lie with the data
_FOLD = re.compile(r"fold-[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Line:
    """One line: the picture as it was written, its group and part; row: where it stands in the file."""

    image: str
    group: str
    part: str
    row: int


def write_lines(dataset: Dataset, parts: Sequence[str], path: Path) -> None:
    """Write image, group, part; pictures without a part are written with an empty one. Raises OutputError."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("image", "group", "part"))
    for image, group, part in zip(dataset.columns.images, dataset.columns.groups, parts, strict=True):
        table.writerow((image, group, part))
    write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))


def read_lines(path: Path, *, folds: bool = False) -> list[Line]:
    """Read a split.csv. folds: its parts are fold-1, fold-2, ... instead.

    Raises DataError where it is no table with the columns image and part.
    """
    lines = []
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            table = csv.DictReader(file)
            if not {"image", "part"} <= set(table.fieldnames or ()):
                raise DataError(
                    "A split file has the columns image, group and part.", where=str(path),
                    fix="write them into its first line")  # fmt: skip
            for row, found in enumerate(table, start=2):
                part = (found["part"] or "").strip()
                if part and not (_FOLD.fullmatch(part) if folds else part in PART_NAMES):
                    raise DataError(
                        f"'{shown(part)}' is no {'fold' if folds else 'part'}.", where=f"{path}, row {row}",
                        fix="write fold-1, fold-2, ..." if folds else "write train, val or test")  # fmt: skip
                part = part if folds else PART_NAMES.get(part, "")
                lines.append(Line(found["image"] or "", found.get("group") or "", part, row))
    except OSError as error:
        raise DataError(
            f"The split file cannot be read: {error.strerror}.",
            where=str(path),
            fix="check that it is there and may be read",
        ) from error
    except csv.Error as error:
        raise DataError(
            f"The split file is no CSV: {error}.",
            where=str(path),
            fix="write columns image, group, part with commas between",
        ) from error
    return lines


def match_lines(lines: Sequence[Line], dataset: Dataset, path: Path) -> list[str]:
    """Return the part of each row of the data, "" where no line names it. Raises DataError for contradictions."""
    found = find_lines(lines, dataset, path)
    return [found[row].part if row in found else "" for row in range(len(dataset))]


def grouped_as_written(dataset: Dataset, path: Path, *, folds: bool = False) -> Dataset:
    """Return the set with the groups that a split file wrote down, families of one photograph joined among them."""
    found = find_lines(read_lines(path, folds=folds), dataset, path)
    groups = ((found[row].group if row in found else "") or group for row, group in enumerate(dataset.columns.groups))
    return replace(dataset, columns=replace(dataset.columns, groups=tuple(groups)))


def split_path(dataset: Dataset, stated: str) -> Path:
    """Return where a stated split.csv lies: below the data folder, or where its path says."""
    path = dataset.root / stated
    return path if path.is_file() else Path(stated)


def stated_parts(dataset: Dataset) -> tuple[Sequence[str], str]:
    """Return the part of each row that lists, folders or a split.csv give it, and which of them, in words.

    The split.csv is a stated one, or that of an earlier run, to which pictures are added. Without any, or where
    `split: hash` leaves lists aside, no row has a part. Raises DataError for a file that is no split.
    """
    path = _split_file(dataset)
    if path is not None:
        return match_lines(read_lines(path), dataset, path), shown(path.name)
    if dataset.options.split == "hash" or not any(dataset.columns.parts):
        return [""] * len(dataset), ""
    return dataset.columns.parts, OFFICIAL


def _split_file(dataset: Dataset) -> Path | None:
    stated, previous = dataset.options.split, dataset.options.previous
    if stated is not None and stated not in ("lists", "folders", "hash"):
        return split_path(dataset, stated)
    return Path(previous) if previous is not None else None


def parts_of_absent(lines: Sequence[Line], parents: Sequence[str]) -> dict[str, str]:
    """Return the parts of parents by path, as lines name them: also of pictures that are not in the set."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for parent in set(parents) - {""}:
        for name in (parent, id_of(parent), parent.rpartition("/")[2], stem_of(parent)):
            wanted[name].add(parent)
    found: dict[str, str] = {}
    for line in lines:
        image = line.image.replace("\\", "/")
        for name in (image, id_of(image)):
            for parent in wanted.get(name, ()):
                held_out = found.get(parent, "train") != "train"
                found[parent] = found[parent] if held_out else line.part
    return found


def find_lines(lines: Sequence[Line], dataset: Dataset, path: Path) -> dict[int, Line]:
    """Return the line of each row that one names: by path, id, or a file name or stem that only one picture has.

    A path of another folder that shortens to the same id names it too: train/images/a.jpg is train/a. Raises
    DataError for contradictions.
    """
    rows: dict[str, int] = {}
    for name_of in (stem_of, _file_name):
        names = [name_of(image) for image in dataset.columns.images]
        twice = {name for name, times in Counter(names).items() if times > 1}
        rows.update((name, row) for row, name in enumerate(names) if name not in twice)
    rows.update((name, row) for row, name in enumerate(dataset.columns.ids))
    rows.update((image, row) for row, image in enumerate(dataset.columns.images))
    seen: dict[int, Line] = {}
    for line in lines:
        image = line.image.replace("\\", "/")
        row = rows.get(image, rows.get(id_of(image), -1))
        if row < 0:
            continue
        if row in seen and seen[row].part != line.part:
            raise DataError(
                f"The split file puts {shown(line.image)} into two parts, {seen[row].part} and {line.part}.",
                where=f"{path}, rows {seen[row].row} and {line.row}", fix="remove one of the lines")  # fmt: skip
        seen[row] = line
    return seen


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]
