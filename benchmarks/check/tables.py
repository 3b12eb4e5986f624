"""The fault bench's figures as text: a table for each kind, false alarms, and a summary."""

from collections import Counter
from typing import Any

from maskwright.audit.findings import KINDS

Row = dict[str, Any]
WITH_LESS = {"mask-shifted": 0.8, "suspect-label": 0.8}
AIM = 0.98


def print_tables(result: dict[str, Any]) -> None:
    """Print all."""
    rows = [row for row in result["faults"] if "left_out" not in row]
    left = [row for row in result["faults"] if "left_out" in row]
    met = {row["kind"] for row in result["faults"]}
    kinds = [kind for kind in KINDS if kind in met]
    for kind in kinds:
        print_kind(kind, [row for row in rows if row["kind"] == kind], [row for row in left if row["kind"] == kind])
    print_clean(result["clean"])
    print_others(rows)
    print_summary(kinds, rows)
    print(f"\n{result['seconds']} seconds, {result['machine']}")


def print_kind(kind: str, rows: list[Row], left: list[Row]) -> None:
    """Print found / damaged for each strength, and the sets where something is missed."""
    print(f"\n{kind}")
    for strength in dict.fromkeys(row["strength"] for row in rows):
        those = [row for row in rows if row["strength"] == strength]
        missed = "  ".join(
            f"{row['set']} {row['found']}/{row['damaged']}" + (" refused" if row["refused"] else "")
            for row in those
            if row["found"] < row["damaged"]
        )
        other = Counter[str]()
        for row in those:
            other.update(row["as"])
        said = "".join(f"  ({times} as {name})" for name, times in other.items())
        print(f"  {strength:<46}{counted(those):>9}  {missed}{said}")
    whys: dict[str, list[str]] = {}
    for row in left:
        whys.setdefault(row["left_out"], []).append(row["set"])
    for why, sets in whys.items():
        print(f"  left out: {', '.join(dict.fromkeys(sets))}: {why}")


def counted(rows: list[Row]) -> str:
    """Return found / damaged."""
    return f"{sum(row['found'] for row in rows)}/{sum(row['damaged'] for row in rows)}"


def print_clean(clean: dict[str, Row]) -> None:
    """Print what is found in the sets as they are."""
    print("\nclean sets, as they are")
    for name, report in clean.items():
        counts = ", ".join(f"{times} {what}" for what, times in report["findings"].items())
        print(f"  {name:<14}{report['pairs']:>4} pairs{report['seconds']:>7.1f} s  {counts or 'nothing'}")


def print_others(rows: list[Row]) -> None:
    """Print findings in damaged copies that no damage caused."""
    others = [(row["set"], row["kind"], said) for row in rows for said in row["others"]]
    print(f"\nfindings in damaged copies that the damage does not explain: {len(others)}")
    kinds = Counter((said.partition(":")[0], name) for name, _, said in others)
    for (what, name), times in sorted(kinds.items()):
        print(f"  {times:>3} {what}  {name}")


def print_summary(kinds: list[str], rows: list[Row]) -> None:
    """Print recall by kind over all sets, and the worst set."""
    print(f"\n{'kind':<22}{'found':>9}{'recall':>8}   worst set")
    for kind in kinds:
        those = [row for row in rows if row["kind"] == kind]
        if not those:
            print(f"{kind:<22}{'-':>9}")
            continue
        recall = share(those)
        by_set = {name: share([row for row in those if row["set"] == name]) for name in {row["set"] for row in those}}
        worst = min(sorted(by_set), key=lambda name: by_set[name])
        short = "" if recall >= WITH_LESS.get(kind, AIM) else "  below the aim"
        tail = f"{worst} {by_set[worst]:.2f}" if by_set[worst] < 1 else "none"
        print(f"{kind:<22}{counted(those):>9}{recall:>8.3f}   {tail}{short}")


def share(rows: list[Row]) -> float:
    """Return the share that was found."""
    return sum(row["found"] for row in rows) / max(1, sum(row["damaged"] for row in rows))
