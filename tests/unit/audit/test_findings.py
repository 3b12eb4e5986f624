import json

from maskwright.audit.findings import KINDS, Finding, Many, counted, limited, together, worst_first


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


def test_of_one_kind_a_thousand_are_told_singly_and_the_others_as_one():
    found = list(limited(note(f"p{i}") for i in range(1500)))

    assert [f.sample for f in found[:1000]] == [f"p{i}" for i in range(1000)]
    assert (found[1000].sample, found[1000].evidence["count"]) == (None, 500)
    assert found[1000].evidence["samples"][0] == "p1000"
    assert len(found[1000].evidence["samples"]) == 100
    assert found[1000].what == "500 more findings of this kind: a mask without any foreground."


def test_one_is_told_as_one():
    assert counted(1, "picture is", "pictures are") == "1 picture is"
    assert counted(2, "picture is", "pictures are") == "2 pictures are"


def test_another_kind_or_level_has_a_thousand_of_its_own():
    notes = [note(f"p{i}") for i in range(1000)]

    assert len(list(limited([*notes, note("b", "duplicate"), note("c", level="error")]))) == 1002


def test_many_findings_are_counted_and_few_are_kept():
    many = Many(note(f"p{i}") for i in range(3000))

    (found,) = together(many, 100_000, "{count} masks are odd")

    assert (len(many), len(many.first)) == (3000, 1000)
    assert (found.what, found.evidence["count"]) == ("3000 masks are odd.", 3000)


def test_what_was_cut_once_is_still_counted_when_it_is_cut_again():
    cut = Many(note(f"p{i}") for i in range(1500)).singly()

    (*_, last) = limited(cut)

    assert (last.sample, last.evidence["count"], last.evidence["samples"][0]) == (None, 500, "p1000")
