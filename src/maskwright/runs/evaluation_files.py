"""What `evaluate -o` leaves: evaluation.json, pictures.csv with every picture's scores, and report.html."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from maskwright.errors import ConfigError
from maskwright.evaluation.result import Evaluation
from maskwright.files import make_folder, write_json_rows
from maskwright.report.facts import Example, ReportFacts
from maskwright.report.html import write_report
from maskwright.runs.folder import RunFolder
from maskwright.runs.tables import write_table

EXAMPLES = 3  # worst, as many in the middle, and best

Shown = tuple[NDArray[Any] | None, NDArray[Any], NDArray[Any]]  # picture, truth, prediction
Look = Callable[[str], Shown]


def write_evaluation(
    folder: Path,
    evaluation: Evaluation,
    look: Look,
    *,
    name: str,
    pictures: bool = True,
    times_read: int | None = None,
) -> None:
    """Write what `evaluate -o` leaves into a folder, each file whole or not at all.

    look: returns a picture with both masks by its id, for the gallery; pictures=False leaves that out. name: of what
    was scored. times_read: how often a run's held-out pictures were scored in all. Raises OutputError.
    """
    make_folder(folder)
    head = evaluation.head()
    write_json_rows(folder / "evaluation.json", head, "pictures", evaluation.lines())
    write_pictures(folder / "pictures.csv", evaluation)
    chosen = evaluation.examples(EXAMPLES) if pictures else ()
    rows = evaluation.pictures
    examples = (
        Example(label, rows[at].id, rows[at].scores["dice"], *look(rows[at].id)) for label, at in chosen
    )  # fmt: skip
    facts = ReportFacts(
        name=name, evaluation={**head, "pictures": evaluation.lines()},
        made=time.strftime("%Y-%m-%d %H:%M"), part=_part(evaluation.part),
        times_read=times_read,
        data=dict(evaluation.data) | {"classes": list(evaluation.classes.names)},
    )  # fmt: skip
    write_report(folder / "report.html", facts, evaluation.classes, examples=examples, pictures=pictures)


def _part(part: str) -> str:
    return {"": "all pictures", "all": "all pictures", "test": "the test part"}.get(part, part)


def refuse_run(folder: Path) -> None:
    """Raise ConfigError where the folder is a run's: its own scores and report would be lost."""
    if RunFolder(folder).recipe.exists():
        what = "The folder is a run, with an evaluation.json and a report.html of its own."
        raise ConfigError(what, where=str(folder), fix="choose another folder (-o FOLDER)")


def write_pictures(path: Path, evaluation: Evaluation) -> None:
    """Write a line for each picture: id, group, every score and fact, the truth's size. Raises OutputError."""
    names = list(evaluation.pictures.columns)
    write_table(
        path,
        ["id", "group", *names, "height", "width"],
        ([row.id, row.group, *(row.scores[name] for name in names), *row.size_truth] for row in evaluation.pictures),
    )
