import base64
import re
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from maskwright.errors import OutputError
from maskwright.report.facts import PlanLine, ReportFacts
from maskwright.report.html import write_report
from maskwright.report.more import known_of_pictures
from support.html_page import Page
from support.report_facts import CROPS, LESION, evaluation, example, facts


def report(tmp_path, told=None, classes=LESION, **options):
    write_report(tmp_path / "report.html", told or facts(), classes, **options)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_tag_is_closed(tmp_path):
    assert Page(report(tmp_path, examples=[example()])).open == []


def test_the_page_says_what_the_model_is_worth_beside_the_trivial_answer(tmp_path):
    text = Page(report(tmp_path)).text
    score = facts().evaluation["per_image"]["dice"]
    assert f"{score['value']:.3f}" in text
    assert f"[{score['low']:.3f}, {score['high']:.3f}]" in text
    assert "all background = majority class" in text
    assert "the foreground class 'lesion'" in text
    assert "These pictures were scored once in all." in text


def test_the_page_tells_data_plan_findings_conventions_and_versions(tmp_path):
    text = Page(report(tmp_path)).text
    for told in (
        "lesions-1", "Marks lesions.", "mobilenetv2_035", "1,234,567", "train: 600 pictures",
        "objects stay at least 14 px wide", "The file ends too early.", "a.jpg", "copy it",
        "the truth mask's own grid", "Runtime onnxruntime, precision fp32.", "Trained on squashed pictures.",
        "maskwright predict runs/lesions-1 photo.jpg", "0.1.0", "chosen on 75 validation pictures",
    ):  # fmt: skip
        assert told in text


def test_curves_are_drawn_in_the_page(tmp_path):
    page = Page(report(tmp_path))
    assert page.tags.count("svg") == 5
    for title in ("Loss", "Score on validation pictures", "Dice on validation, by threshold", "validation dice"):
        assert title in page.text


def test_the_page_asks_the_network_for_nothing_and_runs_no_script(tmp_path):
    text = report(tmp_path, examples=[example()])
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not re.search(r"https?://|url\(|@import", text)
    assert all(value.startswith("data:image/jpeg;base64,") for name, value in page.attributes if name == "src")
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("href", "srcset")]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in [value for _, value in page.attributes]


def test_thumbnails_are_small_and_carry_no_metadata(tmp_path):
    text = report(tmp_path, examples=[example(size=(600, 800))])
    uris = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)
    assert len(uris) == 4
    for uri in uris:
        picture = Image.open(BytesIO(base64.b64decode(uri)))
        assert picture.size == (240, 180)
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert "Thumbnails only" in Page(text).text


def test_pictures_can_be_left_out(tmp_path):
    def never():
        raise AssertionError("a picture was asked for")
        yield

    page = Page(report(tmp_path, examples=never(), pictures=False))
    assert "img" not in page.tags
    assert "Pictures are left out of this report, as asked." in page.text
    assert "p0" in page.text  # names and scores stay


def test_the_gallery_keeps_the_order_it_is_given(tmp_path):
    examples = [example("worst", "w1"), example("worst", "w2"), example("best", "b1", None)]
    text = Page(report(tmp_path, examples=examples)).text
    order = [text.index(word) for word in ("Worst", "w1", "w2", "Best", "b1")]
    assert order == sorted(order)


HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}"


def test_hostile_text_stays_text(tmp_path):
    from maskwright.images.classes import Classes

    classes = Classes(("soil", HOSTILE, "weed"))
    told = ReportFacts(
        name=HOSTILE, evaluation=evaluation((HOSTILE, "b"), classes), task=HOSTILE, made=HOSTILE, part=HOSTILE,
        data={HOSTILE: HOSTILE}, network={HOSTILE: [HOSTILE]}, training={HOSTILE: {HOSTILE: HOSTILE}},
        parts={HOSTILE: 3}, history=[{"epoch": 1, HOSTILE + "loss": 0.5}], plan=[PlanLine(HOSTILE, HOSTILE, HOSTILE)],
        findings=[dict.fromkeys(("level", "kind", "what", "where", "fix"), HOSTILE)], versions={HOSTILE: HOSTILE},
        parity=[{HOSTILE: HOSTILE}], limits=[HOSTILE], next=[HOSTILE],
    )  # fmt: skip
    text = report(tmp_path, told, classes, examples=[example(HOSTILE, HOSTILE)])
    page = Page(text)
    assert "script" not in page.tags
    assert page.tags.count("img") == 4
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in page.text
    assert page.open == []


def test_several_classes_are_listed_each(tmp_path):
    text = Page(report(tmp_path, facts(evaluation=evaluation(classes=CROPS)), CROPS)).text
    assert "Each class" in text and "weed" in text and "n/a" in text


def test_only_a_name_and_scores_are_needed(tmp_path):
    page = Page(report(tmp_path, ReportFacts(name="bare", evaluation=evaluation(("only",)))))
    assert "no interval" in page.text and page.open == []
    for heading in ("The plan, and why", "How it was trained", "Versions", "Limits"):
        assert heading not in page.text


def test_a_page_with_scores_that_are_not_defined_is_written(tmp_path):
    told = facts()
    undefined = {"value": None, "low": None, "high": None, "reason": "no picture with a pixel that counts"}
    scores = {**told.evaluation, "per_image": dict.fromkeys(told.evaluation["per_image"], undefined)}
    rows = [{**row, "dice": None} for row in scores["pictures"]]
    text = report(tmp_path, replace(told, evaluation={**scores, "pictures": rows}))
    assert "n/a" in Page(text).text


def test_where_no_page_can_be_written_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError):
        write_report(tmp_path / "file" / "report.html", facts(), LESION)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_masks_without_their_picture_are_shown_alone(tmp_path):
    alone = example()._replace(image=None)
    write_report(tmp_path / "alone.html", facts(), LESION, examples=[alone])
    shown = re.findall(r'alt="(\w+) of p0"', (tmp_path / "alone.html").read_text(encoding="utf-8"))
    assert shown == ["truth", "prediction", "errors"]


def test_only_what_was_held_against_the_scores_is_named(tmp_path):
    factors = [{"name": name, "matters": False} for name in ("object_side", "object_share", "objects", "site")]
    known = known_of_pictures({"where": {"factors": factors}})
    assert known == ["size of objects", "number of objects", "columns of the manifest"]
    assert known_of_pictures({}) == []
