"""`maskwright compare`: runs and evaluations against each other, on the same pictures."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.output import finish

_WIDEST = 120  # characters; longer lines are hard to read


def compare(
    entries: Annotated[
        list[Path],
        typer.Argument(metavar="A B ...", help="Runs, and folders or files that `maskwright evaluate -o` wrote."),
    ],
    measure: Annotated[
        str, typer.Option(metavar="NAME", help="dice, iou, boundary_iou, hd95 or another that all pictures have.")
    ] = "dice",
    each: Annotated[
        bool, typer.Option("--each", help="List seeds of one recipe by themselves, not as one entry.")
    ] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write it as one page.")] = None,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the table as CSV, a line an entry.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write every picture's scores as CSV, a line a picture.")
    ] = None,
    json: opt.Json = False,
) -> None:
    """Say which of several models is better, by how much, and whether that can be told.

    Only pictures that all have been scored on count. The difference is taken picture by picture and has a 95 %
    interval; where it does not tell them apart, the number of pictures that would is estimated. Runs that differ
    in nothing but the seed are one entry, and their spread is counted too.
    """
    outputs = {"--html": html, "--table": table, "--csv": csv}
    _refuse_places(outputs, entries)
    content = maskwright.compare(entries, measure=measure, each=each).to_json()
    _write(content, html, table, csv)
    content["written"] = [str(path) for path in outputs.values() if path is not None]
    width = min(_WIDEST, shutil.get_terminal_size((100, 24)).columns)
    finish("compare", content, partial(_text, width=width), as_json=json)


def _refuse_places(outputs: Mapping[str, Path | None], entries: Sequence[Path]) -> None:
    """Raise typer.BadParameter where one output would overwrite another, or what is compared."""
    taken = {path.resolve(): "what is compared" for entry in entries for path in (entry, entry / "evaluation.json")}
    for option, path in outputs.items():
        if path is None:
            continue
        if path.resolve() in taken:
            raise typer.BadParameter(f"That is the file of {taken[path.resolve()]}.", param_hint=option)
        taken[path.resolve()] = option


def _write(content: Mapping[str, Any], html: Path | None, table: Path | None, csv: Path | None) -> None:
    from maskwright.evaluation.comparing_document import entry_table, picture_table
    from maskwright.report.compare_page import write_compare_page
    from maskwright.runs.tables import write_table

    if html is not None:
        write_compare_page(html, content)
    if table is not None:
        write_table(table, *entry_table(content))
    if csv is not None:
        write_table(csv, *picture_table(content))


def _text(content: Mapping[str, Any], *, width: int) -> str:
    from maskwright.cli.compare_text import compare_text

    return compare_text(content, width=width)
