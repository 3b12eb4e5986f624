"""Pictures that belong together whatever their groups are: their groups are joined, so that none trains and tests.

Such are pictures whose files are equal byte for byte (only files of equal size are read), and pictures that an audit
found to be of one photograph. Knows nothing of pixels.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from maskwright.data.dataset import Dataset
from maskwright.data.hashing import hash_files


@dataclass(frozen=True)
class Joined:
    """dataset: with groups that were joined. renamed: old -> new name of each of these. said: of it, in words."""

    dataset: Dataset
    renamed: dict[str, str] = field(default_factory=dict)
    said: str = ""


def join_relatives(dataset: Dataset, related: Sequence[Sequence[int]] = ()) -> Joined:
    """Join groups that hold equal files, or pictures of one family.

    related: families, as rows of the set. Where nothing but one group would be left, families are not joined, and that
    is said. Files that are not there are passed over. Raises DataError for one that cannot be read.
    """
    same = _equal(dataset)
    equal = _join(dataset, same)
    apart = f"; {len(equal.renamed)} joined to others that hold the same picture file" if equal.renamed else ""
    groups = equal.dataset.columns.groups
    torn = [rows for rows in related if len({groups[row] for row in rows}) > 1]
    if not torn:
        return replace(equal, said=apart)
    both = _join(dataset, [*same, *torn])
    if len(set(both.dataset.columns.groups)) < 2:
        return replace(equal, said=f"{apart}; all are of one photograph, and are not kept together")
    families = f"{len(torn)} {'families' if len(torn) > 1 else 'family'}"
    return replace(both, said=f"{apart}; {families} of one photograph kept together")


def _join(dataset: Dataset, families: Iterable[Sequence[int]]) -> Joined:
    groups = dataset.columns.groups
    parent: dict[str, str] = {}

    def top(group: str) -> str:
        while group in parent:
            group = parent[group]
        return group

    for rows in families:
        for row in rows[1:]:
            low, high = sorted((top(groups[rows[0]]), top(groups[row])))
            if low != high:
                parent[high] = low
    if not parent:
        return Joined(dataset)
    renamed = {group: top(group) for group in parent}
    columns = replace(dataset.columns, groups=tuple(renamed.get(group, group) for group in groups))
    return Joined(replace(dataset, columns=columns), renamed)


def _equal(dataset: Dataset) -> list[list[int]]:
    """Return rows whose files are equal and whose groups are not."""
    rows = _same_size(dataset)
    found: dict[str, list[int]] = defaultdict(list)
    for row, digest in zip(rows, hash_files(dataset.root / dataset.columns.images[row] for row in rows), strict=True):
        found[digest].append(row)
    return [same for same in found.values() if len(same) > 1]


def _same_size(dataset: Dataset) -> list[int]:
    """Return rows whose files have the size of another group's file."""
    sizes: dict[int, list[int]] = defaultdict(list)
    for row, image in enumerate(dataset.columns.images):
        try:
            sizes[(dataset.root / image).stat().st_size].append(row)
        except OSError:
            continue
    groups = dataset.columns.groups
    return [row for rows in sizes.values() if len({groups[row] for row in rows}) > 1 for row in rows]
