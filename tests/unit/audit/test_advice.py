"""Of many findings, the three things to do."""

from maskwright.audit.advice import Advice, things_to_do, touched
from maskwright.audit.findings import Finding, Level


def found(kind: str, level: Level = "warning", fix: str = "mend it", **evidence: object) -> Finding:
    return Finding(kind, level, "a", "what", "where", fix, evidence)


def test_a_finding_is_about_as_many_pictures_as_it_counts_or_names() -> None:
    assert touched({"count": 750, "samples": ["a", "b"]}) == 750
    assert touched({"samples": ["a", "b"]}) == 2
    assert touched({}) == touched({"samples": []}) == 1


def test_errors_come_before_warnings_and_more_pictures_before_fewer() -> None:
    told = things_to_do(
        [
            found("duplicate", fix="1", count=2),
            found("near-duplicate", fix="2", count=9),
            found("truncated", "error", fix="3"),
        ]
    )
    assert [one.action for one in told] == ["3", "2", "1"]


def test_a_leak_comes_first_of_its_level_however_few_pictures_it_touches() -> None:
    leak, near, truncated = (
        found("split-leak", fix="1", count=2),
        found("near-duplicate", fix="2", count=9),
        found("truncated", "error", fix="3"),
    )
    assert [one.action for one in things_to_do([near, leak, truncated])] == ["3", "1", "2"]


def test_a_kind_of_two_levels_with_one_fix_is_named_once() -> None:
    told = things_to_do([found("label-conflict", "error", count=4), found("label-conflict", count=10)])
    assert told == (Advice("mend it", "error", ("label-conflict",), 14),)


def test_there_are_three_at_most_and_none_for_notes() -> None:
    kinds = ("duplicate", "near-duplicate", "mask-lossy", "mask-constant")
    assert len(things_to_do([found(kind, fix=kind) for kind in kinds])) == 3
    assert things_to_do([found("mask-empty", "note")]) == ()


def test_a_kind_is_one_thing_told_by_the_fix_of_most() -> None:
    told = things_to_do([found("duplicate", fix="rare"), *[found("duplicate", fix="usual") for _ in range(3)]])
    assert told == (Advice("usual", "warning", ("duplicate",), 4),)


def test_kinds_with_the_same_fix_are_one_thing_of_the_worst_level() -> None:
    told = things_to_do([found("mask-lossy"), found("truncated", "error"), found("unreadable", "error", count=3)])
    assert told == (Advice("mend it", "error", ("unreadable", "truncated", "mask-lossy"), 5),)
