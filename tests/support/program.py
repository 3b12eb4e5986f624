"""Runs the program as a user does, and reads its documents against their schemas."""

import json
import os
import subprocess
import sys
from importlib import resources
from typing import Any

import jsonschema


def check_document(text: str, command: str) -> dict[str, Any]:
    """Read the one JSON document that `command` printed, and hold it against the schema in the package."""
    document: dict[str, Any] = json.loads(text)
    assert document["command"] == command
    schema = json.loads((resources.files("maskwright") / "schemas" / f"{command}.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    return document


def run_program(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run `maskwright` in a process of its own; progress is on stderr. One thread: the networks are tiny."""
    line = [sys.executable, "-W", "error", "-m", "maskwright", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **options.pop("env", {})}
    return subprocess.run(line, capture_output=True, text=True, check=False, env=environment, **options)
