import base64
import re
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskwright.audit.check import check_dataset
from maskwright.audit.findings import KINDS, Finding
from maskwright.data.read import read_dataset
from maskwright.images.classes import Classes
from maskwright.recipe import DataOptions
from maskwright.runs.check_evidence import Evidence, boxes_of
from maskwright.runs.check_mask_panels import fitted, small_objects
from maskwright.runs.check_page import write_check_page
from maskwright.runs.check_panels import panels_of
from maskwright.runs.check_tally import tally
from support.picture_folders import disc, make_set, photo, save

SIZE = (48, 64)
FAMILIES = ("duplicate", "near-duplicate", "label-conflict", "split-leak", "group-suggested")


@pytest.fixture
def folder(tmp_path):
    return make_set(tmp_path / "set", 8, size=SIZE, image="images/{}.jpg", names="s{}")


def page_of(folder, tmp_path, **options):
    write_check_page(tmp_path / "check.html", check_dataset(folder), **options)
    return (tmp_path / "check.html").read_text(encoding="utf-8")


def finding(kind, sample="s0", **evidence):
    return Finding(kind, "warning", sample, "Something is odd.", f"images/{sample}.jpg", "look at it", evidence)


def panels(folder, found):
    dataset = read_dataset(folder)
    return panels_of(Evidence(dataset, [found]), found)


def drawn(folder, found):
    return [np.asarray(panel.picture).astype(int) for panel in panels(folder, found)]


def reds(picture):
    """How many pixels have the colour of what is marked."""
    near = np.abs(picture - np.array([214, 24, 118])).sum(axis=2) < 90
    return int(near.sum())


def greens(picture):
    near = np.abs(picture - np.array([0, 200, 140])).sum(axis=2) < 90
    return int(near.sum())


def test_the_page_shows_the_pictures_behind_findings_and_the_set(folder, tmp_path):
    (folder / "masks" / "s3.png").unlink()
    save(folder / "masks" / "s5.png", np.zeros(SIZE, np.uint8))
    page = page_of(folder, tmp_path)
    for told in ("image-without-mask", "mask-empty", "images/s3.jpg", "What the set holds", "7 of 7", "64 x 48",
                 "All pairs", "Least and most foreground"):  # fmt: skip
        assert told in page, told
    assert page.count("data:image/jpeg") >= 12
    assert str(tmp_path) not in page, "where the set lies is nobody's business"


def test_a_picture_that_cannot_be_read_is_a_frame_with_the_reason(folder, tmp_path):
    whole = (folder / "images" / "s1.jpg").read_bytes()
    (folder / "images" / "s1.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "images" / "s2.jpg").write_bytes(b"no picture")
    page = page_of(folder, tmp_path)
    assert page.count('class="none"') == 2
    assert page.count("mask alone") >= 2


def test_a_picture_that_vanished_after_the_check_does_not_stop_the_page(folder, tmp_path):
    save(folder / "masks" / "s5.png", np.zeros(SIZE, np.uint8))
    report = check_dataset(folder)
    for path in (folder / "images").iterdir():
        path.unlink()
    write_check_page(tmp_path / "check.html", report)
    assert 'class="none"' in (tmp_path / "check.html").read_text(encoding="utf-8")


def test_without_pictures_no_file_is_read_again(folder, tmp_path):
    report = check_dataset(folder)
    for path in [*(folder / "images").iterdir(), *(folder / "masks").iterdir()]:
        path.unlink()
    write_check_page(tmp_path / "check.html", report, pictures=False)
    page = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert "data:image" not in page
    assert 'class="none"' not in page
    assert "Pictures are left out" in page


def test_progress_is_reported(folder, tmp_path):
    save(folder / "masks" / "s5.png", np.zeros(SIZE, np.uint8))
    steps = []
    page_of(folder, tmp_path, progress=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("page", 1, 1)]


HOSTILE = (
    '<img src=x onerror="alert(1)">', "a\nb' onload='x", "\u202egnp.rac", "--><script>alert(1)<", "{{ 7 }}", "x" * 200,
)  # fmt: skip


def test_hostile_names_are_shown_harmlessly(folder, tmp_path):
    for number, name in enumerate(HOSTILE):
        safe = name.replace("/", "_")
        save(folder / "images" / f"{safe}.jpg", photo(90 + number, SIZE))
        if number % 2:
            save(folder / "masks" / f"{safe}.png", np.zeros(SIZE, np.uint8))
    page = page_of(folder, tmp_path)
    tags, attributes = set(), []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.add(tag)
            attributes.extend((tag, key, value) for key, value in attrs)

    Reader().feed(page)
    assert "script" not in tags
    assert not [key for _, key, _ in attributes if key.startswith("on")]
    assert all(value.startswith("data:image/jpeg;base64,") for tag, key, value in attributes if key == "src")
    assert "\u202e" not in page
    assert "\\u202egnp.rac" in page
    assert "a\\nb" in page


def test_nothing_of_a_files_metadata_is_in_the_page(folder, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "secret-place"
    exif[0x0112] = 3
    save(folder / "images" / "s0.jpg", photo(0, SIZE), exif=exif, comment="secret-comment")
    page = page_of(folder, tmp_path)
    embedded = re.findall(r"base64,([A-Za-z0-9+/=]+)", page)
    assert embedded
    for data in embedded:
        raw = base64.b64decode(data)
        assert b"secret" not in raw
        picture = Image.open(BytesIO(raw))
        assert max(picture.size) <= 240
        assert not picture.getexif()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"image-without-mask", "mask-without-image", "stray-file"}))
def test_each_kind_has_something_to_see_of_a_pair(folder, kind):
    evidence = {"samples": ["s0", "s1"], "parts": ["train", "test"]} if kind in FAMILIES else {}
    shown = panels(folder, finding(kind, **evidence))
    assert len(shown) >= 1
    assert all(panel.picture is not None and max(panel.picture.size) <= 240 for panel in shown), shown


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("broken", ["images/s0.jpg", "masks/s0.png"])
def test_no_kind_fails_where_a_file_is_broken(folder, kind, broken):
    dataset = read_dataset(folder)
    (folder / broken).write_bytes(b"no picture")
    for sample, evidence in (("s0", {"samples": ["s0", "s1"]}), (None, {"samples": ["s0"], "count": 3}), ("gone", {})):
        found = finding(kind, sample, **evidence)
        for panel in panels_of(Evidence(dataset, [found]), found):
            assert panel.picture is not None or panel.said


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_evidence_of_an_unexpected_form_is_passed_over(folder, kind):
    odd = {"samples": 3, "box": "x", "boxes": None, "objects": "many", "shift": 1, "how": 2, "first": None, "image": 1}
    for panel in panels(folder, finding(kind, **odd)):
        assert panel.picture is not None or panel.said


def test_files_of_no_pair_are_shown(folder):
    save(folder / "images" / "lonely.jpg", photo(40, SIZE))
    save(folder / "masks" / "lost.png", disc(3, SIZE))
    dataset = read_dataset(folder)
    report = check_dataset(dataset)
    source = Evidence(dataset, report.findings)
    kinds = {found.kind: panels_of(source, found) for found in report.findings}
    assert [panel.caption for panel in kinds["image-without-mask"]] == ["lonely.jpg"]
    assert [panel.caption for panel in kinds["mask-without-image"]] == ["lost.png"]


def test_a_shifted_mask_is_shown_where_it_would_fit_better():
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 1:4] = 1
    moved = fitted(mask, {"shift": [2, 3]})
    assert np.argwhere(moved).min(axis=0).tolist() == [3, 4]
    assert moved.sum() == mask.sum()
    assert fitted(mask, {"shift": [50, -50]}).sum() == 0
    assert fitted(mask, {}) is mask


def test_the_two_outlines_of_a_shifted_mask_differ(folder):
    picture, as_it_is, better = drawn(folder, finding("mask-shifted", shift=[5, 8]))
    assert reds(as_it_is) > reds(picture) + 30
    assert greens(better) > greens(as_it_is) + 30


def test_boxes_are_drawn_where_the_evidence_says(folder):
    _, plain = drawn(folder, finding("suspect-label"))
    objects = [{"kind": "missing", "box": [4, 6, 20, 30], "score": 0.9}]
    _, boxed = drawn(folder, finding("suspect-label", objects=objects))
    changed = np.argwhere(np.abs(plain - boxed).sum(axis=2) > 60)
    scale = plain.shape[0] / SIZE[0]
    assert np.allclose(changed.min(axis=0) / scale, [4, 6], atol=2)
    assert np.allclose(changed.max(axis=0) / scale, [20, 30], atol=2)


def test_boxes_of_all_forms_are_collected_and_others_passed_over():
    evidence = {"box": [1, 2, 3, 4], "boxes": [[5, 6, 7, 8], [1, 2]], "objects": [{"box": (0, 0, 2, 2)}, {}, 3]}
    assert boxes_of(evidence) == [(1, 2, 3, 4), (5, 6, 7, 8), (0, 0, 2, 2)]


def test_values_that_are_no_class_are_marked_where_they_are(tmp_path):
    folder = make_set(tmp_path, 4, size=SIZE, names="s{}", draw=lambda i, size: disc(i, size, value=1))
    mask = disc(2, SIZE, value=1)
    mask[:6, :6] = 77
    save(folder / "masks" / "s2.png", mask)
    dataset = read_dataset(folder, DataOptions(values={"background": 0, "disc": 1}))
    found = finding("mask-values", "s2")
    _, marked, zoomed = (np.asarray(p.picture).astype(int) for p in panels_of(Evidence(dataset, [found]), found))
    rows, columns = np.nonzero(np.abs(marked - np.array([214, 24, 118])).sum(axis=2) < 120)
    assert rows.max() < marked.shape[0] / 4
    assert columns.max() < marked.shape[1] / 4
    assert (zoomed == 77).any()


def test_masks_that_conflict_are_shown_with_their_difference(folder):
    *_, difference = drawn(folder, finding("label-conflict", samples=["s0", make_copy(folder)]))
    assert reds(difference) > 20


def test_near_duplicates_say_what_was_changed_and_in_which_part(folder):
    steps = [["s0", "s1", "resized, brighter"]]
    found = finding("near-duplicate", samples=["s0", "s1"], parts=["train", "test"], how=steps[0][2], steps=steps)
    assert [panel.caption for panel in panels(folder, found)] == ["s0 (train)", "s1 (test) resized, brighter"]


def test_pictures_that_differ_are_not_laid_over_each_other(folder):
    alike = make_copy(folder)
    assert len(panels(folder, finding("label-conflict", samples=["s0", alike]))) == 3
    assert len(panels(folder, finding("label-conflict", samples=["s0", "s1"]))) == 2


def make_copy(folder):
    save(folder / "images" / "s9.jpg", photo(0, SIZE))
    save(folder / "masks" / "s9.png", disc(77, SIZE))
    return "s9"


def test_what_was_taken_for_a_group_is_shown(tmp_path):
    names = [f"beach{number:02d}_{letter}" for number in range(12) for letter in "ab"]
    for number, name in enumerate(names):
        save(tmp_path / "images" / f"{name}.jpg", photo(number, SIZE))
        save(tmp_path / "masks" / f"{name}.png", disc(number, SIZE))
    shown = panels(tmp_path, finding("group-suggested", None, groups=12))
    assert [panel.caption for panel in shown] == ["beach00_a", "beach00_b"]


def test_objects_that_would_vanish_are_marked(folder):
    found = finding("tiny-objects", None, samples=["s0"], size=[4, 6], **{"class": "foreground"})
    (marked,) = drawn(folder, found)
    (plain,) = drawn(folder, finding("tiny-objects", None, samples=["s0"], size=[48, 64], **{"class": "foreground"}))
    assert reds(marked) > reds(plain)


def test_small_objects_are_told_apart_from_large_ones():
    where = np.zeros((20, 30), bool)
    where[2:4, 3:5] = True
    where[8:18, 10:25] = True
    assert small_objects(where, (10, 15)) == [(2, 3, 4, 5)]
    assert small_objects(where, (20, 30)) == []


def test_a_turned_mask_is_turned_as_the_evidence_says():
    mask = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert fitted(mask, {"turn": "mirrored", "shift": [0, 0]}).tolist() == mask[:, ::-1].tolist()
    assert fitted(mask, {"turn": "turned left"}).tolist() == np.rot90(mask).tolist()
    layers = np.stack([mask, mask + 1], axis=2)
    assert np.array_equal(fitted(layers, {"turn": "turned right"})[..., 1], np.rot90(mask + 1, 3))


def test_large_families_are_shown_in_part(folder):
    shown = panels(folder, finding("duplicate", samples=[f"s{i}" for i in range(7)]))
    assert len(shown) == 5
    assert shown[-1].said == "and 3 more"


def test_a_turned_picture_is_shown_as_it_lies_and_upright(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "images" / "s0.jpg", np.rot90(photo(0, SIZE)), exif=exif)
    lying, upright = drawn(folder, finding("exif-rotated"))
    assert lying.shape[:2] == upright.shape[:2][::-1]
    assert upright.shape[0] < upright.shape[1]


def test_colours_that_would_not_show_are_replaced(folder):
    for i in range(8):
        save(folder / "masks" / f"s{i}.png", disc(i, SIZE, value=1), palette=[(0, 0, 0), (255, 255, 255)])
    dataset = read_dataset(folder)
    red, green, blue = Evidence(dataset, []).classes.colours[1]
    assert max(red, green, blue) - min(red, green, blue) > 60


def test_the_tally_counts_classes_sizes_and_foreground(folder):
    save(folder / "masks" / "s0.png", np.zeros(SIZE, np.uint8))
    report = check_dataset(folder)
    seen = tally(report.facts, Classes(("background", "foreground")))
    assert seen.masks.tolist() == [8, 7]
    assert seen.pixels.sum() == seen.counted == 8 * SIZE[0] * SIZE[1]
    assert seen.share[0] == 0
    assert seen.size_counts() == {SIZE: 8}
    assert np.isfinite(seen.brightness).all()
    assert sum(seen.objects.values()) == 7
    assert all(10 < side < 15 for side in seen.objects), "a disc of radius 7 has the area of a square of side 12.4"
