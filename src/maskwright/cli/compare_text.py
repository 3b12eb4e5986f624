"""Turns the document of `maskwright compare` into what a person reads: a table, the verdicts, what to know of them."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Content = Mapping[str, Any]


def compare_text(content: Content, *, width: int = 100) -> str:
    """Tell the scores of the entries, then a sentence for each difference, then the notes."""
    blocks = [_heading(content), *_table(content), ""]
    blocks += [line for said in content["says"] for line in _wrapped(said, width, "")]
    if content["notes"]:
        blocks += ["", *(line for note in content["notes"] for line in _wrapped(note, width, "  "))]
    if content["written"]:
        blocks += ["", *(f"written  {path}" for path in content["written"])]
    return "\n".join(blocks)


def _heading(content: Content) -> str:
    groups = "" if content["groups"] is None else f" in {content['groups']:,} groups"
    return f"{content['label']} per picture, on the same {content['images']:,} pictures{groups}, of {_over(content)}"


def _over(content: Content) -> str:
    """Return what each picture's score is taken over, shortly."""
    return str(content["mean_over"]).partition(":")[0] or "the classes"


def _table(content: Content) -> Iterable[str]:
    """Return the table of entries, columns aligned; the one for seeds only where there are some."""
    places = score_places(content)
    seeded = any(entry["spread"] for entry in content["entries"])
    head = ["", "mean", "95 %", *(["seeds", "standard deviation and range"] if seeded else [])]
    rows = [
        head,
        *([*_cells(entry, places), *(_seeds(entry, places) if seeded else [])] for entry in content["entries"]),
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()


def score_places(content: Content) -> int:
    """Return how many decimals scores get: 3 for shares, fewer for distances, which are larger."""
    return 3 if all((entry["high"] or entry["value"] or 0) <= 1 for entry in content["entries"]) else 2


def _cells(entry: Content, places: int) -> list[str]:
    interval = "" if entry["low"] is None else f"[{entry['low']:.{places}f}, {entry['high']:.{places}f}]"
    return [entry["name"], f"{entry['value']:.{places}f}", interval]


def _seeds(entry: Content, places: int) -> list[str]:
    spread = entry["spread"]
    if spread is None:
        return ["1", ""]
    least, largest = spread["least"], spread["largest"]
    told = f"{spread['deviation']:.{places + 1}f}, {least:.{places}f} to {largest:.{places}f}"
    return [str(len(entry["each"])), told]


def _wrapped(text: str, width: int, indent: str) -> Sequence[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
