"""`maskwright evaluate`: scores of a model, or of masks made elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.output import finish
from maskwright.cli.show import show_progress

if TYPE_CHECKING:
    from maskwright.evaluation.result import Evaluation

Part = Literal["train", "val", "test", "all"]
_HELP_PART = (
    "Which part. Default: the held-out part of the run's own data; the official test part of other data, or every "
    "picture where it has none; every picture with --predictions."
)


def evaluate(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run's folder, or a model.onnx.")] = None,
    data: Annotated[Path | None, typer.Argument(metavar="[DATA]", help="Another data folder than the run's.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Masks made elsewhere, in place of a RUN.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Their true masks: a folder of masks, or a data set.")
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="The predictions are grey maps: black 0, white 1.")
    ] = False,
    threshold: Annotated[
        float | None, typer.Option(metavar="P", min=0, max=1, help="Where such maps are cut (default: 0.5).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Write evaluation.json, pictures.csv and report.html."),
    ] = None,
    part: Annotated[Part | None, typer.Option(metavar="train|val|test|all", help=_HELP_PART)] = None,
    annotators: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="A further person's masks of the same pictures; may be repeated."),
    ] = None,
    saliency: Annotated[
        bool, typer.Option("--saliency", help="Also F-beta, MAE, S- and E-measure, as for salient objects.")
    ] = False,
    tolerance: Annotated[
        float | None, typer.Option(metavar="PIXELS", min=0, help="How far a boundary may be off in boundary F1.")
    ] = None,
    pixel_size: Annotated[
        str | None, typer.Option(metavar="LENGTH", help="Side of a mask's pixel, such as '0.65 um'.")
    ] = None,
    counts_only: Annotated[
        bool, typer.Option("--counts-only", help="Only what follows from counts of pixels: quicker.")
    ] = False,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Show no pictures in the report.")] = False,
    images: opt.Images = None,
    masks: opt.Masks = None,
    annotations: opt.Annotations = None,
    encoding: opt.Encoding = None,
    classes: opt.ClassNames = None,
    group: opt.Group = None,
    prediction_encoding: Annotated[
        str | None, typer.Option(metavar="KIND", help="How the predictions hold classes, such as index or colour.")
    ] = None,
    runtime: opt.Runtime = None,
    precision: opt.Precision = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Score a model, or masks made elsewhere, on the true masks' own grid.

    Per picture and pooled, with 95 % intervals, beside what simple answers score. RUN alone: on the pictures
    that it has not seen. RUN DATA: on other data, which is read as `check` reads it; --images, --masks,
    --annotations, --encoding, --classes and --group state what cannot be guessed.
    --predictions and --truth: masks of any origin, matched by their names.
    """
    from maskwright.cli.evaluate_text import evaluate_text

    stated = {
        "images": images, "masks": masks, "annotations": annotations, "encoding": encoding, "classes": classes,
        "group": group,
    }  # fmt: skip
    elsewhere: dict[str, object] = {"truth": truth, "threshold": threshold}
    elsewhere |= {"probabilities": probabilities or None, "prediction-encoding": prediction_encoding}
    _refuse_useless(run, data, predictions, truth, stated, elsewhere, {"runtime": runtime, "precision": precision})
    measures = maskwright.Measures(
        counts_only=counts_only, saliency=saliency, tolerance=tolerance, pixel_size=pixel_size,
        annotators=tuple(annotators or ()),
    )  # fmt: skip
    options = opt.data_options(**stated) if data is not None or run is None else None
    with show_progress(quiet=quiet) as progress:
        result: Evaluation
        if run is None:
            result = maskwright.evaluate_predictions(
                *_needed(predictions, truth), part=part, options=options, probabilities=probabilities,
                threshold=threshold, prediction_options=opt.data_options(encoding=prediction_encoding),
                measures=measures, output=output, pictures=not no_pictures, progress=progress,
            )  # fmt: skip
        else:
            result = maskwright.evaluate(
                run, data, part=part, options=options, measures=measures, runtime=runtime, precision=precision,
                output=output, pictures=not no_pictures, progress=progress,
            )  # fmt: skip
    written = {"report": str(output / "report.html"), "folder": str(output)} if output is not None else {}
    rows = ("pictures", result.lines())
    finish("evaluate", {**result.head(), **written}, evaluate_text, as_json=json, rows=rows)


def _needed(predictions: Path | None, truth: Path | None) -> tuple[Path, Path]:
    """Return both folders. Raises BadParameter where one is missing."""
    if predictions is None or truth is None:
        raise typer.BadParameter("It needs the true masks: --truth FOLDER.", param_hint="--predictions")
    return predictions, truth


def _refuse_useless(
    run: Path | None,
    data: Path | None,
    predictions: Path | None,
    truth: Path | None,
    stated: dict[str, str | None],
    elsewhere: dict[str, object],
    how: dict[str, str | None],
) -> None:
    """Raise BadParameter for what does not belong together."""
    if (run is None) == (predictions is None):
        what = "Give a RUN, or --predictions and --truth" + ("" if run is None else ", not both") + "."
        raise typer.BadParameter(what, param_hint="RUN")
    if predictions is None and (useless := [f"--{name}" for name, value in elsewhere.items() if value is not None]):
        raise typer.BadParameter("It belongs to --predictions.", param_hint=useless)
    if predictions is not None and (useless := [f"--{name}" for name, value in how.items() if value is not None]):
        raise typer.BadParameter("It belongs to a RUN: masks made elsewhere are not run.", param_hint=useless)
    own = predictions is None and data is None
    if own and (useless := [f"--{name}" for name, value in stated.items() if value is not None]):
        raise typer.BadParameter("It says how other data is read; name that: evaluate RUN DATA.", param_hint=useless)
