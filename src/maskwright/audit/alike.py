"""Which pictures may show the same, out of very many, without comparing all pairs.

Landmarks whose codes are nearly equal lie close together when all codes are sorted, at least by one of a few orders of
their bytes. Memory grows with the pictures, not with their pairs: some 150 bytes a landmark, a few pairs a picture.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

_ORDERS = ((0, 1, 2, 3), (2, 3, 0, 1), (1, 2, 3, 0), (3, 0, 1, 2), (0, 2, 1, 3), (1, 3, 0, 2))  # of the upper bytes
_NEIGHBOURS = 12  # in a sorted order with which a code is compared
_BITS = 10  # of 64 in which codes of the same place may differ
_UNIT = 12  # a code that is nearly equal to one other counts so much, and the more so the fewer bits differ
_SCORE = 100  # a pair is likely from here on
_PAIRS = 8  # of each picture, the best ones
_KEPT = 40  # pairs for each picture that are remembered while they are counted


def same_groups(digests: NDArray[np.uint8]) -> list[list[int]]:
    """Return the rows of equal digests, (n, 16), where there are several; zeros count as unknown."""
    if not len(digests):
        return []
    words = np.ascontiguousarray(digests).view(np.uint64)
    order = np.lexsort((words[:, 0], words[:, 1]))
    equal = (words[order[1:]] == words[order[:-1]]).all(axis=1) & words[order[1:]].any(axis=1)
    union = Union()
    for at in np.flatnonzero(equal):
        union.join(int(order[at]), int(order[at + 1]))
    return [list(rows) for rows in union.families()]


def likely_pairs(codes: NDArray[np.uint64], owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (n, 2) numbers of pictures, the lower first, that share landmarks; the likeliest pairs first.

    codes: (m,) of all landmarks; owners: (m,) the number of the picture of each.
    """
    pictures = len(np.unique(owners))
    pairs, scores = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if pictures < 2:
        return np.zeros((0, 2), np.int64)
    least = int(owners.max()) + 1
    raw = codes.astype(">u8").view(np.uint8).reshape(-1, 8)
    for order in _ORDERS:
        keys = np.ascontiguousarray(raw[:, [*order, 4, 5, 6, 7]]).view(">u8")[:, 0].astype(np.uint64)
        by_key = np.argsort(keys, kind="stable")
        sorted_codes, sorted_owners = codes[by_key], owners[by_key]
        common = _how_common(sorted_codes, sorted_owners)
        for step in range(1, _NEIGHBOURS + 1):
            first, score = _close(sorted_codes, sorted_owners, step)
            score = score * _UNIT // np.maximum(common[first], common[first + step])
            a, b = sorted_owners[first], sorted_owners[first + step]
            more = np.minimum(a, b) * least + np.maximum(a, b)
            pairs, scores = _added(np.concatenate([pairs, more]), np.concatenate([scores, score]))
        best = np.argsort(-scores, kind="stable")[: _KEPT * pictures]
        pairs, scores = pairs[best], scores[best]
    likely = scores >= _SCORE
    return _best_of_each(np.stack([pairs[likely] // least, pairs[likely] % least], 1), scores[likely])


def _how_common(codes: NDArray[np.uint64], owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many neighbours of each sorted code are nearly equal to it: what is on many pictures tells little."""
    common = np.zeros(len(codes), np.int64)
    for step in range(1, _NEIGHBOURS + 1):
        first, _ = _close(codes, owners, step)
        common[first] += 1
        common[first + step] += 1
    return common


def _close(
    codes: NDArray[np.uint64], owners: NDArray[np.int64], step: int
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return which codes are nearly equal to those `step` further, of another owner, and how nearly: 1 and more."""
    differing = count_bits(codes[step:] ^ codes[:-step])
    close = np.flatnonzero((differing <= _BITS) & (owners[step:] != owners[:-step]))
    return close, _BITS + 1 - differing[close].astype(np.int64)


def _added(pairs: NDArray[np.int64], scores: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each pair once, with the sum of its scores."""
    if not len(pairs):
        return pairs, scores
    order = np.argsort(pairs, kind="stable")
    pairs, scores = pairs[order], scores[order]
    starts = np.flatnonzero(np.append(True, pairs[1:] != pairs[:-1]))
    return pairs[starts], np.add.reduceat(scores, starts)


def _best_of_each(pairs: NDArray[np.int64], scores: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs that are among the best few of one of their two pictures."""
    kept = np.zeros(len(pairs), bool)
    for side in (0, 1):
        order = np.lexsort((-scores, pairs[:, side]))
        owner = pairs[order, side]
        starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])) if len(owner) else np.zeros(0, np.int64)
        rank = np.arange(len(owner)) - np.repeat(starts, np.diff(np.append(starts, len(owner))))
        kept[order[rank < _PAIRS]] = True
    return pairs[kept][np.argsort(-scores[kept], kind="stable")]


def count_bits(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return how many bits of each word are set."""
    words = words - ((words >> np.uint64(1)) & np.uint64(0x5555555555555555))
    words = (words & np.uint64(0x3333333333333333)) + ((words >> np.uint64(2)) & np.uint64(0x3333333333333333))
    words = (words + (words >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    bits: NDArray[np.uint8] = ((words * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.uint8)
    return bits


class Union:
    """Numbers that were joined, directly or through others, belong to one family."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def top(self, i: int) -> int:
        """Return the number that stands for the family of i: its lowest."""
        parent = self._parent
        while parent.get(i, i) != i:
            parent[i] = parent.get(parent[i], parent[i])
            i = parent[i]
        return i

    def join(self, first: int, second: int) -> bool:
        """Join two families; return whether they were two."""
        low, high = sorted((self.top(first), self.top(second)))
        self._parent.setdefault(low, low)
        self._parent[high] = low
        return low != high

    def families(self) -> list[tuple[int, ...]]:
        """Return all families of more than one, by their lowest number, each sorted."""
        found: dict[int, list[int]] = defaultdict(list)
        for i in sorted(self._parent):
            found[self.top(i)].append(i)
        return [tuple(rows) for rows in found.values()]
