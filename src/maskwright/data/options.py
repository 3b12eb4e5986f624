"""dataset.yaml: what a folder's owner states about it, and writing down what was guessed."""

from pathlib import Path
from typing import Any

import yaml

from maskwright.data.annotations.yolo import is_names_file
from maskwright.data.dataset import Dataset
from maskwright.data.plainyaml import PlainLoader
from maskwright.errors import ConfigError
from maskwright.files import write_text
from maskwright.images.classes import IGNORE
from maskwright.recipe import DataOptions, validate

FILE = "dataset.yaml"
_LARGEST = 1_000_000


def read_stated(folder: Path) -> DataOptions:
    """Return what dataset.yaml in this folder states; nothing if there is none. Raises ConfigError."""
    path = folder / FILE
    content = _read_yaml(path) if path.is_file() else None
    if content is None or is_names_file(content):  # Ultralytics' description of a set may have the same name
        return DataOptions()
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigError(
            "dataset.yaml is a list of 'key: value' lines.", where=str(path), fix="for example: masks: annotations"
        )
    content.pop("schema_version", None)
    return validate(DataOptions, content, where=str(path))


def _read_yaml(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError("The file is larger than 1 MB.", where=str(path), fix="keep the description only")
        return yaml.load(path.read_text("utf-8-sig"), PlainLoader)  # noqa: S506  (a SafeLoader)
    except OSError as error:
        raise ConfigError(
            f"The file cannot be read: {error.strerror}.", where=str(path), fix="check that it may be read"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"This is no valid YAML: {said}", where=str(path), fix="correct the line") from error


def merged(stated: DataOptions, given: DataOptions) -> DataOptions:
    """Return what the folder states, overruled by what is given for this call."""
    return stated.model_copy(update={key: value for key, value in given if value is not None})


def without_overruled(here: DataOptions, given: DataOptions) -> DataOptions:
    """Return what the folder states without what this call overrules in another way. Raises ConfigError.

    Masks, pairs and annotations each say where the masks come from: one of them is stated.
    """
    sources = ("masks", "pairs", "annotations")
    if any(getattr(given, source) is not None for source in sources):
        here = here.model_copy(update={source: None for source in sources if getattr(given, source) is None})
    for options in (here, given):
        both = [source for source in ("masks", "pairs") if getattr(options, source) is not None]
        if options.annotations is not None and both:
            raise ConfigError(
                f"Both '{both[0]}' and 'annotations' are stated.", where="dataset.yaml or the command line",
                fix="state where the masks come from: one of the two",
            )  # fmt: skip
    return here


def write_options(dataset: Dataset, path: Path) -> None:
    """Write what was stated and guessed as a dataset.yaml, so that nothing needs to be guessed again.

    path: the file, or the folder that holds the data. Raises OutputError, and ConfigError where a file of that name
    belongs to another program.
    """
    target = path / FILE if path.is_dir() else path
    if target.is_file() and target.name == FILE:
        _refuse_names_file(target)
    content: dict[str, Any] = {"schema_version": 1}
    for key, value in dataset.options:
        if value is not None:
            content[key] = _plain(value)
    lines = ["# What maskwright read this folder as. Correct what was guessed wrongly."]
    lines += [f"# {line}" for note in dataset.notes for line in note.splitlines()]
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
    write_text(target, "\n".join(lines) + "\n" + text)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def stated_values(dataset: Dataset) -> dict[str, int | tuple[int, ...]] | None:
    """Return the encoding's table as `values` can state it: class name -> value, values or colour."""
    names = dataset.classes.names
    found: dict[str, list[Any]] = {}
    for raw, label in dataset.encoding.table:
        found.setdefault("ignore" if label == IGNORE else names[label], []).append(raw)
    if not found or set(names) - set(found):
        return None
    return {name: raws[0] if len(raws) == 1 else tuple(raws) for name, raws in found.items()}


def _refuse_names_file(path: Path) -> None:
    """Raise ConfigError where a file of this name describes a YOLO set, which must not be written over."""
    if is_names_file(_read_yaml(path)):
        raise ConfigError(
            "dataset.yaml describes a YOLO set here; it is not written over.", where=str(path),
            fix="rename it to data.yaml",
        )  # fmt: skip
