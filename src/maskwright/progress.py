"""How work reports that it goes on: one event type, handed to a callable that came from outside.

Workflows report, edges draw. Nothing here prints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """One step of a stage, or a remark.

    stage: what is being done ("read", "pack", "train", "score", ...).
    done, total: how many units of it; total 0 means that the number is not known.
    values: numbers of interest now (loss, dice, seconds_left, ...).
    text: a sentence for the user; with done = total = 0 it is a remark that stays on the screen.
    """

    stage: str
    done: int = 0
    total: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    text: str = ""


Progress = Callable[[Step], None]


def ignore(step: Step) -> None:
    """Take no notice: the default wherever a Progress is asked for."""
