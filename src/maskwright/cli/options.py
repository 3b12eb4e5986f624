"""The arguments and options that commands share: one name, one meaning, one help text each."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from maskwright.recipe import DataOptions


def _option(help: str, metavar: str, *names: str) -> Any:
    return typer.Option(*names, help=help, metavar=metavar)


Data = Annotated[Path, typer.Argument(metavar="DATA", help="Folder, zip, tar or CSV manifest with pictures and masks.")]
Model = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a model.onnx.")]

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]

Images = Annotated[str | None, _option("Folder of the pictures, below DATA.", "FOLDER")]
Masks = Annotated[str | None, _option("Folder of the masks, below DATA.", "FOLDER")]
Pairs = Annotated[str | None, _option("CSV file with the columns image and mask (and group, part).", "FILE")]
Annotations = Annotated[
    str | None,
    _option(
        "Outlines to draw the masks from: a file or folder, or coco, labelme, yolo, cvat, label-studio, supervisely.",
        "FORMAT|FILE",
    ),
]
Encoding = Annotated[
    str | None,
    _option("How masks hold classes: index, binary, antialiased, trimap, colour, objects or per-class.", "KIND"),
]
ClassNames = Annotated[str | None, _option("Names of the classes, background first.", "NAME,NAME,...")]
Group = Annotated[
    str | None,
    _option(
        "What keeps related pictures together: none, name, folder, a column of the manifest, "
        "or a regular expression for the file's stem.",
        "RULE",
    ),
]
SplitRule = Annotated[str | None, _option("A split.csv, or one of folders, lists, hash.", "FILE|RULE")]

RecipeName = Annotated[str | None, _option("A recipe's name (see `maskwright recipes`) or YAML file.", "NAME|FILE")]
Settings = Annotated[
    list[str] | None,
    _option("Set one key of the recipe, such as training.batch_size=8; may be repeated.", "KEY=VALUE", "--set"),
]
Encoder = Annotated[str | None, _option("A timm or smp encoder, such as mobilenetv2_100, or 'none'.", "NAME")]
Weights = Annotated[str | None, _option("imagenet, keras, none, or a .safetensors or .h5 file.", "NAME|FILE")]
Size = Annotated[str | None, _option("What the network sees: 192, or HEIGHTxWIDTH such as 192x256.", "N|HxW")]
Mode = Annotated[str | None, _option("whole: resize each picture. tile: cut it.", "whole|tile")]
Epochs = Annotated[int | None, _option("Passes over the training pictures, shared out over the recipe's phases.", "N")]
Seed = Annotated[int | None, _option("Seed of everything random.", "N")]
Minutes = Annotated[
    float | None,
    _option("End within these minutes, whole command: the best set-up that fits; a recipe's own epochs give way.", "M"),
]
Folds = Annotated[int | None, _option("Train this many folds and pool their scores.", "N")]
Track = Annotated[
    list[str] | None,
    _option(
        "Copy curves and scores to a tracker: tensorboard, wandb, mlflow, or another that Accelerate knows. "
        "May be repeated.",
        "NAME,...",
    ),
]

Runtime = Annotated[str | None, _option("What runs the model file.", "onnxruntime|openvino")]
Precision = Annotated[str | None, _option("Precision of the network's part of the model file.", "fp32|bf16|int8")]
AnyRuntime = Annotated[
    str, _option("What runs the model file. auto: OpenVINO for many pictures where it is installed.", "auto|NAME")
]
AnyPrecision = Annotated[
    str,
    _option(
        "auto: bf16 in OpenVINO where `export --to bf16` noted that the masks stay the same.", "auto|fp32|bf16|int8"
    ),
]


def data_options(**stated: str | None) -> "DataOptions":
    """Build DataOptions from what the user stated; `classes` is a list with commas. Raises ConfigError."""
    from maskwright.recipe import DataOptions, validate

    content: dict[str, Any] = {key: value for key, value in stated.items() if value is not None}
    if "classes" in content:
        content["classes"] = [name.strip() for name in content["classes"].split(",")]
    return validate(DataOptions, content, where="command line")


def description_file(data: Path) -> Path:
    """Return where a data folder is described. Raises ConfigError for an archive, which has no such place."""
    if data.is_file() and data.suffix.lower() != ".csv":
        from maskwright.errors import ConfigError

        what = "What was found cannot be written into an archive."
        raise ConfigError(what, where=str(data), fix="unpack it and check the folder with --write")
    return (data.parent if data.is_file() else data) / "dataset.yaml"


def recipe_overrides(settings: list[str] | None, stated: Mapping[str, Any]) -> dict[str, Any]:
    """Merge named options ({"model.encoder": "resnet18"}) with --set, which comes last and so wins.

    Raises typer.BadParameter for a setting that is not KEY=VALUE with a YAML value.
    """
    overrides = {key: value for key, value in stated.items() if value is not None}
    for setting in settings or ():
        key, value = parse_setting(setting)
        overrides[key] = value
    return overrides


def parse_setting(setting: str) -> tuple[str, Any]:
    """Read "a.b=c" as ("a.b", c), with c a YAML scalar or list.

    >>> parse_setting("training.batch_size=8"), parse_setting("model.size=[192, 256]")
    (('training.batch_size', 8), ('model.size', [192, 256]))
    """
    import yaml

    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise typer.BadParameter(f"'{setting}' is not KEY=VALUE, such as training.batch_size=8.", param_hint="--set")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"'{text}' is no YAML value.", param_hint="--set") from error
    return key.strip(), value


def parse_size(size: str | None) -> int | list[int] | None:
    """Read "192" as 192 and "192x256" as [192, 256] (height, width).

    Raises typer.BadParameter for anything else.
    """
    if size is None:
        return None
    numbers = size.lower().split("x")
    if len(numbers) > 2 or not all(number.strip().isdecimal() for number in numbers):
        raise typer.BadParameter(
            f"'{size}' is neither a number nor HEIGHTxWIDTH, such as 192x256.", param_hint="--size"
        )
    sides = [int(number) for number in numbers]
    return sides[0] if len(sides) == 1 else sides
