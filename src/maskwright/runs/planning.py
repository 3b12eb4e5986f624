"""The plan of a training: facts, view, network, precision and length, put together once and written down."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from maskwright.errors import ConfigError
from maskwright.planning.candidates import best_first, candidates_for
from maskwright.planning.costs import Costs, Counts, Forecast, forecast, seconds_for_fit
from maskwright.planning.facts import Facts, gather_facts
from maskwright.planning.plan import Plan, clock_words, plan_batch, plan_length, plan_steps, plan_view, view_like
from maskwright.runs.choosing import Choice, choose_candidate, choose_network, choose_precision
from maskwright.runs.survey import Option, Setting, survey
from maskwright.runs.work import MIN_VALIDATION, Indices, Work, counts_of

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Planned:
    """A plan, the network it is for, and the facts it rests on."""

    plan: Plan
    choice: Choice
    facts: Facts


def make_plan(work: Work, train: Indices, val: Indices, device: "torch.device") -> Planned:
    """Choose everything that the recipe leaves open; with minutes, the best that fits into them.

    Raises ConfigError where not even one epoch fits, and as `choose_network`.
    """
    from maskwright.training.fast_layers import told_of_layers

    if work.facts is None:
        facts = gather_facts(work.dataset, train, work.progress)
    else:
        facts = replace(work.facts, pictures=len(train))
    view = plan_view(work.recipe, facts) if work.like is None else view_like(work.like)
    if work.like is not None:
        facts = replace(facts, value_range=work.like.value_range)
    batch_size, why_batch = plan_batch(work.recipe, facts)
    setting = Setting(facts, view, batch_size, train, val)
    if work.minutes is not None and work.like is None:
        planned = _in_time(work, setting, work.minutes)
    else:
        planned = _at_once(work, setting, device)
    reasons = {
        **planned.plan.reasons, "padding": planned.choice.facts.why, "batch_size": why_batch,
        "validation": _why_validation(len(val)), "layers": told_of_layers(device),
    }  # fmt: skip
    return replace(planned, plan=replace(planned.plan, reasons=reasons))


def seconds_left(work: Work, costs: Costs, counts: Counts) -> float:
    """Return what is left of the minutes for the epochs of the training at hand, once its pictures are packed."""
    none = forecast(costs, counts, [0] * len(costs.steps), begin=work.elapsed)
    return seconds_for_fit(work.minutes or 0.0, replace(none, pack=0.0)) / work.trainings


def _why_validation(pictures: int) -> str:
    if pictures >= MIN_VALIDATION:
        return f"the best epoch, the threshold and a temperature are chosen on {pictures} validation pictures"
    kept = "the last epoch is kept, the threshold is 0.5, the temperature 1"
    return f"{pictures} validation pictures are too few to choose by: {kept}"


def _at_once(work: Work, setting: Setting, device: "torch.device") -> Planned:
    """Plan with one network and the probe of its precision; later folds take over what the first one measured."""
    choice, facts, view, batch_size = choose_network(work), setting.facts, setting.view, setting.batch_size
    shape = (batch_size, facts.bands, *view.size)
    precision, seconds, why_precision = choose_precision(work, choice.network, device, shape)
    steps, tiles = plan_steps(facts, view, batch_size)
    costs, fit_seconds = None if work.like is None else work.like.costs, None
    if costs is not None:
        counts = counts_of(work, len(setting.train), len(setting.val), steps)
        each, fit_seconds = costs.epochs(counts), seconds_left(work, costs, counts)
    else:
        views = 1.0 if view.mode == "whole" else facts.height * facts.width / (view.size[0] * view.size[1])
        epoch = steps * seconds + 0.3 * seconds * len(setting.val) * views / batch_size
        each = (epoch,) * len(work.recipe.training.phases)
    epochs, why = plan_length(
        work.recipe, steps=steps, batch_size=batch_size, pretrained=choice.weights != "none", epoch_seconds=each,
        fit_seconds=fit_seconds,
    )  # fmt: skip
    epochs = epochs if any(epochs) else (1, *epochs[1:])  # a later fold for which time has become short
    plan = Plan(
        mode=view.mode, size=view.size, scale=view.scale, overlap=view.overlap, encoder=choice.encoder,
        weights=choice.weights, batch_size=batch_size, epochs=epochs, steps=steps, tiles_per_epoch=tiles,
        precision=precision, device=work.device, value_range=facts.value_range, step_seconds=seconds,
        expected_seconds=_total(epochs, each), decoder_channels=choice.decoder_channels, costs=costs,
        reasons={**view.reasons, "encoder": choice.why, "epochs": why, "precision": why_precision},
    )  # fmt: skip
    return Planned(plan, choice, facts)


def _in_time(work: Work, setting: Setting, minutes: float) -> Planned:
    """Rehearse what is open and take the best that fits and whose weights can be had."""
    stated = None if candidates_for(work.recipe) else choose_network(work)
    options = survey(work, setting, stated)
    fitting = [one for one in options if all(_epochs(work, setting, one, minutes))]
    if not fitting:
        raise _too_short(options, minutes, work.elapsed)
    if stated is not None:
        return _planned(work, setting, fitting[0], stated, minutes)
    ranked = rank(work, setting, fitting, minutes)
    choice, taken = choose_candidate(work, [one.candidate for one in ranked])
    option = next(one for one in ranked if one.candidate is taken)
    said = _why_best(work, setting, ranked, option, minutes)
    why = f"'{taken.name}' of {len(options)} set-ups that were tried: {said}"
    return _planned(work, setting, option, replace(choice, why="; ".join(filter(None, (why, choice.why)))), minutes)


def rank(work: Work, setting: Setting, options: Sequence[Option], minutes: float) -> list[Option]:
    """Order set-ups, given as in the table of candidates, by what they are worth after the steps that fit."""
    standing = []
    for one in options:
        epochs = _epochs(work, setting, one, minutes)
        standing.append((one.candidate, sum(epochs) * one.counts.steps))
    return [options[at] for at in best_first(standing)]


def _epochs(work: Work, setting: Setting, option: Option, minutes: float) -> tuple[int, ...]:
    return option.epochs(work.recipe, setting.batch_size, option.fit_seconds(minutes, work.elapsed))[0]


def _why_best(work: Work, setting: Setting, ranked: Sequence[Option], option: Option, minutes: float) -> str:
    if option is not ranked[0]:
        return "the best whose weights could be had"
    if len(ranked) == 1:
        return f"the only one of which an epoch fits into {minutes:g} minutes"
    enough = option.candidate.enough
    if sum(_epochs(work, setting, option, minutes)) * option.counts.steps >= enough:
        return f"the largest that gets {enough} steps in {minutes:g} minutes"
    return f"the one that comes nearest to {enough} steps in {minutes:g} minutes"


def _planned(work: Work, setting: Setting, option: Option, choice: Choice, minutes: float) -> Planned:
    begin = work.elapsed
    epochs, why = option.epochs(work.recipe, setting.batch_size, option.fit_seconds(minutes, begin))
    ahead: Forecast = option.ahead(epochs, begin)
    view, costs = option.view, option.costs
    plan = Plan(
        mode=view.mode, size=view.size, scale=view.scale, overlap=view.overlap, encoder=choice.encoder,
        weights=choice.weights, batch_size=setting.batch_size, epochs=epochs, steps=option.counts.steps,
        tiles_per_epoch=option.tiles, precision=option.precision[0], device=work.device,
        value_range=setting.facts.value_range, step_seconds=max(costs.steps),
        expected_seconds=_total(epochs, costs.epochs(option.counts)), decoder_channels=choice.decoder_channels,
        candidate=option.candidate.name, costs=costs, forecast=ahead.to_json(), memory=option.memory,
        reasons={**view.reasons, "encoder": choice.why, "epochs": why, "precision": option.precision[1]},
    )  # fmt: skip
    return Planned(plan, choice, setting.facts)


def _total(epochs: Sequence[int], each: Sequence[float]) -> float:
    return sum(number * seconds for number, seconds in zip(epochs, each, strict=True))


def _too_short(options: Sequence[Option], minutes: float, begin: float) -> ConfigError:
    """Return the error that says how much would be needed, least of all and for what."""
    least = min(options, key=lambda one: one.least_minutes(begin))
    needed, size = least.least_minutes(begin), "x".join(map(str, least.view.size))
    epoch = clock_words(sum(least.costs.epochs(least.counts)))
    times = f", in each of {least.counts.folds + 1} trainings" if least.counts.folds else ""
    return ConfigError(
        f"{minutes:g} minutes are too few: one epoch of each phase takes {epoch} on this machine{times}, and the whole "
        f"command at least {needed:.2g} minutes ({least.candidate.encoder} at {size}).",
        where="--minutes",
        fix=f"--minutes {_up(needed)}, or a smaller size or encoder",
    )


def _up(minutes: float) -> str:
    """Round up to what one would type.

    >>> _up(0.32), _up(7.3)
    ('0.4', '8')
    """
    return f"{-(-minutes * 10 // 1) / 10:g}" if minutes < 2 else f"{-(-minutes // 1):g}"
