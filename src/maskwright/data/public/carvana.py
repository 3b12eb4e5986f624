"""How Carvana names its pictures: twelve signs for a car, then one of its 16 views; and how to group by car."""

import re
from collections.abc import Iterable

CAR = r"^([0-9a-f]{12})_\d\d"  # a grouping rule: whatever follows, such as _mask or a number of one's own, is the car's
_VIEW = re.compile(r"[0-9a-f]{12}_(0[1-9]|1[0-6])")


def are_views(stems: Iterable[str]) -> bool:
    """Whether every name is that of a view of a car."""
    return all(_VIEW.fullmatch(stem) for stem in stems)
