"""Writes the JSON Schema of every command's document into the package: `make schemas`.

A test compares the files with the models, so that neither changes alone.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from maskwright.cli.documents import DOCUMENTS, Failed

FOLDER = Path(__file__).parents[1] / "schemas"


def make_schemas() -> dict[str, dict[str, Any]]:
    """Return file name -> JSON Schema: each command's document, or that of its error."""
    schemas = {}
    for command, document in DOCUMENTS.items():
        either: Any = document | Failed
        schema = TypeAdapter(either).json_schema(by_alias=True)
        title = f"maskwright {command} --json"
        schemas[f"{command}.json"] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema
        }  # fmt: skip
    return schemas


def as_text(schema: dict[str, Any]) -> str:
    """Return a schema as the file holds it."""
    return json.dumps(schema, indent=2) + "\n"


def write_schemas(folder: Path = FOLDER) -> None:
    """Write all schema files."""
    from maskwright.files import write_text

    for name, schema in make_schemas().items():
        write_text(folder / name, as_text(schema))


if __name__ == "__main__":
    write_schemas()
