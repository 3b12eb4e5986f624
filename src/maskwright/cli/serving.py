"""`maskwright serve`: a model, or several, over HTTP."""

from typing import Annotated

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.output import put
from maskwright.cli.show import show_progress
from maskwright.progress import Step


def serve(
    models: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Runs or model files, also as NAME=PATH; the first is usual.")
    ],
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Listen there. Any address but this machine's own asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0: any that is free.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", envvar="MASKWRIGHT_TOKEN", help="What callers must send; one is made where one is needed."
        ),
    ] = None,
    runtime: opt.AnyRuntime = "auto",
    precision: opt.AnyPrecision = "auto",
    queue: Annotated[
        int, typer.Option(metavar="N", min=1, help="Pictures under way or waiting; more are sent away with 429.")
    ] = 64,
    max_megabytes: Annotated[float, typer.Option(metavar="N", min=0.001, help="Of one request.")] = 64.0,
    max_megapixels: Annotated[float, typer.Option(metavar="N", min=0.001, help="Of one picture.")] = 50.0,
    seconds: Annotated[
        float, typer.Option(metavar="N", min=0.1, help="For a request to arrive, and for its picture's turn to come.")
    ] = 30.0,
    quiet: opt.Quiet = False,
) -> None:
    """Answer pictures over HTTP with masks, polygons or overlays, until stopped.

    POST /predict takes a picture's bytes or a form; /openapi.json describes the rest. Pictures that come together go
    through the network together. Only this machine can call, unless --host says otherwise.
    """
    limits = maskwright.Limits(
        pictures=queue, bytes=int(max_megabytes * 1e6), pixels=int(max_megapixels * 1e6), seconds=seconds
    )
    with show_progress(quiet=quiet) as progress:
        maskwright.run_service(
            models, host=host, port=port, token=token, runtime=runtime, precision=precision, limits=limits,
            progress=_token_alone if quiet else progress,
        )  # fmt: skip


def _token_alone(step: Step) -> None:
    """Show a token that was made, however quiet it is to be: nobody could call without it."""
    for line in (step.text or "").splitlines():
        if line.startswith("token"):
            put(line)
