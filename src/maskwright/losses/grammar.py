"""The text of a loss: `0.7*dice(smooth=1)+0.3*focal(gamma=2, alpha=0.25)`.

Knows how to read it against a table of names and their options, not what any of them computes.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from maskwright.errors import ConfigError

_LARGEST = 1e30  # what float32 can hold, with room for products
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TERM = re.compile(rf"\s*(?:({_NUMBER})\s*\*\s*)?([A-Za-z]\w*)\s*(?:\(([^()]*)\))?\s*")
_OPTION = re.compile(rf"\s*(\w+)\s*=\s*([-+]?{_NUMBER})\s*")


@dataclass(frozen=True)
class Option:
    """A number that a loss can be told: low <= value < high. default: None leaves it out of the formula."""

    default: float | None
    low: float = 0.0
    high: float = math.inf
    about: str = ""

    @property
    def allowed(self) -> str:
        """The allowed values, in words.

        >>> Option(2).allowed, Option(0.1, high=0.5).allowed
        ('0 or more', 'at least 0 and less than 0.5')
        """
        if math.isinf(self.high):
            return f"{self.low:g} or more"
        return f"at least {self.low:g} and less than {self.high:g}"


Known = Mapping[str, Mapping[str, Option]]


@dataclass(frozen=True)
class Term:
    """One summand. options: those that were stated."""

    weight: float
    name: str
    options: Mapping[str, float] = field(default_factory=dict)


def read_terms(text: str, known: Known) -> list[Term]:
    """Read a loss: terms joined by +, each with a weight in front and options in brackets if wanted.

    known: the options of each loss, by name. Weights are >= 0 and not all of them 0. Raises ConfigError.
    """
    terms, at = [], 0
    while True:
        found = _TERM.match(text, at)
        if found is None:
            _refuse(text, at)
        weight, name, options = found.groups()
        at = found.end()
        if at < len(text) and text[at] == "-":
            _refuse_hyphen(text, at, name, known)
        if name not in known:
            raise ConfigError(f"Unknown loss '{name}'.", where=f"loss: {text}", fix=_nearest(name.lower(), list(known)))
        terms.append(Term(_finite(weight or "1", text), name, _options(options or "", name, known[name], text)))
        if at == len(text):
            break
        if text[at] != "+":
            _refuse(text, at)
        at += 1
    if not any(term.weight > 0 for term in terms):
        raise ConfigError("Every weight of the loss is zero.", where=f"loss: {text}", fix="give a weight above 0")
    return terms


def _options(text: str, name: str, known: Mapping[str, Option], whole: str) -> dict[str, float]:
    stated: dict[str, float] = {}
    for part in text.split(",") if text.strip() else ():
        found = _OPTION.fullmatch(part)
        if found is None:
            raise ConfigError(
                f"Cannot read '{part.strip()}' among the options of '{name}'.",
                where=f"loss: {whole}",
                fix="write NAME=NUMBER, with commas between",
            )
        key, value = found[1], _finite(found[2], whole)
        if key not in known:
            raise ConfigError(
                f"The loss '{name}' has no option '{key}'.", where=f"loss: {whole}", fix=_nearest(key, list(known))
            )
        if key in stated:
            raise ConfigError(f"'{key}' is stated twice.", where=f"loss: {whole}", fix="leave one of them out")
        option = known[key]
        if not option.low <= value < option.high:
            raise ConfigError(
                f"'{key}' of '{name}' cannot be {value:g}.", where=f"loss: {whole}", fix=f"give {option.allowed}"
            )
        stated[key] = value
    return stated


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}" if known else "it has none: leave the brackets out"


def _finite(number: str, text: str) -> float:
    value = float(number)
    if not abs(value) < _LARGEST:
        raise ConfigError(f"{number} is too large a number.", where=f"loss: {text}", fix="give a smaller one")
    return value


def _refuse_hyphen(text: str, at: int, name: str, known: Known) -> NoReturn:
    """Say of `log-dice` that it is written with an underscore, and of `dice-iou` that losses are not subtracted."""
    following = re.match(r"-([A-Za-z]\w*)", text[at:])
    joined = f"{name}_{following[1]}" if following else ""
    if joined in known:
        raise ConfigError(
            f"Unknown loss '{joined.replace('_', '-')}'.", where=f"loss: {text}", fix=f"did you mean '{joined}'?"
        )
    _refuse(text, at)


def _refuse(text: str, at: int) -> NoReturn:
    if text[at:].lstrip().startswith("-"):
        raise ConfigError(
            "The terms of a loss are added, never subtracted: a loss that falls below zero has no best value.",
            where=f"loss: {text}",
            fix="write + and weights of 0 or more, for example 0.7*dice+0.3*jaccard",
        )
    raise ConfigError(
        f"Cannot read the loss '{text}'.",
        where=f"loss, at '{text[at:].strip()}'" if text[at:].strip() else "loss, at its end",
        fix="write for example 0.7*dice+0.3*bce, or focal(gamma=2)",
    )
