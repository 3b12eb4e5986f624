"""`maskwright plan`: what a training would take on this machine, before the wait."""

from typing import Annotated

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.output import finish
from maskwright.cli.show import show_progress


def plan(
    data: opt.Data,
    recipe: opt.RecipeName = None,
    settings: opt.Settings = None,
    encoder: opt.Encoder = None,
    weights: opt.Weights = None,
    size: opt.Size = None,
    mode: opt.Mode = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="Mark what a training with these minutes would take.")
    ] = None,
    folds: opt.Folds = None,
    group: opt.Group = None,
    masks: opt.Masks = None,
    annotations: opt.Annotations = None,
    device: Annotated[str, typer.Option(metavar="cpu|cuda|mps", help="Where it would be trained.")] = "auto",
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Forecast a training: time and memory of each set-up that fits the pictures, on this machine.

    A few steps are taken on a few of the pictures; nothing is trained, fetched or written.
    """
    from maskwright.cli.plan_text import plan_text

    stated = {
        "model.encoder": encoder,
        "model.weights": weights,
        "model.size": opt.parse_size(size),
        "model.mode": mode,
        "data.group": group,
        "data.masks": masks,
        "data.annotations": annotations,
    }
    overrides = opt.recipe_overrides(settings, stated)
    with show_progress(quiet=quiet) as progress:
        result = maskwright.plan(
            data, recipe=recipe, overrides=overrides, minutes=minutes, folds=folds, device=device, progress=progress
        )
    finish("plan", result.to_json(), plan_text, as_json=json)
