"""Pictures whose files are equal byte for byte: their groups are joined, so that none is in training and test at once.

Only files of equal size are read. Knows nothing of pictures.
"""

from collections import defaultdict
from dataclasses import replace

from maskwright.data.dataset import Dataset
from maskwright.data.hashing import hash_files


def join_equal(dataset: Dataset) -> tuple[Dataset, dict[str, str], str]:
    """Join groups that hold equal files. Returns the set, old -> new name of joined groups, and what to say of it.

    Files that are not there are passed over. Raises DataError for one that cannot be read.
    """
    groups = dataset.columns.groups
    rows = _same_size(dataset)
    first: dict[str, str] = {}
    parent: dict[str, str] = {}

    def top(group: str) -> str:
        while group in parent:
            group = parent[group]
        return group

    joined = 0
    for row, digest in zip(rows, hash_files(dataset.root / dataset.columns.images[row] for row in rows), strict=True):
        low, high = sorted((top(first.setdefault(digest, groups[row])), top(groups[row])))
        if low != high:
            parent[high] = low
            joined += 1
    if not joined:
        return dataset, {}, ""
    renamed = {group: top(group) for group in parent}
    columns = replace(dataset.columns, groups=tuple(renamed.get(group, group) for group in groups))
    return replace(dataset, columns=columns), renamed, f"; {joined} joined to others that hold the same picture file"


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
