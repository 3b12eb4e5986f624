"""From single measurements to a row of results.json: medians, spread, ratios; and merging rows into the file."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
Document = dict[str, Any]


def summarise(measurements: Sequence[Mapping[str, Any]]) -> Document:
    """Return median, least and largest value of one side, its largest memory, and every single measurement."""
    values = [one["value"] for one in measurements]
    memory = [one["memory_bytes"] for one in measurements if one["memory_bytes"] is not None]
    return {
        "median": statistics.median(values),
        "low": min(values),
        "high": max(values),
        "memory_bytes": max(memory, default=None),
        "measurements": [dict(one) for one in measurements],
    }


def ratio_of(ours: Sequence[float], ordinary: Sequence[float], *, higher_is_better: bool) -> Document:
    """Return how many times better our side is: of the medians, and the least and largest of the rounds' own ratios.

    ours, ordinary: of the rounds in order; one side may have had fewer.
    """
    pairs = [(a, b) if higher_is_better else (b, a) for a, b in zip(ours, ordinary, strict=False)]
    each = [above / below for above, below in pairs]
    middle = statistics.median(ours) / statistics.median(ordinary)
    return {"of_medians": middle if higher_is_better else 1 / middle, "low": min(each), "high": max(each)}


def read_results(path: Path, machine: Mapping[str, Any]) -> Document:
    """Read the file to merge into, or begin one. Raises SystemExit for figures of another machine or other versions."""
    fresh: Document = {"schema_version": SCHEMA_VERSION, "machine": dict(machine), "rows": {}}
    if not path.exists():
        return fresh
    found: Document = json.loads(path.read_text("utf-8"))
    if found["machine"] != fresh["machine"]:
        raise SystemExit(
            f"{path} was measured on another machine or with other versions:\n  there {found['machine']}\n"
            f"  here  {fresh['machine']}\nRemove it, or name another file with --output."
        )
    return found


def write_results(path: Path, results: Document) -> None:
    """Write the file."""
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
