"""Patterns of paths ("photos/**/*.jpg"): where they begin, and which paths below there are meant.

As shells have it: `*`, `?` and `[...]` stay within a name, `**` is any number of folders, and with a folder all that
lies below it is meant. Knows only text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

_MAGIC = re.compile(r"[*?\[]")
_DEEP = "**"


def is_pattern(text: str) -> bool:
    """Whether a text may mean several paths."""
    return _MAGIC.search(text) is not None


@dataclass(frozen=True)
class Pattern:
    """What follows the fixed beginning of a pattern, a name or `**` a part."""

    parts: tuple[str, ...]

    def matches(self, path: str) -> bool:
        """Whether a path below the beginning is meant, or a folder above it."""
        return any(len(self.parts) in reached for reached in self._follow(path))

    def may_hold(self, folder: str) -> bool:
        """Whether something below a folder may be meant."""
        reached: frozenset[int] = frozenset()
        for reached in self._follow(folder):
            if len(self.parts) in reached:
                return True
        return bool(reached)

    def _follow(self, path: str) -> Iterator[frozenset[int]]:
        """Yield, for each name of a path, how many parts may have been used up with it."""
        reached = self._with_none({0})
        for name in path.split("/"):
            reached = self._with_none({after for at in reached for after in self._after(at, name)})
            yield reached

    def _after(self, at: int, name: str) -> tuple[int, ...]:
        if at == len(self.parts):
            return ()
        if self.parts[at] == _DEEP:
            return (at,)
        return (at + 1,) if fnmatch(name, self.parts[at]) else ()

    def _with_none(self, reached: set[int]) -> frozenset[int]:
        """Let each `**` that comes next stand for no folder too."""
        for at in range(len(self.parts)):
            if at in reached and self.parts[at] == _DEEP:
                reached.add(at + 1)
        return frozenset(reached)


def split_pattern(parts: Sequence[str]) -> tuple[tuple[str, ...], Pattern]:
    """Split the parts of a path before the first that is a pattern.

    >>> split_pattern(("photos", "2024", "**", "*.jpg"))
    (('photos', '2024'), Pattern(parts=('**', '*.jpg')))
    """
    fixed = next(at for at, part in enumerate((*parts, "*")) if is_pattern(part))
    return tuple(parts[:fixed]), Pattern(tuple(parts[fixed:]))
