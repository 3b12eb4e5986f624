"""`maskwright train --find-lr`: a range test in place of a training, and what is told of it."""

import json as json_module
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import maskwright
from maskwright.cli.output import finish
from maskwright.cli.show import clock, show_progress

FindLr = Annotated[
    bool,
    typer.Option(
        "--find-lr",
        help="Train nothing: try learning rates on the training pictures, draw the curve (-o FOLDER) and suggest one.",
    ),
]


def find_rate_instead(
    data: Path,
    *,
    recipe: str | None,
    output: Path | None,
    overrides: Mapping[str, Any],
    accept: Sequence[str],
    device: str,
    useless: Mapping[str, object],
    json: bool,
    quiet: bool,
) -> None:
    """Run the test and tell its result. useless: options of a training by name; one that is given is refused."""
    if given := [name for name, value in useless.items() if value]:
        raise typer.BadParameter("It belongs to a training; leave it out with --find-lr.", param_hint=given)
    with show_progress(quiet=quiet) as progress:
        result = maskwright.find_rate(
            data, recipe=recipe, output=output, overrides=overrides, accept=accept, device=device, progress=progress
        )
    content = result.to_json()
    content["next"] = _training(data, recipe, {**overrides, **content["settings"]}, accept, device)
    finish("find-lr", content, find_rate_text, as_json=json)


def find_rate_text(content: Mapping[str, Any]) -> str:
    """Tell the suggestion, where the curve is, and the command that uses it."""
    if content["suggestion"] is None:
        rate = f"rate   none to suggest: {content['why']}"
    else:
        rate = f"rate   {content['suggestion']:.2g}, {content['why']} (the recipe has {content['recipe_rate']:.2g})"
    lines = [rate, f"curve  {content['curve']}   {content['steps']} steps, {clock(content['seconds'])}"]
    return "\n".join([*lines, f"next:  {content['next']}"] if content["settings"] else lines)


def _training(data: Path, recipe: str | None, settings: Mapping[str, Any], accept: Sequence[str], device: str) -> str:
    """Return the command of the training with these settings."""
    words = ["maskwright", "train", str(data)]
    words += ["--recipe", recipe] if recipe else []
    words += [word for kind in accept for word in ("--accept", kind)]
    words += ["--device", device] if device != "auto" else []
    words += [word for key, value in settings.items() for word in ("--set", f"{key}={_yaml(value)}")]
    return shlex.join(words)


def _yaml(value: Any) -> str:
    """Write a value as `--set` reads it; words stand as they are unless YAML would take them for something else."""
    import yaml

    if not isinstance(value, str):
        return json_module.dumps(value)
    try:
        plain = yaml.safe_load(value) == value
    except yaml.YAMLError:
        plain = False
    return value if plain else json_module.dumps(value)
