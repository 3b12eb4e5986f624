"""What a model file says of itself: classes, how pictures reach the network, threshold, where it comes from.

Written as JSON into the file's metadata by `export/`, checked to the last value when read: the file may come from
anyone. Knows nothing of how the network runs.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from maskwright.errors import DataError
from maskwright.images.classes import Classes

SCHEMA_VERSION = 1
METADATA_KEY = "maskwright"  # of the JSON in the file's metadata_props
MAX_CHARACTERS = 1_000_000  # of that JSON
MAX_DEPTH = 8  # of `trained`, `scores` and `reduced`
MAX_SIDE = 8192  # pixels of the network's input
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.05, 20.0  # beyond them probabilities are all 0 and 1, or all alike

Mode = Literal["whole", "tile"]
Dtype = Literal["uint8", "uint16"]


@dataclass(frozen=True)
class ModelDescription:
    """Everything a program needs to know of a model file to use it, and a person to judge it.

    classes: names, colours, exclusive or overlapping.
    mode, size: 'whole': pictures are resized to `size` (height, width); 'tile': tiles of `size` are cut.
    overlap: tile mode: pixels that neighbouring tiles share. scale: tile mode: pictures are first resized by this.
    bands, dtype: of the pictures. value_range: what a value is divided by before mean and std (255, 65535, ...).
    mean, std: of value / value_range, one for each band.
    threshold: cut on the probability (one foreground class, or overlapping classes); None for exclusive classes.
    temperature: what the graph divides the logits by before sigmoid or softmax; files from before it was known have 1.
    network, encoder, weights, licence, padding: in words. fingerprint: of the pictures it was trained on.
    trained, scores: what training and evaluation noted, plain JSON. maskwright: the version that wrote the file.
    precision: of the network's weights: 'fp32', or 'int8' for a quantised file.
    reduced: what was measured of the file in reduced precision, by "runtime precision" such as "openvino bf16".
    """

    classes: Classes
    mode: Mode
    size: tuple[int, int]
    overlap: int = 0
    scale: float = 1.0
    bands: int = 3
    dtype: Dtype = "uint8"
    value_range: float = 255.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    threshold: float | None = None
    temperature: float = 1.0
    network: str = ""
    encoder: str = ""
    weights: str = ""
    licence: str = ""
    padding: str = ""
    fingerprint: str = ""
    trained: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    maskwright: str = ""
    precision: Literal["fp32", "int8"] = "fp32"
    reduced: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def thresholded(self) -> bool:
        """Whether masks come from cutting probabilities (else from the largest of them)."""
        return self.classes.binary or not self.classes.exclusive

    def to_json(self) -> str:
        """Write as JSON. Raises DataError for a description that could not be read back."""
        content = asdict(self)
        try:
            text = json.dumps(content, allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"The model's description cannot be written as JSON: {error}.", fix="use plain values"
            ) from error
        parse_description(text, where="the description to be written")
        return text


def parse_description(text: str, *, where: str = "model file") -> ModelDescription:
    """Read and check a description. Raises DataError naming each fault; trusts nothing in `text`."""
    content = _parse_json(text, where)
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise DataError(
            f"The model file has description version {version}; this maskwright reads up to {SCHEMA_VERSION}.",
            where=where,
            fix="pip install --upgrade maskwright",
        )
    try:
        document = _Document.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(_fault(item) for item in error.errors()[:5])
        raise DataError(f"The model file's description is not valid: {faults}.", where=where, fix=_FIX) from None
    values = {name: getattr(document, name) for name in _Document.model_fields}
    classes = Classes(**{name: getattr(document.classes, name) for name in _Classes.model_fields})
    return ModelDescription(**{**values, "classes": classes})


_FIX = "get the file again from where it was made, or export it anew"


def _parse_json(text: str, where: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise DataError(f"The model file's description is {len(text)} characters long.", where=where, fix=_FIX)
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(
            "The model file's description is not JSON.", where=f"{where}: {error}"[:500], fix=_FIX
        ) from None
    if not isinstance(content, dict):
        raise DataError("The model file's description is not a JSON object.", where=where, fix=_FIX)
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _fault(item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"])
    given = repr(item.get("input"))[:60]
    message = item["msg"].removeprefix("Value error, ")
    return f"'{path}' {message} (given: {given})" if path else message


def _printable(text: str) -> str:
    """Refuse control characters: the text is shown in terminals and pages."""
    if not text.isprintable():
        raise ValueError("holds characters that cannot be shown")
    return text


def _check_depth(value: object, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested deeper than {MAX_DEPTH}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("holds a number that is not finite")
    if isinstance(value, str):
        _printable(value.replace("\n", ""))
    if isinstance(value, dict):
        for key, item in value.items():
            _printable(key)
            _check_depth(item, depth + 1)
    if isinstance(value, list):
        for item in value:
            _check_depth(item, depth + 1)


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=2000)]
Byte = Annotated[int, Field(ge=0, le=255, strict=True)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE, strict=True)]
Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Positive = Annotated[float, Field(gt=1e-9, le=1e6)]
Version = Annotated[int, Field(ge=1, strict=True)]


class _Classes(_Checked):
    names: tuple[Name, ...] = Field(min_length=1, max_length=255)
    colours: tuple[tuple[Byte, Byte, Byte], ...] = Field(max_length=255)
    exclusive: bool = Field(strict=True)
    ignored: Text

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in (*self.names, self.ignored):
            _printable(name)
        if len(set(self.names)) != len(self.names):
            raise ValueError("a class name stands twice")
        if len(self.colours) != len(self.names):
            raise ValueError(f"{len(self.names)} names, but {len(self.colours)} colours")
        if self.exclusive and len(self.names) < 2:
            raise ValueError("classes that exclude each other must be at least two")
        return self


class _Document(_Checked):
    classes: _Classes
    mode: Mode
    size: tuple[Side, Side]
    overlap: int = Field(ge=0, le=MAX_SIDE, strict=True)
    scale: float = Field(ge=1e-3, le=1)
    bands: int = Field(ge=1, le=256, strict=True)
    dtype: Dtype
    value_range: float = Field(gt=0, le=1e9)
    mean: tuple[Number, ...]
    std: tuple[Positive, ...]
    threshold: Annotated[float, Field(ge=0, le=1)] | None
    temperature: float = Field(1.0, ge=LEAST_TEMPERATURE, le=MOST_TEMPERATURE, strict=True)
    network: Text
    encoder: Text
    weights: Text
    licence: Text
    padding: Text
    fingerprint: Text
    trained: dict[str, Any]
    scores: dict[str, Any]
    maskwright: Text
    precision: Literal["fp32", "int8"] = "fp32"
    reduced: dict[str, Any] = Field(default_factory=dict)
    schema_version: Version

    @field_validator("network", "encoder", "weights", "licence", "padding", "fingerprint", "maskwright")
    @classmethod
    def _can_be_shown(cls, value: str) -> str:
        return _printable(value)

    @field_validator("trained", "scores", "reduced")
    @classmethod
    def _is_plain(cls, value: dict[str, Any]) -> dict[str, Any]:
        _check_depth(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.mean) == len(self.std) == self.bands:
            raise ValueError(f"{self.bands} bands, but {len(self.mean)} means and {len(self.std)} deviations")
        if self.mode == "tile" and self.overlap >= min(self.size):
            raise ValueError(f"tiles of {self.size} cannot overlap by {self.overlap} pixels")
        if self.mode == "whole" and (self.overlap or self.scale != 1):
            raise ValueError("overlap and scale belong to mode 'tile'")
        cut = not self.classes.exclusive or len(self.classes.names) == 2
        if cut != (self.threshold is not None):
            raise ValueError("a threshold is needed" if cut else "exclusive classes are not cut by a threshold")
        return self
