"""What each set-up that a recipe leaves open would take here: time and memory, rehearsed on a few of the pictures.

A network is rehearsed at one size; another size takes its share of pixels.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.planning.candidates import Candidate, candidates_for
from maskwright.planning.costs import MARGIN, Costs, Counts, Forecast, forecast, seconds_for_fit
from maskwright.planning.facts import Facts
from maskwright.planning.plan import View, finer_view, plan_length, plan_steps
from maskwright.recipe import Recipe
from maskwright.runs.choosing import Choice, build, choose_precision, usual_weights
from maskwright.runs.excerpt import Excerpt, make_excerpt, timed
from maskwright.runs.rehearsal import Rehearsed, Stage, rehearse
from maskwright.runs.work import Indices, Work, counts_of

if TYPE_CHECKING:
    from torch import nn

    from maskwright.models.build import NetworkFacts

AS_STATED = "as the recipe says"
KEPT = 1.2  # of a rehearsal's memory: the model file and scoring come on top of what training keeps
SHARE = 0.05  # of the minutes: once that is spent on rehearsals, no further network is tried


@dataclass(frozen=True)
class Setting:
    """What is planned for, whichever network it becomes. train, val: rows. batch_size: pictures of a step."""

    facts: Facts
    view: View
    batch_size: int
    train: Indices
    val: Indices


@dataclass(frozen=True)
class Option:
    """One set-up.

    precision: and why. tiles: of an epoch. memory: expected peak in bytes, None where nothing says it. chosen_seconds:
    what building it and choosing its precision takes: a training without minutes does no more of all this.
    """

    candidate: Candidate
    weights: str
    view: View
    precision: tuple[str, str]
    costs: Costs
    counts: Counts
    tiles: int
    memory: float | None
    chosen_seconds: float = 0.0

    def epochs(self, recipe: Recipe, batch_size: int, fit_seconds: float | None = None) -> tuple[tuple[int, ...], str]:
        """Return the epochs that are advised, or that fit into the seconds, and why."""
        return plan_length(
            recipe, steps=self.counts.steps, batch_size=batch_size, pretrained=self.weights != "none",
            epoch_seconds=self.costs.epochs(self.counts), fit_seconds=fit_seconds,
        )  # fmt: skip

    def ahead(self, epochs: tuple[int, ...], begin: float) -> Forecast:
        """Return what the whole command takes with so many epochs, `begin` seconds of it up to the plan."""
        return forecast(self.costs, self.counts, epochs, begin=begin)

    def fit_seconds(self, minutes: float, begin: float) -> float:
        """Return what `minutes` leave for the epochs of each of its trainings."""
        none = self.ahead((0,) * len(self.costs.steps), begin)
        return seconds_for_fit(minutes, none) / (self.counts.folds + 1)

    def least_minutes(self, begin: float) -> float:
        """Return in how many minutes one epoch of each phase fits."""
        once = self.ahead((1,) * len(self.costs.steps), begin)
        return (once.seconds + once.fit * MARGIN / (1 - MARGIN)) / 60


def survey(work: Work, setting: Setting, choice: Choice | None) -> list[Option]:
    """Rehearse what is open, the cheapest network first; or the one of `choice`.

    With minutes no further network is tried once a share of them is spent. Raises as `rehearse`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        excerpt = make_excerpt(work, setting.view, setting.train, Path(scratch))
        if choice is None:
            return list(_open(work, setting, excerpt))
        seconds, precision = timed(partial(_precision, work, setting, choice.network))
        found = _rehearsed(work, setting, choice.network, choice.facts, precision[0], excerpt)
        stated = Candidate(AS_STATED, choice.encoder, choice.decoder_channels, finer=False)
        return [replace(_option(work, setting, stated, choice.weights, precision, found), chosen_seconds=seconds)]


def _open(work: Work, setting: Setting, excerpt: Excerpt) -> Iterator[Option]:
    found: dict[tuple[str, tuple[int, ...] | None], Rehearsed] = {}
    begun, precision, chosen = time.monotonic(), ("", ""), 0.0
    first: Rehearsed | None = None
    for one in candidates_for(work.recipe):
        key = (one.encoder, one.decoder_channels)
        view = finer_view(setting.view, setting.facts) if one.finer else setting.view
        late = work.minutes is not None and time.monotonic() - begun > SHARE * work.minutes * 60
        if view is None or (late and found and key not in found):
            continue
        weights = usual_weights(one.encoder)
        if key not in found:
            building = partial(build, work, one.encoder, weights, decoder=one.decoder_channels, load=False)
            built_in, (network, facts) = timed(building)
            if first is None:
                probed_in, precision = timed(partial(_precision, work, setting, network))
                chosen = built_in + probed_in
            found[key] = _rehearsed(work, setting, network, facts, precision[0], excerpt, first)
            first = first or found[key]
        option = _option(work, setting, one, weights, precision, found[key])
        if first is not None:  # the probe of another network takes as much longer as its steps
            option = replace(option, chosen_seconds=chosen * max(found[key].costs.steps) / max(first.costs.steps))
        yield option if view is setting.view else _at(option, view)


def _rehearsed(
    work: Work,
    setting: Setting,
    network: "nn.Module",
    facts: "NetworkFacts",
    precision: str,
    excerpt: Excerpt,
    other: Rehearsed | None = None,
) -> Rehearsed:
    import torch

    network.to(torch.device(work.device), memory_format=torch.channels_last)  # type: ignore[call-overload]
    stage = Stage(setting.view, setting.batch_size, precision, setting.facts.value_range)
    return rehearse(work, network, facts, stage, excerpt, other)


def _precision(work: Work, setting: Setting, network: "nn.Module") -> tuple[str, str]:
    import torch

    shape = (setting.batch_size, setting.facts.bands, *setting.view.size)
    precision, _, why = choose_precision(work, network, torch.device(work.device), shape)
    return precision, why


def _option(
    work: Work, setting: Setting, candidate: Candidate, weights: str, precision: tuple[str, str], found: Rehearsed
) -> Option:
    steps, tiles = plan_steps(setting.facts, setting.view, setting.batch_size)
    counts = counts_of(work, len(setting.train), len(setting.val), steps)
    memory: float | None = found.memory
    if memory is not None and work.device == "cpu":
        memory = KEPT * memory + found.packed * (len(setting.train) + len(setting.val))
    return Option(candidate, weights, setting.view, precision, found.costs, counts, tiles, memory)


def _at(option: Option, view: View) -> Option:
    """Return the same network at another size: seconds go with the pixels."""
    ratio = view.size[0] * view.size[1] / (option.view.size[0] * option.view.size[1])
    return replace(option, view=view, costs=option.costs.faster(ratio))
