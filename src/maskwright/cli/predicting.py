"""`maskwright predict`: masks, and what else is wanted of them, for pictures wherever they lie."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.output import FAILED, finish, put_bytes
from maskwright.cli.show import show_progress
from maskwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from maskwright.images.opening import Encoded

_PIPE = "-"


def predict(
    run: opt.Model,
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURES",
            help="Pictures, folders of them, patterns ('photos/**/*.jpg'), zip or tar archives, addresses (s3://..., "
            "gs://..., az://..., https://...), or - for one on standard input.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where everything goes; - puts one picture's mask on stdout."
        ),
    ],
    write: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND,...",
            help="What to write beside masks, in place of overlays: overlay, binary, colour, probabilities, cutout, "
            "labelme, geojson; for all pictures together coco, label-studio, cvat, areas. May be repeated.",
        ),
    ] = None,
    simplify: Annotated[
        float, typer.Option(metavar="PIXELS", min=0, help="Leave out points of outlines up to this far from them.")
    ] = 0.0,
    clean: Annotated[
        str | None,
        typer.Option(
            metavar="HOW,...",
            help="Clean the masks: fill-holes, least-area=PIXELS (or a share of the picture, 0.1%), largest.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make everything anew, also where other files stand.")
    ] = False,
    no_overlays: Annotated[
        bool, typer.Option("--no-overlays", help="Write masks alone: several times as fast.")
    ] = False,
    runtime: opt.AnyRuntime = "auto",
    precision: opt.AnyPrecision = "auto",
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Write a mask and an overlay for each picture, or whatever --write names.

    What the same model made of the same picture is kept; a further kind is made from the masks that are there. A
    picture that cannot be read is named, also in failures.csv, and the others are done; the exit code is then 1.
    """
    from maskwright.cli.text import predict_error, predict_text

    given = _given(pictures)
    if output == _PIPE:
        if overwrite or no_overlays or json:
            raise ConfigError(
                "With -o - nothing is kept, and stdout holds the picture alone.", where="-o -",
                fix="leave --overwrite, --no-overlays and --json out",
            )  # fmt: skip
        _pipe(run, given, ",".join(write or ["mask"]), simplify, clean, runtime, precision, quiet=quiet)
        return
    with show_progress(quiet=quiet) as progress:
        result = maskwright.predict_files(
            run,
            given,
            output,
            write=write,
            overwrite=overwrite,
            overlays=not no_overlays,
            simplify=simplify,
            clean=clean,
            runtime=runtime,
            precision=precision,
            progress=progress,
        )
    content = result.to_json()
    error = predict_error(content)
    finish("predict", content, predict_text, as_json=json, error=error)
    if error is not None:
        raise typer.Exit(FAILED)


def _pipe(
    run: Path, given: "list[str | Encoded]", write: str, simplify: float, clean: str | None, runtime: str,
    precision: str, *, quiet: bool,
) -> None:  # fmt: skip
    """Write what is made of one picture to stdout."""
    from maskwright.runs.predict_piped import predict_piped

    if len(given) > 1:
        raise ConfigError(
            f"Standard output takes the mask of one picture; these are {len(given)}.", where="-o -",
            fix="name a folder with -o",
        )  # fmt: skip
    with show_progress(quiet=quiet) as progress:
        content = predict_piped(
            run, given[0], write=write, simplify=simplify, clean=clean, runtime=runtime, precision=precision,
            progress=progress,
        )  # fmt: skip
    put_bytes(content)


def _given(pictures: list[str]) -> "list[str | Encoded]":
    """Return what was named, standard input in place of "-". Raises ConfigError, DataError."""
    if pictures.count(_PIPE) > 1:
        raise ConfigError("Standard input holds one picture.", where="-", fix="name - once")
    return [_standard_input() if picture == _PIPE else picture for picture in pictures]


def _standard_input() -> "Encoded":
    """Read a picture's bytes. Raises DataError for a terminal, or a picture that is too large."""
    from maskwright.images.opening import MAX_ENCODED, Encoded, check_encoded

    if sys.stdin.isatty():
        raise DataError(
            "Nothing is led in.", where="standard input", fix="cat photo.jpg | maskwright predict RUN - ..."
        )
    content = sys.stdin.buffer.read(MAX_ENCODED + 1)
    check_encoded(len(content), "standard input")
    return Encoded(content, "stdin")
