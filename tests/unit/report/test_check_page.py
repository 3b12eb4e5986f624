import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import OutputError
from maskwright.images.classes import Classes
from maskwright.report import check_page
from maskwright.report.check_charts import bar_chart, object_rows, share_rows, size_rows
from maskwright.report.check_groups import DRAWN, LISTED, group
from maskwright.report.check_page import (
    CheckFacts,
    ClassRow,
    FirstStep,
    Illustrated,
    Panel,
    SheetPair,
    percent,
    write_page,
)
from support.html_page import Page

LESION = Classes(("background", "lesion"))
MEANINGS = {"truncated": "a picture that ends too early", "duplicate": "the same picture twice", "mask-empty": "empty"}
HOSTILE = "<img src=x onerror=\"alert(1)\">' onload='y\n</style><script>z</script>\u202egnp.exe\x00&amp;{{ 7 * 7 }}"


def finding(kind="truncated", level="error", sample="a", fix="copy it again", **evidence):
    return {
        "kind": kind, "level": level, "sample": sample, "what": f"{sample} is {kind}.", "where": f"images/{sample}.png",
        "fix": fix, "evidence": evidence,
    }  # fmt: skip


def facts(findings=(), **told):
    rows = (ClassRow("background", 20, 0.9, (0.5, 0.9, 1.0)), ClassRow("lesion", 18, 0.1, (0.0, 0.1, 0.5)))
    usual = {
        "name": "lesions", "made": "2026-01-02 10:00", "pairs": 20, "images": 21, "masks": 20, "encoding": "binary",
        "classes": LESION, "findings": findings, "meanings": MEANINGS, "rows": rows, "looked_at": 20,
        "sizes": {(480, 640): 20}, "shares": [0.0, 0.1, 0.2],
    }  # fmt: skip
    return CheckFacts(**{**usual, **told})


def grey(height=90, width=120):
    return Image.fromarray(np.full((height, width, 3), 128, np.uint8))


def page(tmp_path, told, **options):
    write_page(tmp_path / "check.html", told, **options)
    return (tmp_path / "check.html").read_text(encoding="utf-8")


def test_every_tag_is_closed_and_the_counts_are_told(tmp_path):
    seen = Page(page(tmp_path, facts([finding(), finding("mask-empty", "note", "b"), finding("mask-empty", "note")])))
    assert seen.open == []
    assert "1 error: training would be wrong" in seen.text
    assert "0 warnings: probably not meant" in seen.text
    assert "2 notes: good to know" in seen.text
    assert "20 pairs of 21 pictures and 20 masks (binary)" in seen.text


def test_a_clean_set_has_nothing_to_put_right(tmp_path):
    text = Page(page(tmp_path, facts())).text
    assert "Nothing has to be put right" in text
    assert "Nothing: every file can be read" in text


def test_the_page_asks_for_nothing_and_runs_no_script(tmp_path):
    pair = SheetPair("Darkest", "a", "grey 3", [Panel("picture", grey())])
    text = page(tmp_path, facts([finding()]), illustrated=[Illustrated(0, [Panel("picture", grey())])], sheets=[pair])
    seen = Page(text)
    assert not {"script", "link", "iframe", "object", "form", "input"} & set(seen.tags)
    assert not [
        value
        for key, value in seen.attributes
        if key in ("href", "src") and not value.startswith(("#", "data:image/jpeg;"))
    ]
    assert not [key for key, _ in seen.attributes if key.startswith("on")]
    assert "url(" not in text
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    "place", ["name", "sample", "what", "where", "fix", "kind", "caption", "said", "class", "note"]
)
def test_no_tag_or_attribute_comes_from_a_name(tmp_path, place):
    def told(text):
        one = {**finding(), **({place: text} if place in ("sample", "what", "where", "fix", "kind") else {})}
        many = [one] * (DRAWN + 2)
        panels = [
            Panel(text if place == "caption" else "c", grey()),
            Panel("c", None, text if place == "said" else "s"),
        ]
        return page(
            tmp_path,
            facts(
                many, name=text if place == "name" else "n", notes=[text if place == "note" else "n"],
                rows=[ClassRow(text if place == "class" else "lesion", 1, 0.5, None)],
                classes=Classes(("background", text if place == "class" else "lesion")),
            ),
            illustrated=[Illustrated(0, panels)], sheets=[SheetPair("h", text if place == "name" else "n", "", panels)],
        )  # fmt: skip

    harmless, hostile = Page(told("harmless")), Page(told(HOSTILE))
    assert hostile.tags == harmless.tags
    assert [key for key, _ in hostile.attributes] == [key for key, _ in harmless.attributes]
    text = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "\\u202egnp.exe" in hostile.text


def test_a_name_that_is_no_text_is_shown_escaped(tmp_path):
    assert "caf\\udce9" in Page(page(tmp_path, facts([finding(sample="caf\udce9")]))).text


def test_metadata_of_a_picture_does_not_come_along_and_thumbnails_are_small(tmp_path):
    picture = Image.new("RGB", (900, 300), "red")
    picture.info |= {"exif": b"Exif\0\0secret-place", "comment": b"secret-comment", "icc_profile": b"secret-profile"}
    text = page(tmp_path, facts([finding()]), illustrated=[Illustrated(0, [Panel("picture", picture)])])
    (data,) = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)
    raw = base64.b64decode(data)
    assert b"secret" not in raw
    assert Image.open(BytesIO(raw)).size == (240, 80)


def test_pictures_are_left_out_and_the_page_says_so(tmp_path):
    text = page(tmp_path, facts([finding()]), illustrated=[Illustrated(0, [Panel("p", grey())])], pictures=False)
    assert "data:image" not in text
    assert "Pictures are left out of this page, as asked" in text
    assert "embeds thumbnails of at most 240 pixels" not in text


def test_the_page_says_that_it_embeds_thumbnails(tmp_path):
    text = Page(page(tmp_path, facts([finding()]))).text
    assert "embeds thumbnails of at most 240 pixels, made anew" in text
    assert "shown without pictures" not in text


def test_in_print_a_heading_and_its_sentences_stay_with_what_follows(tmp_path):
    text = page(tmp_path, facts([finding()]))
    assert "h2, h3, section > p { break-after: avoid; }" in text.partition("@media print")[2]


def test_an_unreadable_picture_leaves_a_frame_with_the_reason(tmp_path):
    panel = Panel("picture", None, "The file ends too early.")
    text = Page(page(tmp_path, facts([finding()]), illustrated=[Illustrated(0, [panel])])).text
    assert "The file ends too early." in text


def test_reading_stops_when_the_room_for_pictures_is_used_up(tmp_path, monkeypatch):
    monkeypatch.setattr(check_page, "BUDGET", 3_000)
    taken = []

    def illustrated():
        for number in range(50):
            taken.append(number)
            yield Illustrated(number, [Panel("p", grey())])

    text = page(tmp_path, facts([finding()] * 50), illustrated=illustrated())
    assert 0 < text.count("data:image") < len(taken) < 10
    assert "the last findings are shown without pictures" in text
    assert len(text) < 60_000


def test_only_some_of_a_kind_are_shown_and_some_listed(tmp_path):
    findings = [finding(sample=f"s{i}") for i in range(DRAWN + LISTED + 7)]
    (one,) = group(findings, MEANINGS)
    assert (len(one.shown), len(one.listed), one.more) == (DRAWN, LISTED, 7)
    assert one.touched == len(findings)
    seen = Page(page(tmp_path, facts(findings)))
    assert "300 more, and 7 that are not listed here" in seen.text
    assert f"s{DRAWN + LISTED - 1}:" in seen.text
    assert f"s{DRAWN + LISTED}:" not in seen.text


def test_kinds_stand_worst_first_and_a_whole_set_counts_for_all_it_stands_for():
    found = [finding(), finding("duplicate", "warning", "b"), finding("mask-empty", "note", None, count=40)]
    groups = group(found, MEANINGS)
    assert [(one.kind, one.level, one.touched) for one in groups] == [
        ("truncated", "error", 1), ("duplicate", "warning", 1), ("mask-empty", "note", 40),
    ]  # fmt: skip


def test_advice_that_all_findings_share_is_said_once():
    same = group([finding(), finding(sample="b")], MEANINGS)[0]
    other = group([finding(), finding(sample="b", fix="draw it")], MEANINGS)[0]
    assert (same.fix, other.fix) == ("copy it again", "")


def test_what_to_do_first_is_told_with_its_kinds(tmp_path):
    step = FirstStep("remove all but one", "warning", ("duplicate", "near-duplicate"), 8)
    seen = Page(page(tmp_path, facts([finding()], steps=[step])))
    assert "Remove all but one" in seen.text
    assert "8 pictures or files" in seen.text
    assert ("href", "#near-duplicate") in seen.attributes


def test_few_sizes_are_named_and_many_are_gathered():
    assert size_rows({(480, 640): 3, (10, 20): 5}) == [("20 x 10", 5), ("640 x 480", 3)]
    many = size_rows({(100 + i, 50): 1 for i in range(20)})
    assert many == [("96 to 127 px", 20)]


def test_small_objects_and_shares_have_fine_steps():
    assert object_rows({0.5: 1, 1.5: 1, 2.0: 2, 5.9: 4}) == [("1 px", 2), ("2 px", 2), ("3 px", 0), ("4 to 5 px", 4)]
    assert object_rows({}) == []
    assert share_rows(np.array([0.0, 0.0005, 0.04])) == [
        ("none", 1),
        ("below 0.1 %", 1),
        ("0.1 to 1 %", 0),
        ("1 to 2 %", 0),
        ("2 to 5 %", 1),
    ]
    assert share_rows(np.array([1.0])) == [("90 % or more", 1)]


def test_a_chart_escapes_its_labels():
    assert "<b>" not in bar_chart("<b>", [("<b>", 1)])
    assert bar_chart("none", []) == ""


def test_a_share_is_told_with_digits_where_it_is_small():
    assert [percent(share) for share in (0, 1, 0.123, 0.0123, 0.0002)] == ["0 %", "100 %", "12 %", "1.2 %", "0.02 %"]


def test_classes_beyond_what_the_page_lists_are_counted(tmp_path):
    names = tuple(f"c{i}" for i in range(60))
    rows = [ClassRow(name, 0, 0.0, None) for name in names]
    assert "20 more classes are not listed." in Page(page(tmp_path, facts(classes=Classes(names), rows=rows))).text


def test_a_page_that_cannot_be_written_is_an_error_with_its_place(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        write_page(tmp_path / "file" / "check.html", facts())
