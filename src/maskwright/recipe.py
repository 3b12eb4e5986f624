"""The whole of a training as one frozen model: data, network, loss, augmentation, phases, evaluation.

Types are the check, the default, the help text and the documentation. Reading YAML and finding recipe files is
the business of `runs/`; here are only the model, the merging of overrides, and errors that name the nearest key.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from maskwright.errors import ConfigError

Auto = Literal["auto"]
Share = Annotated[float, Field(ge=0, le=1)]


_PIXEL_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d{1,2})?|\.\d+)\s*([A-Za-zµμ]{1,12})\s*", re.ASCII)


def parse_pixel_size(text: str | None) -> tuple[float | None, str]:
    """Read "0.65 um" as (0.65, "um"); None is (None, "px"). Raises ValueError.

    >>> parse_pixel_size("0.65 um"), parse_pixel_size("30cm"), parse_pixel_size(None)
    ((0.65, 'um'), (30.0, 'cm'), (None, 'px'))
    """
    if text is None:
        return None, "px"
    found = _PIXEL_SIZE.fullmatch(text)
    if found is None or not 1e-9 < float(found[1]) < 1e9:
        raise ValueError(f"'{text[:40]}' is no length with a unit; write it as 0.65 um or 30 cm")
    return float(found[1]), found[2]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=Strict)


class DataOptions(Strict):
    """What a data folder holds. Stated in `dataset.yaml`, in a recipe under `data`, or on the command line.

    Whatever is left out is guessed from the folder, and the guess is shown.
    """

    images: str | None = Field(None, description="folder of the pictures, below the data folder")
    masks: str | None = Field(None, description="folder of the masks, below the data folder")
    pairs: str | None = Field(None, description="CSV file with columns image, mask and, if wanted, group and part")
    annotations: str | None = Field(
        None,
        description="outlines that masks are drawn from: a file or folder below the data folder, or a format "
        "(coco, labelme, yolo, cvat, label-studio, supervisely)",
    )
    encoding: Literal["index", "binary", "antialiased", "trimap", "colour", "objects", "per-class"] | None = Field(
        None, description="how classes are written into the mask files"
    )
    classes: tuple[str, ...] | None = Field(None, description="names of the classes, background first")
    values: dict[str, int | tuple[int, int, int] | tuple[int, ...]] | None = Field(
        None, description="class name -> mask value or colour; the name 'ignore' marks pixels that do not count"
    )
    ignore: int | None = Field(None, description="mask value of pixels that count in nothing")
    group: str | None = Field(
        None,
        description="what keeps related pictures together: 'none', 'name' (each its own), 'folder', "
        "a column of the manifest, or a regular expression whose first group is taken from the file's stem",
    )
    previous: str | None = Field(
        None, description="the split.csv of an earlier run: its pictures stay in their parts, new ones join by group"
    )
    split: str | None = Field(
        None, description="a split.csv (columns image, group, part), or 'folders', 'lists', 'hash'"
    )
    pixel_size: str | None = Field(
        None, description="side of a mask's pixel with its unit, such as '0.65 um': distances are then told in it too"
    )

    @field_validator("pixel_size")
    @classmethod
    def _check_pixel_size(cls, text: str | None) -> str | None:
        parse_pixel_size(text)
        return text

    @field_validator("classes")
    @classmethod
    def _check_classes(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for number, name in enumerate(names or (), start=1):
            if not name.strip():
                raise ValueError(f"name {number} is empty; give each class a name")
            if not name.isprintable() or len(name) > 200:
                raise ValueError(f"name {number} cannot be printed or is longer than 200 characters; use plain words")
        if names is not None and len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{twice} is named twice; give each class its own name")
        return names

    @field_validator("values", "ignore")
    @classmethod
    def _check_values(cls, value: Any) -> Any:
        for item in value.values() if isinstance(value, dict) else (value,):
            for number in item if isinstance(item, tuple) else (item,):
                if number is not None and not 0 <= number <= 65535:
                    raise ValueError(f"{number} is no mask value; masks hold 0 to 65535")
        return value


class ModelOptions(Strict):
    """The network and how pictures reach it. A network that does not know a setting refuses it."""

    name: str = Field("unet", description="architecture; unet, over an encoder, is maskwright's own")
    encoder: str = Field("auto", description="a timm or smp encoder's name, 'none' for a small plain one, or auto")
    weights: str = Field("auto", description="imagenet, keras, none, a local .safetensors or .h5 path, or auto")
    padding: Literal["auto", "same", "symmetric"] = Field(
        "auto",
        description="conventions of the encoder: 'same' is TensorFlow's (padding right and bottom, batch norm epsilon "
        "1e-3, pictures in -1..1), 'symmetric' PyTorch's; auto takes what the weights were trained with",
    )
    non_commercial: bool = Field(False, description="allow weights whose licence forbids commercial use")
    decoder_channels: tuple[PositiveInt, ...] | Auto = Field(
        "auto",
        description="filters of the decoder, deepest first; one fewer than the encoder has stages ends at half size; "
        "auto: the network's own, in a U-Net over mobilenetv2_035 fewer",
    )
    filters: PositiveInt | tuple[PositiveInt, ...] | Auto = Field(
        "auto", description="plain networks: filters of each block, the first first; one number is doubled each time"
    )
    blocks: PositiveInt | Auto = Field("auto", description="plain networks: contracting blocks, the deepest included")
    downsampling: Literal["auto", "max_pooling", "strided"] = Field(
        "auto", description="plain networks: how a contracting block halves its size"
    )
    batch_norm: bool | Auto = Field("auto", description="batch norm in the blocks of plain networks, smp's decoders")
    encoder_depth: Annotated[int, Field(ge=3, le=5)] | Auto = Field(
        "auto", description="smp networks: how many times the encoder halves the picture"
    )
    attention: Literal["none", "scse", "gate"] | Auto = Field(
        "auto", description="in the decoder: scse (unet, smp networks), a gate on each skip (isic_segnet), or none"
    )
    atrous: tuple[PositiveInt, ...] | Auto = Field(
        "auto", description="isic_segnet: rates of the atrous convolutions on the encoder's features; [] for none"
    )
    auxiliary: Annotated[float, Field(ge=0)] = Field(
        0.0, description="smp networks: weight of a second head's loss, which classes a picture shows; 0: no such head"
    )
    initialisation: Literal["auto", "he", "glorot"] = Field(
        "auto", description="first weights of what is not pretrained; auto: the network's own habit"
    )
    mode: Literal["auto", "whole", "tile"] = Field("auto", description="resize the whole picture, or cut tiles")
    size: PositiveInt | tuple[PositiveInt, PositiveInt] | Auto = Field(
        "auto", description="height and width that the network sees (a single number for a square)"
    )
    scale: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="tile mode: pictures are first resized by this")
    dropout: Share = Field(0.0, description="dropout; where, is the network's own habit")


class Augmentation(Strict):
    """Random changes of a training picture; geometry is one resampling, colour one matrix."""

    base: Literal["usual", "none"] = Field(
        "usual", description="what is not set below: maskwright's usual amount, or none of it"
    )
    flip_horizontal: Share = Field(0.5, description="probability of mirroring left and right")
    flip_vertical: Share = Field(0.0, description="probability of mirroring top and bottom")
    quarter_turns: bool = Field(False, description="turn by 0, 90, 180 or 270 degrees")
    rotate_degrees: Annotated[float, Field(ge=0, le=180)] = Field(15.0, description="rotation, uniform in +- this")
    scale: Annotated[float, Field(ge=0, lt=1)] = Field(0.2, description="zoom, log-uniform in 1/(1+s) .. 1+s")
    shift: Share = Field(0.06, description="shift, uniform in +- this share of the side")
    brightness: Share = Field(0.15, description="added to all bands, in shares of the full range")
    contrast: Share = Field(0.2, description="factor on the distance from mid-grey, 1 +- this")
    saturation: Share = Field(0.2, description="factor on the distance from grey, 1 +- this (3 bands)")
    hue_degrees: Annotated[float, Field(ge=0, le=180)] = Field(8.0, description="rotation of hue, +- this (3 bands)")
    noise: Share = Field(0.0, description="standard deviation of Gaussian noise, share of the full range")

    @model_validator(mode="wrap")
    @classmethod
    def _fill_from_base(cls, value: Any, build: ModelWrapValidatorHandler["Augmentation"]) -> "Augmentation":
        """Make zero what is not set; it still counts as not set, so that another base can be put in its place."""
        if not (isinstance(value, Mapping) and value.get("base") == "none"):
            return build(value)
        made = build({**dict.fromkeys(set(cls.model_fields) - {"base"}, 0), **value})
        made.model_fields_set.intersection_update(value)
        return made


NO_AUGMENTATION = Augmentation(base="none")


class Phase(Strict):
    """A stretch of training with its own rates."""

    epochs: PositiveInt | Auto = Field("auto", description="passes over the training pictures")
    encoder: Literal["trained", "frozen"] = Field(
        "trained", description="frozen: no gradients, and batch norm in evaluation mode, in the encoder"
    )
    encoder_batch_norm: Literal["trained", "frozen"] = Field(
        "trained",
        description="frozen: a trained encoder's batch norm keeps the averages it has, so that gentle fine-tuning "
        "begins from the very same answers",
    )
    learning_rate: PositiveFloat = Field(2e-3, description="peak rate of decoder and head, per step")
    encoder_learning_rate: PositiveFloat | None = Field(None, description="peak rate of the encoder; default: half")
    schedule: Literal["cosine", "plateau", "constant"] = Field("cosine", description="how the rate goes after warm-up")
    warmup: Share = Field(0.1, description="share of the phase's steps in which the rate rises linearly from zero")
    plateau_factor: Share = Field(0.1, description="plateau: factor on the rate")
    plateau_patience: PositiveInt = Field(
        4, description="plateau: epochs without a better validation before the factor"
    )


class TrainingOptions(Strict):
    """How the network is fitted."""

    phases: tuple[Phase, ...] = Field((Phase(),), min_length=1)
    batch_size: PositiveInt | Auto = Field("auto", description="pictures in one step")
    optimizer: Literal["adamw", "adam"] = "adamw"
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    epsilon: PositiveFloat = Field(1e-8, description="the optimizer's epsilon")
    clip_norm: PositiveFloat | None = Field(1.0, description="largest norm of the gradient, or null")
    early_stopping: PositiveInt | None = Field(None, description="epochs without a better validation before the end")
    restore_best: bool = Field(True, description="keep the weights of the best validation, not of the last epoch")
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 0
    checkpoint_seconds: Annotated[float, Field(ge=0)] = Field(30.0, description="least time between two checkpoints")


class EvaluationOptions(Strict):
    """How scores are taken and what `best` means."""

    threshold: Annotated[float, Field(gt=0, lt=1)] | Auto = Field(
        "auto", description="cut on probabilities (binary, overlapping); auto chooses it on validation pictures"
    )
    choose_by: Literal["dice", "iou", "f_beta"] = Field(
        "dice",
        description="the measure of the best epoch and of the cut; f_beta: beta squared 0.3, as for salient objects",
    )
    temperature: Annotated[float, Field(ge=0.05, le=20)] | Auto = Field(
        "auto",
        description="what logits are divided by before they become probabilities; auto chooses it on validation "
        "pictures, and keeps 1 where that helps little",
    )
    saliency: bool = Field(
        False,
        description="also measure as papers on salient objects do: F-beta, MAE, S-measure, E-measure (two classes)",
    )
    tolerance: Annotated[float, Field(gt=0)] | None = Field(
        None, description="how many pixels a boundary may be off in boundary F1; default: a share of the diagonal"
    )


class Needs(Strict):
    """The picture set that a recipe is for; other data is refused in one sentence before anything starts."""

    pictures: PositiveInt = Field(1, description="least number of pictures with masks")
    classes: Annotated[int, Field(ge=2)] | None = Field(None, description="number of classes, background included")
    set: str = Field("", description="what the source used, in words")
    fetch: str | None = Field(None, description="its name for `maskwright fetch`")


class Recipe(Strict):
    """Everything that determines a training, besides the pictures."""

    name: str = "default"
    task: str = Field("", description="one sentence on what the recipe is for")
    source: str = Field("", description="where the system comes from")
    count: Literal["pytorch", "keras"] = Field(
        "pytorch", description="how the source counts parameters: keras includes batch norm's moving averages"
    )
    needs: Needs = Needs()
    data: DataOptions = DataOptions()
    model: ModelOptions = ModelOptions()
    loss: str = Field("auto", description="names, weights, options: dice+bce, 0.7*dice(smooth=1)+0.3*jaccard, or auto")
    augmentation: Augmentation = Augmentation()
    training: TrainingOptions = TrainingOptions()
    evaluation: EvaluationOptions = EvaluationOptions()
    folds: PositiveInt | None = Field(None, ge=2, description="train this many folds and pool their scores")

    @model_validator(mode="before")
    @classmethod
    def _drop_schema_version(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: item for key, item in value.items() if key != "schema_version"}
        return value


def build_recipe(content: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
    """Validate a nested mapping. Raises ConfigError naming the key, and the nearest one for a misspelt key."""
    return validate(Recipe, content, where=where)


def validate(model: type[M], content: Mapping[str, Any], *, where: str) -> M:
    """Validate a mapping as `model`; raise ConfigError with every fault in one message."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = [_fault(model, item) for item in error.errors()]
        raise ConfigError(
            f"{where}: " + "; ".join(fault for fault, _ in faults),
            where=where,
            fix=next((fix for _, fix in faults if fix), "see `maskwright recipes --fields` for every key"),
        ) from None


def merge(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `content` with dotted overrides set: {"training.seed": 1}. Neither argument is changed.

    A list item is named by its number: {"training.phases.0.epochs": 5}. Raises ConfigError.
    """
    result: dict[str, Any] = _copy(content)
    for key, value in overrides.items():
        _set(result, key, value)
    return result


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return value


def _set(content: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    here: Any = content
    for depth, part in enumerate(parents):
        if isinstance(here, list):
            here = here[_position(part, here, key)]
        else:
            following = parents[depth + 1] if depth + 1 < len(parents) else last
            here = here.setdefault(part, [{}] if following.isdigit() else {})
        if not isinstance(here, dict | list):
            raise ConfigError(
                f"Option '{key}' goes into '{part}', which is a single value.",
                where=key,
                fix="see `maskwright recipes --fields`",
            )
    if isinstance(here, list):
        here[_position(last, here, key)] = value
    else:
        here[last] = value


def _position(part: str, items: list[Any], key: str) -> int:
    if not part.isdigit() or int(part) > len(items):
        raise ConfigError(
            f"Option '{key}': '{part}' is no place in a list of {len(items)}.", where=key, fix=f"0 to {len(items)}"
        )
    if int(part) == len(items):
        items.append({})
    return int(part)


def _fault(model: type[BaseModel], item: Any) -> tuple[str, str]:
    """Turn one of pydantic's errors into (what, fix)."""
    path = [str(part) for part in item["loc"]]
    parent, key = ".".join(path[:-1]), path[-1] if path else ""
    if item["type"] == "extra_forbidden":
        known = _keys_at(model, path[:-1])
        near = get_close_matches(key, known, n=1)
        under = f" under '{parent}'" if parent else ""
        what = f"unknown key '{key}'{under}"
        return (
            (f"{what}. Did you mean '{near[0]}'?", f"write '{near[0]}' for '{key}'")
            if near
            else (what, f"known keys: {', '.join(sorted(known))}")
        )
    given = repr(item.get("input"))
    return f"'{'.'.join(path)}': {item['msg'][:1].lower()}{item['msg'][1:]} (given: {given[:80]})", ""


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    here: type[BaseModel] | None = model
    for part in path:
        if here is None or part.isdigit():
            continue
        here = _model_in(here.model_fields[part].annotation) if part in here.model_fields else None
    return list(here.model_fields) if here else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, list, Union, UnionType, Annotated):
        return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
    return None
