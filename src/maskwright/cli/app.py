"""The verbs of `maskwright`: each builds its options, calls one workflow, prints and returns.

Workflows are reached through the public names of the package, which load what they need when they are used.
"""

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.augmenting import augment
from maskwright.cli.checking import check
from maskwright.cli.comparing import compare
from maskwright.cli.evaluating import evaluate
from maskwright.cli.exporting import export
from maskwright.cli.fetching import fetch
from maskwright.cli.finding import FindLr, find_rate_instead
from maskwright.cli.output import MISUSED, finish, put
from maskwright.cli.planning import plan
from maskwright.cli.predicting import predict
from maskwright.cli.serving import serve
from maskwright.cli.show import show_progress
from maskwright.cli.showing import show

# Plain help: drawing it with rich takes 0.2 s, three times as long as all the rest.
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def maskwright_(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    no_tuning: Annotated[
        bool, typer.Option("--no-tuning", help="Leave the process's memory and thread settings alone.")
    ] = False,
    max_pixels: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Open pictures of up to N pixels (default: 250 million).")
    ] = None,
) -> None:
    """Make masks, and the model that makes them: from a folder of pictures and masks to one portable model file.

    First steps: maskwright demo, or maskwright check DATA, then maskwright train DATA.
    """
    if version:
        put(f"maskwright {maskwright.__version__}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        put(context.get_help())
        raise typer.Exit(MISUSED)
    if max_pixels is not None:
        from maskwright.images.opening import set_max_pixels

        set_max_pixels(max_pixels)
    if not no_tuning:
        from maskwright.cli.process import tune_process

        tune_process()


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where everything goes.")] = Path(
        "demo"
    ),
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Make a small picture set and do everything with it.

    Makes pictures of pebbles with their masks, checks them, trains, scores and predicts: about a minute.
    """
    from maskwright.cli.text import demo_text

    with show_progress(quiet=quiet) as progress:
        result = maskwright.demo(output, progress=progress)
    finish("demo", result.to_json(), demo_text, as_json=json)


app.command("check")(check)
app.command("plan")(plan)


@app.command()
def train(
    data: opt.Data,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="RUN", help="The run's folder; an unfinished one goes on.")
    ] = None,
    recipe: opt.RecipeName = None,
    settings: opt.Settings = None,
    encoder: opt.Encoder = None,
    weights: opt.Weights = None,
    size: opt.Size = None,
    mode: opt.Mode = None,
    epochs: opt.Epochs = None,
    minutes: opt.Minutes = None,
    folds: opt.Folds = None,
    seed: opt.Seed = None,
    group: opt.Group = None,
    masks: opt.Masks = None,
    annotations: opt.Annotations = None,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Train in spite of findings of this kind; may be repeated.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="cpu|cuda|mps", help="Where to train.")] = "auto",
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Show no pictures in the report.")] = False,
    track: opt.Track = None,
    track_pictures: Annotated[
        bool, typer.Option("--track-pictures", help="Also send pictures and their names to trackers elsewhere.")
    ] = False,
    find_lr: FindLr = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Plan, train, score, and write one model file.

    The scores are taken on a part of the pictures that is kept away until the end. Given again with the same RUN,
    an interrupted training goes on where it was.
    """
    from maskwright.cli.text import train_text

    stated = {
        "model.encoder": encoder,
        "model.weights": weights,
        "model.size": opt.parse_size(size),
        "model.mode": mode,
        "training.seed": seed,
        "data.group": group,
        "data.masks": masks,
        "data.annotations": annotations,
    }
    overrides = opt.recipe_overrides(settings, stated)
    if find_lr:
        find_rate_instead(
            data, recipe=recipe, output=output, overrides=overrides, accept=tuple(accept or ()), device=device,
            useless={"--epochs": epochs, "--minutes": minutes, "--folds": folds}, json=json, quiet=quiet,
        )  # fmt: skip
        return
    with show_progress(quiet=quiet) as progress:
        result = maskwright.train(
            data,
            recipe=recipe,
            output=output,
            overrides=overrides,
            epochs=epochs,
            minutes=minutes,
            folds=folds,
            accept=tuple(accept or ()),
            device=device,
            pictures=not no_pictures,
            track=track or (),
            track_pictures=track_pictures,
            progress=progress,
        )
    finish("train", result.to_json(), train_text, as_json=json)


app.command("evaluate")(evaluate)


app.command("predict")(predict)


@app.command()
def recipes(
    fields: Annotated[bool, typer.Option("--fields", help="List every key of a recipe with its default.")] = False,
    json: opt.Json = False,
) -> None:
    """List the recipes that come with maskwright, or their keys."""
    from maskwright.cli.fields import recipe_fields
    from maskwright.cli.text import recipes_text

    content = (
        {"fields": recipe_fields()} if fields else {"recipes": [recipe.to_json() for recipe in maskwright.recipes()]}
    )
    finish("recipes", content, recipes_text, as_json=json)


@app.command()
def info(model: opt.Model, json: opt.Json = False) -> None:
    """Print the card of a model file.

    Classes, network, how pictures reach it, where it comes from, scores.
    """
    from maskwright.cli.text import info_text

    description = json_module.loads(maskwright.load(model).description.to_json())
    finish("info", description, info_text, as_json=json)


app.command("compare")(compare)
app.command("export")(export)
app.command("serve")(serve)
app.command("augment")(augment)
app.command("show")(show)
app.command("fetch")(fetch)
