r"""Which picture of the folder an annotation file means by a name. Only pictures that were listed are ever found.

Names in files are hostile or simply another computer's: `C:\photos\a.jpg`, `/data/upload/1/a.jpg`, `../a.jpg`.
"""

import posixpath
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from maskwright.data.names import folder_of, folder_part, shown, some, stem_of
from maskwright.errors import DataError


@dataclass(frozen=True)
class Match:
    """The picture that a name means. name: as the file has it, with plain slashes.

    fit: how well they agree, the larger the better: the whole path is this one, the name with its suffix is, how many
    folders of it agree.
    """

    path: str
    name: str
    fit: tuple[bool, bool, int]


class Pictures:
    """The pictures of a folder, to be found by path, by the end of a path, by name, or by stem."""

    def __init__(self, pictures: Sequence[str]) -> None:
        self.paths = tuple(pictures)
        self._known = frozenset(pictures)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for path in pictures:
            self._by_name[path.rpartition("/")[2]].append(path)
            self._by_stem[stem_of(path)].append(path)

    def find(self, name: str, *, near: str, where: str, part: str = "") -> Match | None:
        """Return the picture that a file in the folder `near` calls `name`; None where there is none.

        part: prefer pictures of this part. Raises DataError where several pictures fit equally well.
        """
        plain = name.replace("\\", "/").split("?", 1)[0] if "://" in name else name.replace("\\", "/")
        direct = posixpath.normpath(posixpath.join(near, plain)) if not plain.startswith("/") else ""
        for path in (direct, posixpath.normpath(plain).lstrip("/")):
            if path in self._known:
                return Match(path, posixpath.normpath(plain), (True, True, 0))
        tail = [piece for piece in PurePosixPath(plain).parts if piece not in ("..", ".", "/")]
        if not tail:
            return None
        named = self._by_name.get(tail[-1], [])
        found = self._closest(named or self._by_stem.get(stem_of(tail[-1]), []), tail[:-1], near, part, name, where)
        if found is None:
            return None
        return Match(found, posixpath.normpath(plain), (False, bool(named), _shared(folder_of(found), tail[:-1])))

    def by_stem(self, stem: str, *, near: str) -> Match | None:
        """Return the picture of this stem in the folder `near`, or the only one anywhere; None where there is none."""
        fitting = self._by_stem.get(stem, [])
        here = [path for path in fitting if folder_of(path) == near]
        chosen = here or fitting
        return Match(chosen[0], stem, (False, False, 0)) if len(chosen) == 1 else None

    def below(self, folder: str) -> list[str]:
        """Return the pictures in a folder and the folders in it."""
        return [path for path in self.paths if not folder or path.startswith(f"{folder}/")]

    def _closest(
        self, fitting: Sequence[str], folders: Sequence[str], near: str, part: str, name: str, where: str
    ) -> str | None:
        if len(fitting) < 2:
            return fitting[0] if fitting else None
        score = {path: _agreement(folder_of(path), folders, near, part) for path in fitting}
        best = max(score.values())
        closest = [path for path in fitting if score[path] == best]
        if len(closest) > 1:
            raise DataError(
                f"The name {shown(name)} fits several pictures: {some(closest)}.", where=where,
                fix="keep only those pictures in the folder that the annotations are of, or rename them",
            )  # fmt: skip
        return closest[0]


def _agreement(folder: str, folders: Sequence[str], near: str, part: str) -> tuple[int, bool, int]:
    """Say how well a picture's folder agrees with the folders of a name, with a part, and with the file's own place."""
    common = 0
    for one, other in zip(PurePosixPath(folder).parts, PurePosixPath(near).parts, strict=False):
        if one != other:
            break
        common += 1
    return _shared(folder, folders), bool(part) and folder_part(folder) == part, common


def _shared(folder: str, folders: Sequence[str]) -> int:
    """Return how many folders agree, counted from the last."""
    own = PurePosixPath(folder).parts
    shared = 0
    while shared < min(len(own), len(folders)) and own[-1 - shared] == folders[-1 - shared]:
        shared += 1
    return shared
