"""Telling masks from pictures by content where names tell nothing: two folders with the same names."""

from collections.abc import Sequence
from pathlib import Path

from maskwright.data.looks import look_at
from maskwright.data.names import folder_of
from maskwright.data.roles import Roles
from maskwright.data.threads import spread
from maskwright.errors import DataError

_FEW = 32  # values or colours that a mask has at most, and a photograph has more of


def guess_layout(roles: Roles, root: Path) -> Roles:
    """Return roles with the masks found by looking into a few files of each folder; unchanged if that tells nothing."""
    folders: dict[str, list[str]] = {}
    for path in roles.images:
        folders.setdefault(folder_of(path), []).append(path)
    if not 2 <= len(folders) <= 8:
        return roles
    few = {folder: _all_few([root / path for path in spread(paths, 3)]) for folder, paths in folders.items()}
    if all(few.values()) or not any(few.values()):
        return roles
    masks = tuple(path for path in roles.images if few[folder_of(path)])
    images = tuple(path for path in roles.images if not few[folder_of(path)])
    return Roles(images, masks, roles.unused)


def _all_few(paths: Sequence[Path]) -> bool:
    try:
        looks = [look_at(path) for path in paths]
    except DataError:
        return False
    return all(len(look.values) + len(look.colours) <= _FEW and not look.too_many for look in looks)
