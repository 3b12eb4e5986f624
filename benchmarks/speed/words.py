"""Rows of results.json in words: one line on the console, one line of a Markdown table."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def verdict(row: Document) -> str:
    """Say whether a measured row meets its aim: "met", "missed", or nothing where there is no number to reach."""
    aim = row["aim"]
    if aim["ratio"] is None and aim["most"] is None:
        return ""
    enough = aim["ratio"] is None or row["ratio"]["of_medians"] >= aim["ratio"]
    soon = aim["most"] is None or row["ours"]["median"] <= aim["most"]
    return "met" if enough and soon else "missed"


def line_of(row: Document) -> str:
    """One line for the console."""
    if "absent" in row:
        return f"{row['title']}: {row['absent']}"
    ours, ordinary = (f"{side_of(row[side])} {row['unit']}" for side in ("ours", "ordinary"))
    memory = " and ".join(memory_of(row[side]) for side in ("ours", "ordinary"))
    said = verdict(row)
    aim = f"aim {row['aim']['text']}{': ' + said if said else ''}"
    return f"{row['title']}: {ours} against {ordinary}, ratio {ratio_text(row)}, {aim}; memory {memory}"


def side_of(side: Document) -> str:
    """The median, and the least and largest value: "13.1 (12.8-13.3)"."""
    return f"{number(side['median'])} ({number(side['low'])}-{number(side['high'])})"


def ratio_text(row: Document) -> str:
    """The ratio of the medians, and the rounds' own: "5.1 (4.9-5.4)"."""
    ratio = row["ratio"]
    return " ".join([f"{ratio['of_medians']:.2f}", f"({ratio['low']:.2f}-{ratio['high']:.2f})"])


def memory_of(side: Document) -> str:
    """Peak memory in GB; a dash where it is not known."""
    return "-" if side["memory_bytes"] is None else f"{side['memory_bytes'] / 1e9:.1f} GB"


def number(value: float) -> str:
    """Three figures, without an exponent: 0.412, 13.1, 205, 1030."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
