"""`maskwright export`: other forms of a run's model file, each compared with it on real pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.output import finish
from maskwright.cli.show import show_progress

To = Literal["int8", "bf16"]


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    to: Annotated[
        To,
        typer.Option(
            "--to",
            metavar="int8|bf16",
            help="int8: write RUN/model-int8.onnx. bf16: note in RUN/model.onnx whether OpenVINO may use bf16.",
        ),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Write int8 also where it changes the masks more than allowed.")
    ] = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Make a smaller or faster form of a run's model file.

    It is compared with the file on up to 64 of the run's validation pictures, in each runtime that is installed: Dice
    may change by at most 0.002, and at most 0.5 % of the mask pixels may differ.
    """
    with show_progress(quiet=quiet) as progress:
        result = maskwright.export_run(run, to, force=force, progress=progress)
    finish("export", result.to_json(), export_text, as_json=json)


def export_text(content: Mapping[str, Any]) -> str:
    """Tell what changed in each runtime, the file, and how to use it."""
    lines = [_compared(report, content["part"]) for report in content["reports"]]
    if content["to"] == "bf16":
        lines.append(
            f"noted  {content['path']}   `predict` uses bf16 in OpenVINO from now on, where the processor has it"
        )
        return "\n".join(lines)
    before, after = content["bytes_before"] / 1e6, content["bytes_after"] / 1e6
    lines.append(f"file   {content['path']}   {before:.1f} MB -> {after:.1f} MB")
    if content["forced"]:
        lines.append("note   it changes the masks more than is allowed, and was written because of --force")
    run = Path(content["path"]).parent
    return "\n".join([*lines, f"next:  maskwright predict {run} PICTURES -o masks --precision int8"])


def _compared(report: Mapping[str, Any], part: str) -> str:
    share = report["differing_pixels"] / max(1, report["pixels"])
    dice = f"Dice {report['dice_network']:.4f} -> {report['dice_file']:.4f}"
    return (
        f"{report['runtime']:<12} {report['precision']}   {dice}   "
        f"{share:.2%} of the mask pixels differ   {report['pictures']} pictures ({part})"
    )
