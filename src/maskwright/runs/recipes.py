"""Recipes as files: finding them, reading YAML, merging what was stated, and counting their networks.

Defaults < recipe file < overrides; validated once, written whole into the run.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from maskwright.errors import ConfigError, need
from maskwright.planning.plan import share_epochs
from maskwright.recipe import Recipe, build_recipe, merge


@dataclass(frozen=True)
class RecipeFacts:
    """A recipe that comes with maskwright. Parameters are counted as `count` says; buffers: moving averages."""

    name: str
    task: str
    network: str
    parameters: int
    trainable: int
    buffers: int
    source: str
    count: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def load_recipe(recipe: str | Path | Recipe | None, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Return a recipe by name, by path, or as given, with dotted overrides set. Raises ConfigError."""
    if isinstance(recipe, Recipe):
        content, where = recipe.model_dump(mode="json", exclude_unset=True), f"recipe {recipe.name}"
    else:
        content, where = _read(recipe or "default")
    return build_recipe(merge(content, overrides or {}), where=where)


def with_epochs(recipe: Recipe, epochs: int | None) -> Recipe:
    """Return the recipe with so many epochs in all, shared out over its phases in their own proportion.

    Raises ConfigError where there are fewer epochs than phases.
    """
    phases = recipe.training.phases
    if epochs is None:
        return recipe
    if epochs < len(phases):
        raise ConfigError(
            f"The recipe has {len(phases)} phases, and each needs an epoch.",
            where="--epochs",
            fix=f"{len(phases)} or more",
        )
    stated = [1 if phase.epochs == "auto" else phase.epochs for phase in phases]
    shared = [
        phase.model_copy(update={"epochs": share})
        for phase, share in zip(phases, share_epochs(epochs, stated), strict=True)
    ]
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"phases": tuple(shared)})})


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with maskwright."""
    folder = resources.files("maskwright") / "recipes"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def dump_recipe(recipe: Recipe) -> str:
    """Return the whole recipe as YAML, defaults included."""
    content = {"schema_version": 1, **recipe.model_dump(mode="json")}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def list_recipes() -> list[RecipeFacts]:
    """Return every recipe that comes with maskwright, its network built (for three bands, two classes) and counted."""
    need("torch", extra="train", purpose="Counting networks")
    return [recipe_facts(load_recipe(name)) for name in recipe_names()]


def recipe_facts(recipe: Recipe) -> RecipeFacts:
    """Build a recipe's network, for three bands and the classes of its own set, and count it."""
    import torch

    from maskwright.models.build import count_parameters
    from maskwright.runs.networks import network_from, usual_decoder, usual_encoder, with_decoder

    model = recipe.model
    encoder = usual_encoder(model.name, "cpu")[0] if model.encoder == "auto" else model.encoder
    weights = "none" if model.weights == "auto" else model.weights
    recipe = with_decoder(recipe, usual_decoder(model, encoder))
    with torch.device("meta"):  # shapes without numbers: counting needs no more
        network, _ = network_from(recipe, encoder, weights, bands=3, num_outputs=_outputs(recipe), load=False)
    number = count_parameters(network)
    if all(phase.encoder == "frozen" for phase in recipe.training.phases):
        network.get_submodule("encoder").requires_grad_(False)
    counted = number.parameters + (number.buffers if recipe.count == "keras" else 0)
    return RecipeFacts(
        recipe.name, recipe.task, model.name if encoder == "none" else f"{model.name} over {encoder}", counted,
        count_parameters(network).trainable, number.buffers, recipe.source, recipe.count,
    )  # fmt: skip


def _outputs(recipe: Recipe) -> int:
    """How many channels the recipe's own picture set needs; one where it does not say."""
    classes = recipe.needs.classes or len(recipe.data.classes or ())
    return classes if classes > 2 else 1


def _read(recipe: str | Path) -> tuple[dict[str, Any], str]:
    path = Path(recipe)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        if not path.is_file():
            raise ConfigError("The recipe file does not exist.", where=str(path), fix="check the path")
        return _parse(path.read_text(encoding="utf-8"), str(path)), str(path)
    names = recipe_names()
    if str(recipe) not in names:
        near = get_close_matches(str(recipe), names, n=1)
        raise ConfigError(
            f"There is no recipe '{recipe}'.",
            where="--recipe",
            fix=f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}; or give a .yaml file",
        )
    text = (resources.files("maskwright") / "recipes" / f"{recipe}.yaml").read_text(encoding="utf-8")
    return _parse(text, f"recipe {recipe}"), f"recipe {recipe}"


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{where} is not valid YAML: {error}", where=where, fix="check quotes and indentation"
        ) from error
    if not isinstance(content, dict):
        raise ConfigError(f"{where} holds no table of keys.", where=where, fix="write keys such as `model:`")
    return content
