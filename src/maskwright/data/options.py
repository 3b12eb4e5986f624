"""dataset.yaml: what a folder's owner states about it, and writing down what was guessed."""

from pathlib import Path
from typing import Any

import yaml

from maskwright.data.dataset import Dataset
from maskwright.errors import ConfigError
from maskwright.files import write_text
from maskwright.images.classes import IGNORE
from maskwright.recipe import DataOptions, validate

FILE = "dataset.yaml"
_LARGEST = 1_000_000


class _PlainLoader(yaml.SafeLoader):
    """YAML without references, so that a small file cannot unfold into a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*name) are not allowed here")
        return super().compose_node(parent, index)


def read_stated(folder: Path) -> DataOptions:
    """Return what dataset.yaml in this folder states; nothing if there is none. Raises ConfigError."""
    path = folder / FILE
    if not path.is_file():
        return DataOptions()
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError("The file is larger than 1 MB.", where=str(path), fix="keep the description only")
        content = yaml.load(path.read_text("utf-8-sig"), _PlainLoader)  # noqa: S506  (a SafeLoader)
    except OSError as error:
        raise ConfigError(
            f"The file cannot be read: {error.strerror}.", where=str(path), fix="check that it may be read"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"This is no valid YAML: {said}", where=str(path), fix="correct the line") from error
    if content is None:
        return DataOptions()
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigError(
            "dataset.yaml is a list of 'key: value' lines.", where=str(path), fix="for example: masks: annotations"
        )
    content.pop("schema_version", None)
    return validate(DataOptions, content, where=str(path))


def merged(stated: DataOptions, given: DataOptions) -> DataOptions:
    """Return what the folder states, overruled by what is given for this call."""
    return stated.model_copy(update={key: value for key, value in given if value is not None})


def write_options(dataset: Dataset, path: Path) -> None:
    """Write what was stated and guessed as a dataset.yaml, so that nothing needs to be guessed again.

    path: the file, or the folder that holds the data. Raises OutputError.
    """
    target = path / FILE if path.is_dir() else path
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
