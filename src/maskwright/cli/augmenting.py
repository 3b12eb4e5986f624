"""`maskwright augment`: changed copies of the training pictures, and what is told of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.check_text import count
from maskwright.cli.output import finish
from maskwright.cli.show import clock, show_progress


def augment(
    data: opt.Data,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new folder for the augmented set.")
    ],
    copies: Annotated[int, typer.Option(metavar="N", min=1, help="Changed copies of each training picture.")] = 3,
    recipe: opt.RecipeName = None,
    settings: opt.Settings = None,
    seed: opt.Seed = None,
    group: opt.Group = None,
    split: opt.SplitRule = None,
    masks: opt.Masks = None,
    annotations: opt.Annotations = None,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Go on in spite of findings of this kind; may be repeated.")
    ] = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Write a set with changed copies of its training pictures, to train on or to look at.

    The pictures are split first, as `train` splits them, and only those that train get copies: turned, zoomed, shifted
    and recoloured as the recipe's `augmentation` says. Copies of a test picture can never reach training, whatever is
    asked for later; nobody is scored on a copy. The folder reads without any option.
    """
    stated = {
        "training.seed": seed,
        "data.group": group,
        "data.split": split,
        "data.masks": masks,
        "data.annotations": annotations,
    }
    overrides = opt.recipe_overrides(settings, stated)
    with show_progress(quiet=quiet) as progress:
        result = maskwright.augment(
            data,
            output,
            copies=copies,
            recipe=recipe,
            overrides=overrides,
            accept=tuple(accept or ()),
            progress=progress,
        )
    finish("augment", result.to_json(), augment_text, as_json=json)


def augment_text(content: Mapping[str, Any]) -> str:
    """Tell what was written, how it was split, and what to type next."""
    folder, parts = content["folder"], content["parts"]
    kept = ", ".join(f"{number} {part}" for part, number in parts.items())
    return "\n".join(
        [
            f"wrote  {folder}   {count(content['pictures'], 'picture')}, and {content['copies']} copies of "
            f"{content['augmented']} that train",
            f"parts  {kept or 'none yet: folds keep each picture and its copies together'}",
            "       copies only train, and only where their pictures do",
            f"time   {clock(content['seconds'])}",
            f"next:  maskwright show {folder}      maskwright train {folder}",
        ]
    )
