"""What of a run's settings and files a tracker may have: no paths of this computer, no names of pictures unasked."""

from pathlib import Path, PureWindowsPath
from shutil import copy2
from typing import Any

from maskwright.files import write_json, write_text
from maskwright.recipe import Recipe
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.recipes import dump_recipe

_PLACES = ("images", "masks", "pairs", "annotations", "previous", "split")  # keys of `data` that may hold a path
_PLAIN_FILES = (
    "threshold.json",
    "calibration.json",
)  # these name no picture and show none
_FILES_WITH_PICTURES = ("report.html", "evaluation.json", "MODEL_CARD.md", "split.csv")


def without_places(recipe: Recipe) -> Recipe:
    """Return the recipe with file names in place of paths, which tell of people and folders."""
    data = {key: last_part(place) for key in _PLACES if (place := getattr(recipe.data, key)) is not None}
    weights = {"weights": last_part(recipe.model.weights)}
    return recipe.model_copy(
        update={"data": recipe.data.model_copy(update=data), "model": recipe.model.model_copy(update=weights)}
    )


def plan_without_places(folder: RunFolder) -> dict[str, Any]:
    """Return the plan with a file name in place of the weights' path. Raises DataError."""
    plan = read_json(folder.plan)
    return {**plan, "weights": last_part(str(plan["weights"]))} if "weights" in plan else plan


def last_part(place: str) -> str:
    r"""Return a path's last part, as any system writes it; what is no path stays as it is.

    >>> last_part("/home/alice/old/split.csv"), last_part(r"C:\Users\alice\base.h5"), last_part("imagenet")
    ('split.csv', 'base.h5', 'imagenet')
    """
    return PureWindowsPath(place).name or place


def copies_to_send(run: RunFolder, into: Path, *, pictures: bool) -> list[Path]:
    """Write copies of what may be sent of a finished run into a folder; return them.

    pictures: with those that show or name pictures. Raises DataError or OutputError.
    """
    write_text(into / run.recipe.name, dump_recipe(without_places(run.read_recipe())))
    write_json(into / run.plan.name, plan_without_places(run))
    proof = run.path / "parity.json"
    if proof.exists():
        named = () if pictures else ("worst",)  # the picture on which file and network differ most
        write_json(into / proof.name, {key: value for key, value in read_json(proof).items() if key not in named})
    whole = (*_PLAIN_FILES, *(_FILES_WITH_PICTURES if pictures else ()))
    for path in [run.path / name for name in whole] + sorted(run.path.glob("*.svg")):
        if path.exists():
            copy2(path, into / path.name)
    return sorted(into.iterdir())
