"""Sentences on a factor: what the score is where it is worst, and where it is best. Knows no tests."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from maskwright.metrics.intervals import Score

_THIRD = (0.30, 0.37)


class Strip(Protocol):
    """What a sentence needs of a stratum; `low` and `high` of a number, `value` of a word."""

    @property
    def score(self) -> Score: ...  # noqa: D102
    @property
    def pictures(self) -> int: ...  # noqa: D102
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102
    @property
    def value(self) -> str | None: ...  # noqa: D102


class Wording(NamedTuple):
    """How a number is spoken of: low, high: the trouble at either end; least, most: its pictures; text: a value."""

    low: str
    high: str
    least: str
    most: str
    text: Callable[[float], str]


def _percent(value: float) -> str:
    percent = 100 * value
    return f"{percent:.2g} %" if percent < 1 else f"{percent:.0f} %"


WORDINGS = {
    "object_side": Wording(
        "small objects", "large objects", "the smallest objects", "the largest objects", lambda v: f"{v:.0f} px across"
    ),
    "object_share": Wording(
        "objects small in the picture", "objects large in the picture", "the relatively smallest objects",
        "the relatively largest objects", lambda v: f"{_percent(v)} of the picture's side",
    ),
    "objects": Wording("few objects", "many objects", "the fewest objects", "the most objects", lambda v: f"{v:.0f}"),
    "foreground": Wording(
        "little foreground", "much foreground", "the least foreground", "the most foreground",
        lambda v: f"{_percent(v)} of the picture",
    ),
    "brightness": Wording(
        "dark pictures", "bright pictures", "the darkest views", "the brightest views", lambda v: f"mean grey {v:.2f}"
    ),
    "contrast": Wording(
        "little contrast", "much contrast", "the least contrast between object and background", "the most contrast",
        lambda v: f"{v:.2f}",
    ),
}  # fmt: skip


def wording(name: str) -> Wording:
    """Return how a factor is spoken of; columns of a manifest by their names."""
    column = f"low '{name}'", f"high '{name}'", f"the lowest '{name}'", f"the highest '{name}'"
    return WORDINGS.get(name) or Wording(*column, lambda value: f"{value:.4g}")


def said_of_number(name: str, bins: Sequence[Strip], measure: str) -> str:
    """Compare the pictures at both ends of a number, the worse end first.

    "small objects: Dice 0.71 in the third of pictures with the smallest objects (up to 31 px across), 0.93 in the
    third with the largest objects (from 80 px across)".
    """
    words, first, last = wording(name), bins[0], bins[-1]
    pictures = sum(one.pictures for one in bins)
    low = f"{words.least} (up to {words.text(first.high or 0.0)})"
    high = f"{words.most} (from {words.text(last.low or 0.0)})"
    ends = [(_value(first), words.low, _extent(first, pictures), low)]
    ends.append((_value(last), words.high, _extent(last, pictures), high))
    (worse, trouble, where, who), (better, _, there, others) = sorted(ends, key=lambda end: end[0])
    return f"{trouble}: {measure} {worse:.2f} in {where} with {who}, {better:.2f} in {there} with {others}"


def said_of_words(name: str, values: Sequence[Strip], measure: str) -> str:
    """Compare the worst value of a word with the best one."""
    worst, best = min(values, key=_value), max(values, key=_value)
    return (
        f"'{name}': {measure} {_value(worst):.2f} in the {worst.pictures} pictures of '{worst.value}', "
        f"{_value(best):.2f} in the {best.pictures} of '{best.value}'"
    )


def _extent(one: Strip, pictures: int) -> str:
    """Return how many of the pictures: "the third of pictures" where it is about one."""
    thirds = _THIRD[0] <= one.pictures / pictures <= _THIRD[1]
    return "the third of pictures" if thirds else f"the {one.pictures} of {pictures} pictures"


def _value(one: Strip) -> float:
    return 0.0 if one.score.value is None else one.score.value
