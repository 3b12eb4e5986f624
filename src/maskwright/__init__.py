"""maskwright makes masks, and the model that makes them.

The public names below are looked up when they are first used: importing maskwright loads neither numpy nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from maskwright.data.pebbles import make_pebbles as make_pebbles
    from maskwright.data.public.catalogue import public_sets as public_sets
    from maskwright.data.public.fetch import fetch as fetch
    from maskwright.data.read import read_dataset as read_dataset
    from maskwright.errors import ConfigError as ConfigError
    from maskwright.errors import DataError as DataError
    from maskwright.errors import ExportError as ExportError
    from maskwright.errors import MaskwrightError as MaskwrightError
    from maskwright.errors import MissingDependency as MissingDependency
    from maskwright.errors import OutputError as OutputError
    from maskwright.errors import ShapeError as ShapeError
    from maskwright.errors import TrainingError as TrainingError
    from maskwright.progress import Step as Step
    from maskwright.recipe import DataOptions as DataOptions
    from maskwright.recipe import Recipe as Recipe
    from maskwright.runs.augmenting import augment as augment
    from maskwright.runs.checking import check as check
    from maskwright.runs.comparing import compare as compare
    from maskwright.runs.demo import demo as demo
    from maskwright.runs.evaluate import evaluate as evaluate
    from maskwright.runs.evaluate_masks import evaluate_predictions as evaluate_predictions
    from maskwright.runs.exporting import export_run as export_run
    from maskwright.runs.find_rate import find_rate as find_rate
    from maskwright.runs.measuring import Measures as Measures
    from maskwright.runs.plan_ahead import plan as plan
    from maskwright.runs.predict import predict_files as predict_files
    from maskwright.runs.recipes import list_recipes as recipes
    from maskwright.runs.showing import show as show
    from maskwright.runs.train import train as train
    from maskwright.runtime.predictor import load_model as load
    from maskwright.serve.limits import Limits as Limits
    from maskwright.serve.running import run_service as run_service

# public name -> (module, name there)
_PUBLIC = {
    "augment": ("maskwright.runs.augmenting", "augment"),
    "check": ("maskwright.runs.checking", "check"),
    "compare": ("maskwright.runs.comparing", "compare"),
    "demo": ("maskwright.runs.demo", "demo"),
    "evaluate": ("maskwright.runs.evaluate", "evaluate"),
    "evaluate_predictions": ("maskwright.runs.evaluate_masks", "evaluate_predictions"),
    "export_run": ("maskwright.runs.exporting", "export_run"),
    "fetch": ("maskwright.data.public.fetch", "fetch"),
    "find_rate": ("maskwright.runs.find_rate", "find_rate"),
    "load": ("maskwright.runtime.predictor", "load_model"),
    "make_pebbles": ("maskwright.data.pebbles", "make_pebbles"),
    "plan": ("maskwright.runs.plan_ahead", "plan"),
    "predict_files": ("maskwright.runs.predict", "predict_files"),
    "public_sets": ("maskwright.data.public.catalogue", "public_sets"),
    "read_dataset": ("maskwright.data.read", "read_dataset"),
    "recipes": ("maskwright.runs.recipes", "list_recipes"),
    "run_service": ("maskwright.serve.running", "run_service"),
    "show": ("maskwright.runs.showing", "show"),
    "train": ("maskwright.runs.train", "train"),
    "ConfigError": ("maskwright.errors", "ConfigError"),
    "DataError": ("maskwright.errors", "DataError"),
    "DataOptions": ("maskwright.recipe", "DataOptions"),
    "ExportError": ("maskwright.errors", "ExportError"),
    "Limits": ("maskwright.serve.limits", "Limits"),
    "MaskwrightError": ("maskwright.errors", "MaskwrightError"),
    "Measures": ("maskwright.runs.measuring", "Measures"),
    "MissingDependency": ("maskwright.errors", "MissingDependency"),
    "OutputError": ("maskwright.errors", "OutputError"),
    "Recipe": ("maskwright.recipe", "Recipe"),
    "ShapeError": ("maskwright.errors", "ShapeError"),
    "Step": ("maskwright.progress", "Step"),
    "TrainingError": ("maskwright.errors", "TrainingError"),
}

__all__ = [
    "__version__",
    "ConfigError",
    "DataError",
    "DataOptions",
    "ExportError",
    "Limits",
    "MaskwrightError",
    "Measures",
    "MissingDependency",
    "OutputError",
    "Recipe",
    "ShapeError",
    "Step",
    "TrainingError",
    "augment",
    "check",
    "compare",
    "demo",
    "evaluate",
    "evaluate_predictions",
    "export_run",
    "fetch",
    "find_rate",
    "load",
    "make_pebbles",
    "plan",
    "predict_files",
    "public_sets",
    "read_dataset",
    "recipes",
    "run_service",
    "show",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what a public name stands for, once."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'maskwright' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return list(__all__)
