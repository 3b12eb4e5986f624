"""Puts the table of results.json into docs/performance.md.

    python benchmarks/speed/page.py

What it writes stands between `<!-- NAME -->` and `<!-- /NAME -->`; a test checks that the page is what the file gives.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from words import memory_of, ratio_text, side_of, verdict

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "performance.md"
_HEAD = ("work", "aim", "maskwright", "ordinary script", "times better", "memory", "rounds", "date")


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return what goes into the page, by name."""
    return {"speed": speed_table(results["rows"]), "machine": machine_text(results["machine"])}


def fill(text: str, content: Mapping[str, str]) -> str:
    """Return the page with its tables replaced. Raises ValueError where it has no place for one."""
    for name, table in content.items():
        pattern = re.compile(rf"(<!-- {name} -->)(.*?)(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"the page has no place for '{name}'")
        text = pattern.sub(lambda found, table=table: f"{found[1]}\n\n{table}\n\n{found[3]}", text)
    return text


def speed_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a line for each row that was measured, in the order of the file."""
    return _table(_HEAD, [_cells(row) for row in rows.values()])


def _cells(row: Mapping[str, Any]) -> list[str]:
    title = f"{row['title']} (against {row['compared']})"
    if "absent" in row:
        return [title, row["aim"]["text"], row["absent"], "", "", "", "", row["date"]]
    said = verdict(row)
    sides = (row["ours"], row["ordinary"])
    return [
        title,
        f"{row['aim']['text']}: {said}" if said else row["aim"]["text"],
        *(f"{side_of(side)} {row['unit']}" for side in sides),
        ratio_text(row),
        " / ".join(memory_of(side) for side in sides),
        " / ".join(str(len(side["measurements"])) for side in sides),
        row["date"],
    ]


def machine_text(machine: Mapping[str, Any]) -> str:
    """Say on what it was measured."""
    memory = "memory unknown" if machine["memory_gib"] is None else f"{machine['memory_gib']:g} GiB of memory"
    graphics = machine["gpu"] or "no GPU"
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['processor']}, {machine['cores']} cores, {memory}, {graphics}; {machine['system']}; {versions}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Rewrite the page."""
    results = json.loads((HERE / "results.json").read_text("utf-8"))
    PAGE.write_text(fill(PAGE.read_text("utf-8"), tables(results)), "utf-8")


if __name__ == "__main__":
    main()
