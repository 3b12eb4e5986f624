"""`maskwright check`: what a data folder holds and what is wrong with it; a page of it, and a mended copy."""

import shlex
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.output import FINDINGS, finish
from maskwright.cli.show import show_progress

if TYPE_CHECKING:
    from maskwright.audit.check import CheckReport
    from maskwright.progress import Progress

_WIDEST = 120  # characters; longer lines are hard to read
_TRAIN_FLAGS = ("masks", "annotations", "group")  # of the options that say how data is read; others are --set data.KEY


def check(
    data: opt.Data,
    images: opt.Images = None,
    masks: opt.Masks = None,
    pairs: opt.Pairs = None,
    annotations: opt.Annotations = None,
    encoding: opt.Encoding = None,
    classes: opt.ClassNames = None,
    group: opt.Group = None,
    split: opt.SplitRule = None,
    recipe: opt.RecipeName = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one page that shows the pictures behind it all.")
    ] = None,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Show no pictures in the page.")] = False,
    with_run: Annotated[
        Path | None,
        typer.Option("--with", metavar="RUN", help="Also name masks that the models of a finished run doubt."),
    ] = None,
    suspects: Annotated[
        bool, typer.Option("--suspects", help="Also name doubtful masks, with small models trained for it now.")
    ] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write a mended copy of the set to -o CLEAN; DATA itself is never touched.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="CLEAN", help="A new folder for the mended copy.")
    ] = None,
    leave_out_duplicates: Annotated[
        bool, typer.Option("--leave-out-duplicates", help="Of pictures that are the same, the copy gets one only.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write what was found out to DATA/dataset.yaml.")] = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Say what a data folder holds, what is wrong with it, and how to put it right.

    Every picture and mask is read once. What was guessed is shown and can be stated by an option or in
    DATA/dataset.yaml. Exit code 3 if there are errors: findings that would make a training wrong.
    """
    _refuse_useless(html, no_pictures, with_run, suspects, fix, output, leave_out_duplicates)
    stated = {
        "images": images, "masks": masks, "pairs": pairs, "annotations": annotations, "encoding": encoding,
        "classes": classes, "group": group, "split": split,
    }  # fmt: skip
    options = opt.data_options(**stated)
    if output is not None:
        _refuse_place(output, data)
    with show_progress(quiet=quiet) as progress:
        report = maskwright.check(data, options, recipe=recipe, with_run=with_run, suspects=suspects, progress=progress)
        content = {"data": str(data), **report.to_json(), **_summary(report)}
        if html is not None:
            _write_page(html, report, not no_pictures, progress)
            content["page"] = str(html)
        if output is not None:
            content["mended"] = _mend(report, output, leave_out_duplicates, progress)
    if write:
        _write_options(report, data)
        content["written"] = str(opt.description_file(data))
    content["next"] = next_commands(content, {**stated, "recipe": recipe}, page=html, clean=output)
    width = min(_WIDEST, shutil.get_terminal_size((100, 24)).columns)
    finish("check", content, partial(_text, width=width), as_json=json)
    if content["levels"]["error"]:
        raise typer.Exit(FINDINGS)


def next_commands(
    content: Mapping[str, Any], stated: Mapping[str, str | None], *, page: Path | None, clean: Path | None
) -> list[str]:
    """Return what to type next, ready to be copied: what was stated for this check is stated there too.

    content: the document. stated: options by name. page, clean: what was written already.
    """
    data, found = content["data"], content["findings"]
    if clean is not None:
        return [shlex.join(["maskwright", "check", str(clean)]), shlex.join(["maskwright", "train", str(clean)])]
    given = {key: value for key, value in stated.items() if value is not None}
    again = ["maskwright", "check", data, *(word for key, value in given.items() for word in (f"--{key}", value))]
    train = ["maskwright", "train", data, *_for_training(given)]
    accepted = sorted({one["kind"] for one in found if one["level"] == "error"})
    commands = [shlex.join([*again, "--html", "check.html"])] if found and page is None else []
    if any(_mendable(one) for one in found):
        commands.append(shlex.join([*again, "--fix", "-o", f"{Path(data).resolve().stem}-clean"]))
    if not accepted:
        return [*commands, shlex.join(train)]
    accept = [word for kind in accepted for word in ("--accept", kind)]
    return [*commands, f"{shlex.join([*train, *accept])}   # in spite of the errors"]


def _mendable(finding: Mapping[str, Any]) -> bool:
    """Whether a mended copy would be without it; pairs with an error of their own are left out of the copy."""
    from maskwright.audit.advice import MENDABLE

    wrong = finding["level"] == "error" and finding["sample"] is not None
    return wrong or (finding["kind"] in MENDABLE and not finding["fix"].startswith("nothing to do"))


def _for_training(given: Mapping[str, str]) -> list[str]:
    """Return the same statements as `train` takes them."""
    words = []
    for key, value in given.items():
        if key == "recipe" or key in _TRAIN_FLAGS:
            words += [f"--{key}", value]
        else:
            listed = f"[{', '.join(name.strip() for name in value.split(','))}]" if key == "classes" else value
            words += ["--set", f"data.{key}={listed}"]
    return words


def _refuse_useless(
    html: Path | None,
    no_pictures: bool,
    with_run: Path | None,
    suspects: bool,
    fix: bool,
    output: Path | None,
    leave_out_duplicates: bool,
) -> None:
    """Raise typer.BadParameter for options that say nothing without another, or against one another."""
    if fix and output is None:
        raise typer.BadParameter("Say where the mended copy goes: --fix -o CLEAN.", param_hint="--fix")
    if output is not None and not fix:
        raise typer.BadParameter("It says where a mended copy goes: --fix -o CLEAN.", param_hint="-o")
    if leave_out_duplicates and not fix:
        raise typer.BadParameter("It is about the mended copy: --fix -o CLEAN.", param_hint="--leave-out-duplicates")
    if no_pictures and html is None:
        raise typer.BadParameter("It is about the page: --html FILE.", param_hint="--no-pictures")
    if suspects and with_run is not None:
        raise typer.BadParameter(
            "--with RUN asks that run's models; leave one of the two out.", param_hint="--suspects"
        )


def _refuse_place(output: Path, data: Path) -> None:
    """Raise OutputError before the work where the mended copy must not go."""
    from maskwright.runs.written_set import refuse_place

    refuse_place(output, data if data.is_dir() else None, "a mended set")


def _summary(report: "CheckReport") -> dict[str, Any]:
    """Return how many findings of each level there are, what to do first, and the folder that `where` begins with."""
    from maskwright.audit.advice import things_to_do
    from maskwright.audit.findings import LEVELS

    levels = {level: sum(found.level == level for found in report.findings) for level in LEVELS}
    to_do = [advice.to_json() for advice in things_to_do(report.findings)]
    return {"levels": levels, "to_do": to_do, "root": "" if report.dataset is None else str(report.dataset.root)}


def _write_page(path: Path, report: "CheckReport", pictures: bool, progress: "Progress") -> None:
    from maskwright.runs.check_page import write_check_page

    write_check_page(path, report, pictures=pictures, progress=progress)


def _mend(report: "CheckReport", output: Path, leave_out_duplicates: bool, progress: "Progress") -> dict[str, Any]:
    from maskwright.runs.mending import mend

    return mend(report, output, leave_out_duplicates=leave_out_duplicates, progress=progress).to_json()


def _write_options(report: "CheckReport", data: Path) -> None:
    from maskwright.data.options import write_options

    if report.dataset is not None:
        write_options(report.dataset, opt.description_file(data))


def _text(content: Mapping[str, Any], *, width: int) -> str:
    from maskwright.cli.check_text import check_text

    return check_text(content, width=width)
