"""Whether a data folder is of the kind that a recipe is for; if not, one sentence says so before anything starts."""

from pathlib import Path

from maskwright.data.copies import originals
from maskwright.data.dataset import Dataset
from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.progress import Progress, ignore
from maskwright.recipe import Recipe


def read_for(data: Path, recipe: Recipe, progress: Progress = ignore) -> Dataset:
    """Read a folder as the recipe says; pictures and masks that it leaves unclear are for the check to name.

    Raises DataError that names the recipe's own set where that cannot be done.
    """
    needs = recipe.needs
    if not needs.set:
        return read_dataset(data, recipe.data, tolerant=True, progress=progress)
    if not data.exists():
        raise DataError(
            f"The recipe '{recipe.name}' is for {needs.set}, and there is nothing at {data}.",
            where=str(data),
            fix=_how_to_get(recipe, "name the folder that holds it"),
        )
    try:
        return read_dataset(data, recipe.data, tolerant=True, progress=progress)
    except DataError as error:
        raise DataError(
            f"The recipe '{recipe.name}' is for {needs.set}. {error.what}", where=error.where, fix=error.fix
        ) from error


def check_needs(dataset: Dataset, recipe: Recipe) -> None:
    """Raise DataError where there are too few pictures for the recipe, or other classes than it is for."""
    needs = recipe.needs
    fix = _how_to_get(recipe, f"train without the recipe: maskwright train {dataset.root}")
    pictures = len(originals(dataset.columns))
    if pictures < needs.pictures:
        raise DataError(
            f"The recipe '{recipe.name}' needs at least {needs.pictures} pictures with masks, and there are "
            f"{pictures}: it is for {needs.set or 'larger sets'}.",
            where=str(dataset.root),
            fix=fix,
        )
    classes = dataset.classes
    if needs.classes is not None and (len(classes.names) != needs.classes or not classes.exclusive):
        kind = "" if classes.exclusive else "overlapping "
        raise DataError(
            f"The recipe '{recipe.name}' is for {needs.classes} classes (background included), and these masks hold "
            f"{len(classes.names)} {kind}classes: {', '.join(classes.names[:6])}.",
            where=str(dataset.root),
            fix=fix,
        )


def _how_to_get(recipe: Recipe, otherwise: str) -> str:
    if recipe.needs.fetch is None:
        return otherwise
    return f"{otherwise}; the recipe's own set: maskwright fetch {recipe.needs.fetch}"
