"""Turns a recipe's `auto` into numbers, each with its reason. Costs are measured elsewhere and handed in.

Two steps: first how pictures reach the network (`plan_view`), then, once that network has been timed, how long to
train (`plan_length`). Never imports torch.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from maskwright.errors import ConfigError
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

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with schema_version."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Plan":
        """Undo `to_json`. Raises KeyError or TypeError for something else."""
        values = {name: content[name] for name in Plan.__dataclass_fields__}
        values |= {"size": tuple(values["size"]), "epochs": tuple(values["epochs"])}
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


def plan_batch(recipe: Recipe, facts: Facts) -> tuple[int, str]:
    """Choose how many pictures make a step."""
    if recipe.training.batch_size != "auto":
        return recipe.training.batch_size, "stated"
    if facts.pictures >= 64:
        return 16, "usual"
    return (8, "few pictures: smaller steps, more of them") if facts.pictures >= 16 else (4, "very few pictures")


def plan_length(
    recipe: Recipe,
    facts: Facts,
    view: View,
    *,
    batch_size: int,
    pretrained: bool,
    step_seconds: float,
    validation_seconds: float,
    minutes: float | None,
) -> tuple[tuple[int, ...], int, int, float, str]:
    """Choose the epochs of each phase: (epochs, steps an epoch, tiles an epoch, expected seconds, reason).

    step_seconds: of one training step, measured. validation_seconds: of one validation. minutes: for all of the fit;
    where every phase states its epochs they are shared out anew, in the same proportion.
    """
    tiles = _tiles(facts, view, batch_size) if view.mode == "tile" else 0
    steps = max(1, round((tiles or facts.pictures) / batch_size))
    epoch_seconds = steps * step_seconds + validation_seconds
    phases = recipe.training.phases
    open_phases = [phase for phase in phases if phase.epochs == "auto"]
    if minutes is not None and not open_phases:
        stated = [int(phase.epochs) for phase in phases]
        epochs = share_epochs(int(minutes * 60 / epoch_seconds), stated)
        reason = f"the recipe's {' + '.join(map(str, stated))}, shared out over {minutes:g} minutes"
        return epochs, steps, tiles, sum(epochs) * epoch_seconds, f"{reason} at {epoch_seconds:.1f} s an epoch"
    least = LEAST_STEPS if pretrained else LEAST_STEPS_FROM_SCRATCH
    total, reason = max(8, math.ceil(least / steps)), f"about {least} steps of {batch_size} suffice as a rule"
    if minutes is not None:
        fixed = sum(int(phase.epochs) for phase in phases if phase.epochs != "auto")
        fitting = int(minutes * 60 / epoch_seconds) - fixed
        total, reason = max(1, fitting), f"what fits into {minutes:g} minutes at {epoch_seconds:.1f} s an epoch"
    each = max(1, round(total / max(1, len(open_phases))))
    epochs = tuple(each if phase.epochs == "auto" else int(phase.epochs) for phase in phases)
    if not open_phases:
        reason = "stated"
    return epochs, steps, tiles, sum(epochs) * epoch_seconds, reason


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
        f"about {_duration(plan.expected_seconds)}",
    )
    return " | ".join(parts)


def _number(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


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
