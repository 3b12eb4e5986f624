"""Puts the tables of results.json into docs/performance.md, and draws docs/growth.svg.

    python benchmarks/growth/page.py

Each table stands between `<!-- NAME -->` and `<!-- /NAME -->`; a test checks that the page is what the file gives.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
PAGE, PICTURE = DOCS / "performance.md", DOCS / "growth.svg"
Table = Mapping[str, Mapping[str, Mapping[str, float]]]  # work -> number, side or cores -> what was measured
_UNITS = {"number": "pictures", "side": "pixels a side", "cores": "cores"}


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return each table as Markdown, by its name."""
    return {f"growth-{name}": growth_table(name, results["tables"][name]) for name in _UNITS}


def growth_table(name: str, table: Table) -> str:
    """Return a line for each number, with seconds of processor (for cores: of the clock), growth and memory."""
    keys = sorted({int(key) for rows in table.values() for key in rows})
    head = [_UNITS[name], *table]
    lines = [[f"{key:,}", *(_cell(name, rows, key) for rows in table.values())] for key in keys]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---:"] * len(head), *lines])


def _cell(name: str, rows: Mapping[str, Mapping[str, float]], key: int) -> str:
    if str(key) not in rows:
        return "not measured"
    row = rows[str(key)]
    if name == "cores":
        return f"{row['seconds']:,.1f} s, {row['peak_mb']:,.0f} MB"
    grown = exponent(rows, key)
    told = "" if grown is None else f" ({grown:.2f})"
    return f"{row['cpu_seconds']:,.1f} s{told}, {row['peak_mb']:,.0f} MB"


def exponent(rows: Mapping[str, Mapping[str, float]], key: int) -> float | None:
    """Return p where the seconds of processor grew as number^p since the next smaller one; None for the first."""
    smaller = [int(other) for other in rows if int(other) < key]
    if not smaller:
        return None
    before = max(smaller)
    return math.log(rows[str(key)]["cpu_seconds"] / rows[str(before)]["cpu_seconds"]) / math.log(key / before)


def fill(text: str, content: Mapping[str, str]) -> str:
    """Return the page with its tables replaced. Raises ValueError where it has no place for one."""
    for name, table in content.items():
        pattern = re.compile(rf"(<!-- {name} -->)(.*?)(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"the page has no place for '{name}'")
        text = pattern.sub(lambda found, table=table: f"{found[1]}\n\n{table}\n\n{found[3]}", text)
    return text


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw seconds of processor and memory against the number of pictures and their side, both axes by powers."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "maskwright"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
    for across, name in enumerate(("number", "side")):
        for down, (what, title) in enumerate((("cpu_seconds", "seconds of processor"), ("peak_mb", "memory, MB"))):
            _curves(axes[down][across], results["tables"][name], what)
            axes[down][across].set(xlabel=_UNITS[name], ylabel=title)
            axes[down][across].grid(which="major", color="#dddddd", linewidth=0.6)
    axes[0][0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _curves(axes: Any, table: Table, what: str) -> None:
    for name, rows in table.items():
        keys: Sequence[int] = sorted(int(key) for key in rows)
        axes.loglog(keys, [rows[str(key)][what] for key in keys], marker="o", markersize=4, label=name)
        axes.set_xticks(keys, [f"{key:,}" for key in keys])
    axes.minorticks_off()


def main() -> None:
    """Rewrite the page and its picture."""
    results = json.loads((HERE / "results.json").read_text("utf-8"))
    PAGE.write_text(fill(PAGE.read_text("utf-8"), tables(results)), "utf-8")
    draw(results, PICTURE)


if __name__ == "__main__":
    main()
