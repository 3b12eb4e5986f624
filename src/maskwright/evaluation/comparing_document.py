"""A comparison as JSON values, and those as tables: a line an entry, or a line a picture."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maskwright.evaluation.comparing_words import remarks, rounded_up

if TYPE_CHECKING:
    from maskwright.evaluation.comparing import Comparison
    from maskwright.evaluation.comparing_pairs import Pair

Table = tuple[list[str], list[list[Any]]]


def document(comparison: "Comparison") -> dict[str, Any]:
    """Return the comparison as JSON values."""
    measure, says = comparison.measure, comparison.says
    return {
        "schema_version": 1,
        "measure": measure.name,
        "label": measure.label,
        "better": measure.better or None,
        "images": comparison.pictures,
        "groups": comparison.groups,
        "undefined": comparison.undefined,
        "classes": list(comparison.classes),
        "mean_over": comparison.mean_over,
        "entries": [entry.to_json() for entry in comparison.entries],
        "simultaneous": len(comparison.pairs) > 1,
        "seeds_counted": comparison.seeded and bool(comparison.pairs),
        "differences": [_pair(comparison, pair, says[at]) for at, pair in enumerate(comparison.pairs)],
        "says": list(says),
        "notes": [*remarks(comparison), *comparison.notes],
        "pictures": _pictures(comparison),
    }


def _pair(comparison: "Comparison", pair: "Pair", text: str) -> dict[str, Any]:
    names = [comparison.entries[at].name for at in (pair.first, pair.second)]
    upper, lower_is_better = pair.difference.value > 0, comparison.measure.better == "lower"
    known = pair.difference.told_apart and comparison.measure.better
    needed = None if pair.difference.told_apart else pair.difference.needed
    return {
        "first": names[0], "second": names[1], **pair.difference.to_json(),
        "needed_about": None if needed is None else rounded_up(needed),
        "better": names[1 if upper != lower_is_better else 0] if known else None,
        "pictures_higher": pair.higher, "pictures_lower": pair.lower, "pictures_equal": pair.equal, "text": text,
    }  # fmt: skip


def _pictures(comparison: "Comparison") -> list[dict[str, Any]]:
    groups = comparison.names_of_groups or [""] * comparison.pictures
    names = [entry.name for entry in comparison.entries]
    return [
        {"id": name, "group": group or None, "scores": dict(zip(names, map(float, column), strict=True))}
        for name, group, column in zip(comparison.ids, groups, comparison.values.T, strict=True)
    ]


def entry_table(content: Mapping[str, Any]) -> Table:
    """Return headings and a line for each entry: its score, its seeds, and its difference to the first entry.

    content: the document.
    """
    to_first = {one["second"]: one for one in content["differences"] if one["first"] == content["entries"][0]["name"]}
    head = "entry measure pictures value low high seeds deviation least largest difference difference_low "
    head += "difference_high told_apart needed"
    return head.split(), [_entry_line(content, one, to_first.get(one["name"], {})) for one in content["entries"]]


def _entry_line(content: Mapping[str, Any], entry: Mapping[str, Any], difference: Mapping[str, Any]) -> list[Any]:
    spread = entry["spread"] or {}
    told_apart = {True: "yes", False: "no"}.get(difference.get("told_apart", ""))
    return [
        entry["name"], content["measure"], content["images"], *(entry[key] for key in ("value", "low", "high")),
        " ".join(map(str, entry["seeds"])), *(spread.get(key) for key in ("deviation", "least", "largest")),
        *(difference.get(key) for key in ("value", "low", "high")), told_apart, difference.get("needed"),
    ]  # fmt: skip


def picture_table(content: Mapping[str, Any]) -> Table:
    """Return headings and a line for each picture: the score of each entry, and each one's difference to the first.

    content: the document.
    """
    names = [entry["name"] for entry in content["entries"]]
    head = ["id", "group", *names, *(f"{name} minus {names[0]}" for name in names[1:])]
    return head, [_picture_line(one, names) for one in content["pictures"]]


def _picture_line(picture: Mapping[str, Any], names: list[str]) -> list[Any]:
    scores = [picture["scores"][name] for name in names]
    return [picture["id"], picture["group"], *scores, *(score - scores[0] for score in scores[1:])]
