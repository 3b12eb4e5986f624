"""Puts the tables of results.json and warning.json into docs/intervals.md.

    python benchmarks/statistics/page.py

Each table stands between `<!-- NAME -->` and `<!-- /NAME -->`; a test checks that the page is what the files give.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "intervals.md"
_UNITS = {"pictures": "pictures", "groups": "groups"}


def tables(results: Row, warning: dict[str, Sequence[Row]]) -> dict[str, str]:
    """Return each table as Markdown by its name."""
    return {
        "coverage": _coverage([row for row in results["coverage"] if row["measure"] == "mean"]),
        "pooled": _coverage([row for row in results["coverage"] if row["measure"] == "pooled"]),
        "methods": _methods(results["methods"]),
        "compare": _compare(results["compare"]),
        "power": _power(results["compare"]),
        "needed": _needed(results["needed"]),
        "misses": _misses(warning["means"]),
        "time": _time(results["time"]),
        "repeats": f"{results['repeats']:,} repeats of each cell",
        "compare-repeats": f"{results['repeats_compare']:,} repeats",
    }


def fill(text: str, content: dict[str, str]) -> str:
    """Return the page with its tables replaced."""
    for name, table in content.items():
        pattern = re.compile(rf"(<!-- {name} -->)(.*?)(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"the page has no place for '{name}'")
        inside = f"\n\n{table}\n\n" if table.startswith("|") else table
        text = pattern.sub(lambda found, inside=inside: found[1] + inside + found[3], text)
    return text


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _units(rows: Sequence[Row]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((row["unit"], row["number"]) for row in rows))


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["population"] for row in rows))


def _find(rows: Sequence[Row], **wanted: Any) -> Row:
    return next(row for row in rows if all(row[key] == value for key, value in wanted.items()))


def _coverage(rows: Sequence[Row]) -> str:
    names = _names(rows)
    lines = []
    for unit, number in _units(rows):
        found = [_find(rows, unit=unit, number=number, population=name) for name in names]
        cells = [f"{_percent(row['covered'])} ({_percent(row['printed'])})" for row in found]
        lines.append([f"{number:,} {_UNITS[unit]}", *cells])
    return _table(["", *names], lines)


def _methods(rows: Sequence[Row]) -> str:
    methods = list(dict.fromkeys(row["method"] for row in rows))
    keys = list(dict.fromkeys((row["population"], row["number"]) for row in rows))
    lines = [
        [method, *(_percent(_find(rows, method=method, population=name, number=n)["covered"]) for name, n in keys)]
        for method in methods
    ]
    return _table(["method", *(f"{name} {n}" for name, n in keys)], lines)


def _compare(rows: Sequence[Row]) -> str:
    names = _names(rows)
    lines = []
    for unit, number in _units(rows):
        found = [_find(rows, unit=unit, number=number, population=name) for name in names]
        lines.append([f"{number:,} {_UNITS[unit]}", *(_false_calls(row) for row in found)])
    return _table(["", *names], lines)


def _false_calls(row: Row) -> str:
    others = ", ".join(_percent(share) for share in row["others"].values())
    return f"{_percent(row['false_calls'])} ({others})" if others else _percent(row["false_calls"])


def _power(rows: Sequence[Row]) -> str:
    names, shifts = _names(rows), list(rows[0]["power"])
    lines = []
    for unit, number in _units(rows):
        found = [_find(rows, unit=unit, number=number, population=name) for name in names]
        cells = [" · ".join(f"{100 * row['power'][shift]:.0f}" for shift in shifts) for row in found]
        lines.append([f"{number:,} {_UNITS[unit]}", *cells])
    return _table(["", *names], lines)


def _needed(rows: Sequence[Row]) -> str:
    return _table(
        ["population", "true difference, deviations", "pictures said to be needed", "told apart with so many, %"],
        [[row["population"], f"{row['shift']:g}", f"{row['needed']:,}", _percent(row["power"])] for row in rows],
    )


def _misses(warning: Sequence[Row]) -> str:
    shown = [row for row in warning if row["number"] in (10, 20, 50, 100)]
    names = [one["population"] for one in shown[0]["populations"] if "misses" in one["population"]]
    names = list(dict.fromkeys(names))
    lines = []
    for row in shown:
        found = [_find(row["populations"], population=name, unit="pictures") for name in names]
        lines.append([str(row["number"]), *(f"{_percent(one['covered'])} ({_percent(one['said'])})" for one in found)])
    return _table(["pictures", *names], lines)


def _time(rows: Sequence[Row]) -> str:
    kinds = list(rows[0]["milliseconds"])
    lines = [[f"{row['pictures']:,}", *(f"{row['milliseconds'][kind]:.2f}" for kind in kinds)] for row in rows]
    return _table(["pictures", *kinds], lines)


def main() -> None:
    """Rewrite the page."""
    results = json.loads((HERE / "results.json").read_text("utf-8"))
    warning = json.loads((HERE / "warning.json").read_text("utf-8"))
    PAGE.write_text(fill(PAGE.read_text("utf-8"), tables(results, warning)), "utf-8")


if __name__ == "__main__":
    main()
