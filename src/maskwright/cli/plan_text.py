"""Turns the document of `plan` into what a person reads: what was chosen and why, then a table of what else there is.

Takes the same JSON values that --json prints. Prints nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Content = Mapping[str, Any]
HEAD = ("set-up", "network", "size", "a step", "an epoch", "epochs", "in all", "memory", "")


def plan_text(content: Content) -> str:
    """Tell what a training would be, every set-up with its time and memory, and what to type next."""
    parts = ", ".join(f"{number} {part}" for part, number in content["parts"].items())
    folds = f"{content['folds']} folds, each of " if content["folds"] else ""
    lines = [
        f"plan   {content['mode']} picture | batch {content['batch_size']} | on {content['device']} | {folds}{parts}"
        if content["mode"] == "whole"
        else f"plan   tiles | batch {content['batch_size']} | on {content['device']} | {folds}{parts}",
        *(f"       {name}: {why}" for name, why in content["reasons"].items()),
        *_table([HEAD, *(_row(one, content) for one in content["options"])]),
        *_weights(content["options"]),
        *_too_short(content),
    ]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Say how long: 0.35 s, 48 s, 2.5 min, 34 min, 3.2 h.

    >>> duration(0.349), duration(48.2), duration(150), duration(2040), duration(11520)
    ('0.35 s', '48 s', '2.5 min', '34 min', '3.2 h')
    """
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.1f} min" if minutes < 9.95 else f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h"


def _row(one: Content, content: Content) -> tuple[str, ...]:
    decoder = one["decoder_channels"]
    network = one["encoder"] + (f", decoder {'-'.join(map(str, decoder))}" if decoder else "")
    return (
        one["name"],
        network,
        "x".join(map(str, one["size"])),
        _each(one["step_seconds"]),
        _each(one["epoch_seconds"]),
        " + ".join(map(str, one["epochs"])),
        duration(one["seconds"]) if one["fits"] is not False else "-",
        "" if one["memory"] is None else f"{one['memory'] / 1e9:.1f} GB",
        _mark(one, content),
    )


def _each(seconds: Sequence[float]) -> str:
    return " / ".join(duration(value) for value in dict.fromkeys(seconds))


def _mark(one: Content, content: Content) -> str:
    minutes = content["minutes"]
    if one["name"] == content["taken"]:
        return "<- maskwright train" + (f" --minutes {minutes:g}" if minutes is not None else "")
    return f"does not fit into {minutes:g} minutes" if one["fits"] is False else ""


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [f"       {line}".rstrip() for line in lines]


def _weights(options: Sequence[Content]) -> list[str]:
    lacking = dict.fromkeys(f"{one['encoder']} ({one['weights']})" for one in options if not one["weights_at_hand"])
    if not lacking:
        return []
    return [f"note   weights that would have to be fetched first: {', '.join(lacking)}"]


def _too_short(content: Content) -> list[str]:
    if content["minutes"] is None or content["taken"] is not None:
        return []
    return [f"note   nothing fits into {content['minutes']:g} minutes; the least is {content['least_minutes']:.1f}"]
