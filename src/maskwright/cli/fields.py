"""Lists every key of a recipe with its type, default and description, straight from the model.

What `maskwright recipes --fields` prints and docs/reference.md holds.
"""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from maskwright.recipe import Recipe


def recipe_fields() -> list[dict[str, Any]]:
    """Return [{key, type, default, description}] in the order of the model; a list's item is written `.0`."""
    return list(_fields(Recipe, ""))


def _fields(model: type[BaseModel], prefix: str) -> Any:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner, repeated = _model_in(field.annotation)
        if inner is not None:
            yield from _fields(inner, f"{key}.0." if repeated else f"{key}.")
            continue
        default = field.get_default(call_default_factory=True)
        yield {
            "key": key,
            "type": _type_text(field.annotation),
            "default": list(default) if isinstance(default, tuple) else default,
            "description": field.description or "",
        }


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the model a field holds, if any, and whether it holds several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) is tuple:
        inner, _ = _model_in(get_args(annotation)[0])
        return inner, True
    return None, False


def _type_text(annotation: Any) -> str:
    """Write a type as people do: "int or auto", "list of names"."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_text(inner[0])
    if origin is Literal:
        return " or ".join(str(choice) for choice in inner)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type_text(part) for part in inner))
    if origin is tuple:
        parts = [part for part in inner if part is not Ellipsis]
        return (
            f"list of {_type_text(parts[0])}" if len(parts) < len(inner) else f"[{', '.join(map(_type_text, parts))}]"
        )
    if origin is dict:
        return "mapping"
    return {str: "text", int: "whole number", float: "number", bool: "true or false", NoneType: "null"}[annotation]
