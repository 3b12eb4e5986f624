"""Turns a recipe's `auto` into numbers, each with its reason. Costs are measured elsewhere and handed in.

Two steps: first how pictures reach the network (`plan_view`), then, once that network has been timed, how long to
train (`plan_length`). Never imports torch.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from maskwright.errors import ConfigError
from maskwright.planning.clock import fit_lengths
from maskwright.planning.costs import Costs
from maskwright.planning.facts import Facts
from maskwright.recipe import Phase, Recipe

SCHEMA_VERSION = 1
MULTIPLE = 32
SIZES = (192, 256, 320, 384, 512)  # sides of a whole picture, tried in this order
FINEST = 4.0  # pixels that the finest class should keep at the network's size
LEAST_STEPS = 450  # of the optimizer, with pretrained weights
LEAST_STEPS_FROM_SCRATCH = 900
TILE = 256


@dataclass(frozen=True)
class View:
    """How pictures reach the network. size: (H, W) of its input; overlap: of tiles, in pixels; reasons: by key."""

    mode: str
    size: tuple[int, int]
    scale: float
    overlap: int
    reasons: Mapping[str, str]


def view_like(plan: "Plan") -> View:
    """Return the view of an earlier fold: folds must see pictures alike to be one model file."""
    return View(plan.mode, plan.size, plan.scale, plan.overlap, dict.fromkeys(("mode", "size"), "as in the first fold"))


@dataclass(frozen=True)
class Plan:
    """Everything `auto` became. Written once as plan.json; a resumed run reads it and probes nothing.

    epochs: of each phase. steps: of the optimizer in an epoch. tiles_per_epoch: 0 in mode whole.
    step_seconds: measured, of one training step. expected_seconds: of the whole fit. reasons: by key.
    decoder_channels: where the plan chose them; None: as the recipe says. candidate: the set-up that was chosen, empty
    where the recipe leaves no choice. With minutes also costs: measured here; forecast: seconds of the whole command
    by what they go into; memory: expected peak in bytes.
    """

    mode: str
    size: tuple[int, int]
    scale: float
    overlap: int
    encoder: str
    weights: str
    batch_size: int
    epochs: tuple[int, ...]
    steps: int
    tiles_per_epoch: int
    precision: str
    device: str
    value_range: float
    step_seconds: float
    expected_seconds: float
    reasons: Mapping[str, str]
    decoder_channels: tuple[int, ...] | None = None
    candidate: str = ""
    costs: Costs | None = None
    forecast: Mapping[str, float] = field(default_factory=dict)
    memory: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with schema_version."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Plan":
        """Undo `to_json`. Raises KeyError or TypeError for something else."""
        values = {name: content[name] for name in Plan.__dataclass_fields__ if name in content}
        values |= {"size": tuple(values["size"]), "epochs": tuple(values["epochs"])}
        if values.get("decoder_channels") is not None:
            values["decoder_channels"] = tuple(values["decoder_channels"])
        if values.get("costs") is not None:
            values["costs"] = Costs(**{**values["costs"], "steps": tuple(values["costs"]["steps"])})
        return Plan(**values)

    def for_pictures(self, before: int, after: int) -> "Plan":
        """Return the plan for another number of training pictures: the same but for what an epoch holds."""
        tiles = round(self.tiles_per_epoch * after / before)
        steps = max(1, round((tiles or after) / self.batch_size))
        expected = self.expected_seconds * steps / self.steps
        return replace(self, tiles_per_epoch=tiles, steps=steps, expected_seconds=expected)

    def phases(self, recipe: Recipe) -> tuple[Phase, ...]:
        """Return the recipe's phases with their epochs filled in."""
        return tuple(
            phase.model_copy(update={"epochs": epochs})
            for phase, epochs in zip(recipe.training.phases, self.epochs, strict=True)
        )


def plan_view(recipe: Recipe, facts: Facts) -> View:
    """Choose between whole pictures and tiles, and the network's size. Raises ConfigError for a scale without tiles."""
    mode, stated = recipe.model.mode, recipe.model.size
    whole = _whole_side(facts)
    at_full = f"{facts.thickness:.0f} px wide at {facts.width}x{facts.height}"
    finest = f"the finest class, {facts.thin_class!r}, is about {at_full}"
    if mode == "auto" and stated != "auto":
        mode, why_mode = "whole", "a size was stated"
    elif mode == "auto":
        mode = "whole" if whole is not None else "tile"
        kept = "still wide enough" if mode == "whole" else "too fine"
        why_mode = f"{finest}: {kept} when the picture is resized as a whole"
    else:
        why_mode = "stated"
    if stated != "auto":
        height, width = (stated, stated) if isinstance(stated, int) else stated
        size, why_size = (height, width), "stated"
    elif mode == "tile":
        side = min(TILE, _up(max(facts.height, facts.width)))
        size, why_size = (side, side), "tiles of the pictures at their own resolution"
    else:
        side = whole or SIZES[-1]
        size = _with_aspect(side, facts)
        at = facts.thickness * math.sqrt(size[0] * size[1] / (facts.height * facts.width))
        why_size = f"{finest}, and {at:.0f} px at this size" if facts.thickness < 1e8 else "no mask shows an object"
    if mode == "whole" and recipe.model.scale != 1:
        raise ConfigError("A scale is for tiles; here pictures are seen whole.", where="model.scale", fix="mode: tile")
    scale = recipe.model.scale if mode == "tile" else 1.0
    overlap = min(size) // 4 if mode == "tile" else 0
    return View(mode, size, scale, overlap, {"mode": why_mode, "size": why_size})


def finer_view(view: View, facts: Facts) -> View | None:
    """Return the next larger size, None for tiles and where pictures are no larger than that."""
    own = math.sqrt(facts.height * facts.width)
    side = math.sqrt(view.size[0] * view.size[1])
    larger = next((each for each in SIZES if each > 1.1 * side and each <= own), None)
    if view.mode == "tile" or larger is None:
        return None
    reason = f"finer than pictures and masks ask for, which is {view.size[0]}x{view.size[1]}"
    return replace(view, size=_with_aspect(larger, facts), reasons={**view.reasons, "size": reason})


def plan_batch(recipe: Recipe, facts: Facts) -> tuple[int, str]:
    """Choose how many pictures make a step."""
    if recipe.training.batch_size != "auto":
        return recipe.training.batch_size, "stated"
    if facts.pictures >= 64:
        return 16, "usual"
    return (8, "few pictures: smaller steps, more of them") if facts.pictures >= 16 else (4, "very few pictures")


def plan_steps(facts: Facts, view: View, batch_size: int) -> tuple[int, int]:
    """Return the steps of an epoch and its tiles (0 for whole pictures)."""
    tiles = _tiles(facts, view, batch_size) if view.mode == "tile" else 0
    return max(1, round((tiles or facts.pictures) / batch_size)), tiles


def plan_length(
    recipe: Recipe,
    *,
    steps: int,
    batch_size: int,
    pretrained: bool,
    epoch_seconds: Sequence[float],
    fit_seconds: float | None = None,
) -> tuple[tuple[int, ...], str]:
    """Choose the epochs of each phase: (epochs, reason).

    steps: of the optimizer in an epoch. epoch_seconds: measured, of each phase, validation included. fit_seconds: what
    there is for all epochs; where every phase states its own they are shared out anew, in the same proportion. A phase
    without any means that not even one epoch of each fits.
    """
    phases = recipe.training.phases
    stated = [0 if phase.epochs == "auto" else int(phase.epochs) for phase in phases]
    if fit_seconds is not None:
        return _fitting(stated, epoch_seconds, fit_seconds)
    if all(stated):
        return tuple(stated), "stated"
    least = LEAST_STEPS if pretrained else LEAST_STEPS_FROM_SCRATCH
    each = max(1, round(max(8, math.ceil(least / steps)) / stated.count(0)))
    return tuple(number or each for number in stated), f"about {least} steps of {batch_size} suffice as a rule"


def _fitting(stated: Sequence[int], epoch_seconds: Sequence[float], seconds: float) -> tuple[tuple[int, ...], str]:
    """Return what fits: phases that state no epochs share what those that do leave over."""
    words = " + ".join(f"{cost:.1f} s" for cost in dict.fromkeys(epoch_seconds))
    rest = f"what fits into {clock_words(seconds)} of training at {words} an epoch"
    if all(stated):
        return fit_lengths(stated, epoch_seconds, seconds), f"the recipe's {' + '.join(map(str, stated))}: {rest}"
    fixed = sum(number * cost for number, cost in zip(stated, epoch_seconds, strict=True))
    shared = fit_lengths([0 if number else 1 for number in stated], epoch_seconds, seconds - fixed)
    return tuple(number or more for number, more in zip(stated, shared, strict=True)), rest


def share_epochs(total: int, stated: Sequence[int]) -> tuple[int, ...]:
    """Share out `total` epochs in the proportion of those that were stated, at least one each.

    >>> share_epochs(16, [100, 100]), share_epochs(5, [10, 30]), share_epochs(1, [10, 30])
    ((8, 8), (1, 4), (1, 1))
    """
    whole = sum(stated)
    ends = [round(total * sum(stated[: at + 1]) / whole) for at in range(len(stated))]
    return tuple(max(1, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True))


def describe(plan: Plan) -> str:
    """Say in one line what was planned."""
    how = "whole picture" if plan.mode == "whole" else f"tiles, scale {plan.scale:g}, overlap {plan.overlap} px"
    parts = (
        f"{plan.size[0]}x{plan.size[1]} {how}",
        f"{plan.encoder}, weights {plan.weights}",
        f"{plan.precision} on {plan.device}",
        f"batch {plan.batch_size}, {_number(sum(plan.epochs), 'epoch')} of {_number(plan.steps, 'step')}",
        f"about {clock_words(sum(plan.forecast.values()) or plan.expected_seconds)}",
    )
    memory = [f"{plan.memory / 1e9:.1f} GB"] if plan.memory else []
    return " | ".join([*parts, *memory])


def _number(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def clock_words(seconds: float) -> str:
    """Say how long: "48 s", "2.5 min", "34 min"."""
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 600 else f"{seconds / 60:.0f} min"


def _whole_side(facts: Facts) -> int | None:
    """Return the smallest side at which the finest class stays wide enough; None if none does."""
    own = math.sqrt(facts.height * facts.width)
    for side in SIZES:
        if facts.thickness * side / own >= FINEST:
            return min(side, max(MULTIPLE, round(own / MULTIPLE) * MULTIPLE))
        if side >= own:
            return None if own > TILE else max(MULTIPLE, round(own / MULTIPLE) * MULTIPLE)
    return None


def _with_aspect(side: int, facts: Facts) -> tuple[int, int]:
    """Give a side the pictures' aspect where they share one, keeping the area."""
    if not facts.aspects_agree:
        return side, side
    ratio = math.sqrt(facts.height / facts.width)
    return tuple(max(MULTIPLE, round(s / MULTIPLE) * MULTIPLE) for s in (side * ratio, side / ratio))  # type: ignore[return-value]


def _tiles(facts: Facts, view: View, batch_size: int) -> int:
    """Count the tiles that cover the pictures once, at least a batch."""
    area = facts.height * facts.width * view.scale**2
    each = max(1, round(area / (view.size[0] * view.size[1])))
    return max(batch_size, facts.pictures * each)


def _up(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE
