import json

from maskwright.audit.findings import KINDS, Finding, together, worst_first


def note(sample, kind="mask-empty", level="note"):
    return Finding(kind, level, sample, f"{sample} is odd.", "file", "mend it", {"n": 1})


def test_a_finding_is_plain_values():
    content = json.loads(json.dumps(note("a").to_json()))

    assert content == {"kind": "mask-empty", "level": "note", "sample": "a", "what": "a is odd.", "where": "file",
                       "fix": "mend it", "evidence": {"n": 1}}  # fmt: skip


def test_the_worst_come_first():
    found = worst_first([note("a"), note("b", "duplicate", "warning"), note("c", "truncated", "error"), note("d")])

    assert [f.sample for f in found] == ["c", "b", "a", "d"]


def test_what_nearly_all_share_is_one_finding_with_its_count():
    (found,) = together([note(f"p{i}") for i in range(9)], 10, "{count} masks are odd")

    assert (found.sample, found.what) == (None, "9 masks are odd.")
    assert found.evidence["count"] == 9
    assert found.evidence["samples"][:2] == ["p0", "p1"]


def test_what_few_share_stays_apart():
    assert len(together([note(f"p{i}") for i in range(5)], 10, "{count} masks are odd")) == 5


def test_every_kind_has_a_sentence():
    assert all(sentence and not sentence.endswith(".") for sentence in KINDS.values())
