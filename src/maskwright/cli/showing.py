"""`maskwright show`: a sheet of pairs before training, and what is told of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.check_text import count
from maskwright.cli.output import finish
from maskwright.cli.show import show_progress

Part = Literal["train", "val", "test"]


def show(
    data: opt.Data,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The PNG. Default: NAME-sheet.png in the current folder."),
    ] = None,
    number: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="Pairs on the sheet.")] = 12,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed shows other pairs.")] = 0,
    part: Annotated[
        Part | None, typer.Option(metavar="train|val|test", help="Only pictures of this official part.")
    ] = None,
    images: opt.Images = None,
    masks: opt.Masks = None,
    pairs: opt.Pairs = None,
    annotations: opt.Annotations = None,
    encoding: opt.Encoding = None,
    classes: opt.ClassNames = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Draw a sheet of pairs: each picture beside its mask in class colours, before anything is trained.

    The pairs are spread over the set, odd ones among them: an empty mask, the fullest one, the one with most classes.
    Pixels that count in nothing are grey and hatched. The legend tells each class's share.
    """
    stated = opt.data_options(
        images=images, masks=masks, pairs=pairs, annotations=annotations, encoding=encoding, classes=classes
    )
    with show_progress(quiet=quiet) as progress:
        result = maskwright.show(data, output, number=number, seed=seed, part=part, options=stated, progress=progress)
    finish("show", {"data": str(data), **result.to_json()}, show_text, as_json=json)


def show_text(content: Mapping[str, Any]) -> str:
    """Tell where the sheet is, the classes with their shares, and what to type next."""
    data, width = content["data"], max(len(one["name"]) for one in content["classes"])
    lines = [f"sheet  {content['sheet']}   {len(content['shown'])} of {count(content['pairs'], 'pair')}"]
    lines += [f"       {note}" for note in content["notes"]]
    lines += [
        f"  {one['name']:<{width}}  {100 * one['pixels']:5.1f} % of all pixels, in {100 * one['masks']:5.1f} % of masks"
        for one in content["classes"]
    ]
    if content["looked_at"] < content["pairs"]:
        lines.append(f"       of {content['looked_at']} masks that were looked at")
    if content["failures"]:
        names = [failure["id"] for failure in content["failures"]]
        first = content["failures"][0]["error"]
        named = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        lines.append(f"passed over, since they cannot be read: {len(names)} of the pairs ({named})")
        lines.append(f"       the first: {first['what']}")
    return "\n".join([*lines, f"next:  maskwright check {data}      maskwright train {data}"])
