"""What holds for every format: which annotations count, where the drawn masks lie, sizes, options, and broken files."""

import json
import os
import random
import shutil

import numpy as np
import pytest
from PIL import Image

from maskwright.audit.check import check_dataset
from maskwright.data.options import write_options
from maskwright.data.read import read_dataset
from maskwright.errors import ConfigError, DataError, MaskwrightError
from maskwright.files import cache_folder
from maskwright.recipe import DataOptions
from support.outlines import SIZE, brush_bytes, drawing, pictures, write_json, write_text
from support.picture_folders import disc, make_set, photo, save

BOX = [[2.0, 1.0], [7.0, 1.0], [7.0, 5.0], [2.0, 5.0]]
SMALL = [[3.0, 2.0], [5.0, 2.0], [5.0, 4.0], [3.0, 4.0]]


def labelme(folder, image, *outlines, size=SIZE):
    shapes = [{"label": label, "points": points, "shape_type": "polygon"} for label, points in outlines]
    return write_json(folder / f"{image.rpartition('.')[0]}.json", {
        "version": "5.5.0", "shapes": shapes, "imagePath": image, "imageData": None, "imageHeight": size[0],
        "imageWidth": size[1]})  # fmt: skip


def coco(folder, names, size=SIZE, category="dog", file="instances.json"):
    return write_json(folder / file, {
        "images": [{"id": i, "file_name": name, "height": size[0], "width": size[1]} for i, name in enumerate(names)],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 1, "segmentation": [sum(BOX, [])], "iscrowd": 0}],
        "categories": [{"id": 1, "name": category}]})  # fmt: skip


def outlined(folder):
    pictures(folder, "a.jpg", "b.jpg")
    labelme(folder, "a.jpg", ("dog", BOX), ("cat", SMALL))
    labelme(folder, "b.jpg", ("cat", SMALL))
    return folder


# --- what counts ----------------------------------------------------------------------------------------------------


def test_ordinary_masks_win_and_the_outlines_are_mentioned(tmp_path):
    make_set(tmp_path, 3)
    coco(tmp_path, ["p0.jpg", "p1.jpg", "p2.jpg"], size=(24, 32))
    dataset = read_dataset(tmp_path)
    assert dataset.columns.masks[0] == ("masks/p0.png",)
    assert ("annotations not used: COCO, instances.json, since there are mask files (--annotations coco uses them)"
            in dataset.notes)  # fmt: skip


def test_stated_annotations_win_over_ordinary_masks(tmp_path):
    make_set(tmp_path, 3)
    coco(tmp_path, ["p0.jpg", "p1.jpg", "p2.jpg"], size=(24, 32))
    for stated in ("coco", "COCO", "instances.json", str(tmp_path / "instances.json")):
        dataset = read_dataset(tmp_path, DataOptions(annotations=stated))
        assert dataset.read_mask(0).sum() == 20 and dataset.drawn


def test_outlines_are_used_where_pictures_that_look_like_masks_fit_nothing(tmp_path):
    outlined(tmp_path)
    save(tmp_path / "vis" / "overlay_mask.png", disc())
    dataset = read_dataset(tmp_path)
    assert dataset.options.annotations == "labelme"
    assert any("pictures that look like masks are not used: No mask belongs to any picture" in n for n in dataset.notes)


def test_annotations_of_two_formats_are_an_error_that_names_both(tmp_path):
    outlined(tmp_path)
    coco(tmp_path / "export", ["a.jpg"])
    with pytest.raises(DataError, match=r"several formats: .*COCO \(export/instances.json\)") as error:
        read_dataset(tmp_path)
    assert "--annotations" in error.value.fix
    assert read_dataset(tmp_path, DataOptions(annotations="coco")).columns.images == ("a.jpg",)
    assert len(read_dataset(tmp_path, DataOptions(annotations="labelme"))) == 2


@pytest.mark.parametrize(
    ("stated", "said"),
    [("yolo", "no YOLO annotations"), ("a.txt", "neither a format nor a file"), ("other.json", "in no format that is"),
     ("../elsewhere.json", "neither a format nor a file")],
)  # fmt: skip
def test_stated_annotations_that_are_not_there_are_an_error(tmp_path, stated, said):
    outlined(tmp_path)
    write_json(tmp_path / "other.json", {"something": "else"})
    with pytest.raises(DataError, match=said):
        read_dataset(tmp_path, DataOptions(annotations=stated))


def test_a_file_given_for_this_call_may_lie_elsewhere_but_not_one_from_dataset_yaml(tmp_path):
    pictures(tmp_path / "train2017", "a.jpg", "b.jpg")
    file = coco(tmp_path / "annotations", ["a.jpg", "b.jpg"], file="instances_train2017.json")
    given = DataOptions(annotations="../annotations/instances_train2017.json")
    assert len(read_dataset(tmp_path / "train2017", given)) == 2
    assert len(read_dataset(tmp_path / "train2017", DataOptions(annotations=str(file)))) == 2
    write_text(tmp_path / "train2017" / "dataset.yaml", "annotations: ../annotations/instances_train2017.json")
    with pytest.raises(DataError, match="neither a format nor a file of the folder"):
        read_dataset(tmp_path / "train2017")


def test_masks_and_annotations_cannot_both_be_stated(tmp_path):
    make_set(tmp_path, 3)
    with pytest.raises(ConfigError, match="Both 'masks' and 'annotations'"):
        read_dataset(tmp_path, DataOptions(masks="masks", annotations="coco"))


def test_what_is_given_overrules_what_the_folder_states(tmp_path):
    make_set(tmp_path, 3)
    coco(tmp_path, ["p0.jpg", "p1.jpg", "p2.jpg"], size=(24, 32))
    write_text(tmp_path / "dataset.yaml", "annotations: coco")
    assert read_dataset(tmp_path).drawn
    assert not read_dataset(tmp_path, DataOptions(masks="masks")).drawn


def test_the_written_description_reads_the_same_set_again(tmp_path):
    before = read_dataset(outlined(tmp_path))
    write_options(before, tmp_path)
    again = read_dataset(tmp_path)
    assert again.fingerprint() == before.fingerprint() and again.options == before.options
    assert "annotations: labelme" in (tmp_path / "dataset.yaml").read_text()


def test_a_binary_encoding_does_not_fit_two_outlined_classes(tmp_path):
    outlined(tmp_path)
    with pytest.raises(ConfigError, match="Encoding binary is stated, and the annotations outline 2 classes") as error:
        read_dataset(tmp_path, DataOptions(encoding="binary"))
    assert "--classes background,cat" in error.value.fix
    one = read_dataset(tmp_path, DataOptions(encoding="binary", classes=("background", "cat")))
    assert one.encoding.kind == "binary" and one.read_mask(0).sum() == 4


def test_one_class_is_an_index_where_that_is_stated(tmp_path):
    stated = DataOptions(encoding="index", classes=("background", "cat"))
    dataset = read_dataset(outlined(tmp_path), stated)
    assert dataset.encoding.kind == "index" and dataset.read_mask(0).sum() == 4


def test_the_folder_of_the_pictures_may_be_stated(tmp_path):
    pictures(tmp_path / "full", "a.jpg")
    pictures(tmp_path / "thumbs", "a.jpg")
    coco(tmp_path, ["a.jpg"])
    assert read_dataset(tmp_path, DataOptions(images="full")).columns.images == ("full/a.jpg",)


def test_a_broken_file_is_named_where_there_is_nothing_else(tmp_path):
    pictures(tmp_path, "a.jpg")
    write_text(tmp_path / "instances.json", '{"images": [')
    with pytest.raises(DataError, match="no valid JSON") as error:
        read_dataset(tmp_path)
    assert "instances.json" in error.value.where


def test_outlines_of_nothing_at_all_are_an_error(tmp_path):
    pictures(tmp_path, "a.jpg")
    labelme(tmp_path, "a.jpg")
    with pytest.raises(DataError, match="outline no object of any class"):
        read_dataset(tmp_path)


def test_an_archive_with_annotations_is_read_like_its_folder(tmp_path):
    outlined(tmp_path / "set")
    archive = shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "set")
    assert read_dataset(archive).fingerprint() == read_dataset(tmp_path / "set").fingerprint()


# --- masks in the cache ---------------------------------------------------------------------------------------------


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "outlines"


def drawn_files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*.png")}


def test_masks_are_drawn_once_and_only_what_changed_again(tmp_path, own_cache):
    outlined(tmp_path / "set")
    read_dataset(tmp_path / "set")
    before = {path: path.stat().st_mtime_ns for path in drawn_files(own_cache)}
    assert len(before) == 2
    labelme(tmp_path / "set", "b.jpg", ("cat", BOX))
    read_dataset(tmp_path / "set")
    after = {path: path.stat().st_mtime_ns for path in drawn_files(own_cache)}
    assert before.items() < after.items() and len(after) == 3


def test_an_emptied_cache_is_filled_with_the_same_bytes_again(tmp_path, own_cache):
    first = read_dataset(outlined(tmp_path / "set"))
    fingerprint, files = first.fingerprint(), drawn_files(own_cache)
    shutil.rmtree(tmp_path / "cache")
    again = read_dataset(tmp_path / "set")
    assert again.fingerprint() == fingerprint and drawn_files(own_cache) == files
    assert again.notes == first.notes


def test_the_fingerprint_knows_what_the_outlines_say_and_not_where_the_cache_lies(tmp_path, monkeypatch):
    outlined(tmp_path / "set")
    found = []
    for place in ("one", "two"):
        monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / place))
        found.append(read_dataset(tmp_path / "set").fingerprint())
    labelme(tmp_path / "set", "b.jpg", ("cat", BOX))
    assert found[0] == found[1] != read_dataset(tmp_path / "set").fingerprint()


def test_pixels_claimed_twice_are_still_counted_when_nothing_is_drawn(tmp_path, own_cache):
    outlined(tmp_path / "set")
    for _ in range(2):
        assert any(note.startswith("4 pixels of 1 picture claimed") for note in read_dataset(tmp_path / "set").notes)


def test_a_damaged_file_in_the_cache_is_drawn_again(tmp_path, own_cache):
    read_dataset(outlined(tmp_path / "set"))
    files = drawn_files(own_cache)
    for path in files:
        path.write_bytes(b"")
    assert read_dataset(tmp_path / "set").read_mask(0).any() and drawn_files(own_cache) == files


def test_a_relative_cache_folder_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MASKWRIGHT_CACHE", "cache")
    assert read_dataset(outlined(tmp_path / "set")).read_mask(0).any()


def test_nothing_is_written_into_the_data_folder(tmp_path):
    outlined(tmp_path)
    before = sorted(os.listdir(tmp_path))
    check_dataset(read_dataset(tmp_path))
    assert sorted(os.listdir(tmp_path)) == before


def test_a_subset_keeps_its_fingerprint_apart(tmp_path):
    dataset = read_dataset(outlined(tmp_path))
    assert dataset.select([0]).fingerprint() != dataset.select([1]).fingerprint()


# --- sizes and orientation ------------------------------------------------------------------------------------------


def turned_picture(path, size=SIZE, orientation=6):
    """A picture whose pixels lie on their side in the file, and whose EXIF says so."""
    exif = Image.Exif()
    exif[274] = orientation
    save(path, photo(0, size), exif=exif)


def test_an_annotation_of_the_picture_as_it_is_seen_needs_no_turning(tmp_path):
    turned_picture(tmp_path / "a.jpg", size=(12, 8))  # seen as 8 x 12
    labelme(tmp_path, "a.jpg", ("dog", BOX), size=SIZE)
    assert read_dataset(tmp_path).read_mask(0)[1, 2:7].all()


@pytest.mark.parametrize(("orientation", "turns"), [(5, None), (6, -1), (7, None), (8, 1)])
def test_an_annotation_of_the_pixels_as_they_lie_in_the_file_is_turned_with_them(tmp_path, orientation, turns):
    turned_picture(tmp_path / "a.jpg", orientation=orientation)  # seen as 12 x 8
    labelme(tmp_path, "a.jpg", ("dog", BOX), size=SIZE)
    dataset = read_dataset(tmp_path)
    flat = drawing("............", *["..11111....."] * 4, *["............"] * 3)
    expected = np.rot90(flat, turns) if turns else (flat.T if orientation == 5 else np.rot90(flat, 2).T)
    assert np.array_equal(dataset.read_mask(0), expected)
    assert dataset.read_image(0).shape[:2] == dataset.read_mask(0).shape
    assert any(
        note.startswith("annotated before the EXIF orientation was applied: 1 picture") for note in dataset.notes
    )


def test_a_size_that_differs_from_the_pictures_names_both_and_is_an_error_of_check(tmp_path):
    names = "abcdefghij"
    pictures(tmp_path, *(f"{name}.jpg" for name in names))
    for name in names:
        labelme(tmp_path, f"{name}.jpg", ("dog", BOX), size=(16, 20) if name == "b" else SIZE)
    dataset = read_dataset(tmp_path)
    assert any("b.jpg: 8 x 12, and 16 x 20 in" in note and "b.json (height x width)" in note for note in dataset.notes)
    findings = [finding for finding in check_dataset(dataset).findings if finding.level == "error"]
    assert [finding.sample for finding in findings] == ["b"]
    assert "8 x 12 and 16 x 20" in findings[0].what


def test_pictures_that_were_made_smaller_after_annotating_are_stretched_to_as_any_masks_are(tmp_path):
    for i in range(4):
        save(tmp_path / f"{i}.jpg", photo(i, (8, 12)))
        labelme(tmp_path, f"{i}.jpg", ("dog", [[4, 2], [14, 2], [14, 10], [4, 10]]), size=(16, 24))
    report = check_dataset(read_dataset(tmp_path))
    assert [(finding.kind, finding.level) for finding in report.findings] == [("size-mismatch", "note")]


def test_a_picture_that_cannot_be_read_stays_a_finding_of_check(tmp_path):
    outlined(tmp_path)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    findings = check_dataset(read_dataset(tmp_path)).findings
    assert [finding.sample for finding in findings if finding.level == "error"] == ["b"]


def test_one_unreadable_picture_of_a_format_without_sizes_is_passed_over(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    for name in "ab":
        write_text(tmp_path / "labels" / f"{name}.txt", "0 0.1 0.1 0.5 0.1 0.5 0.5")
    (tmp_path / "images" / "b.jpg").write_bytes(b"no picture")
    dataset = read_dataset(tmp_path)
    assert dataset.columns.images == ("images/a.jpg",)
    assert dataset.leftovers.problems[0][0] == "images/b.jpg"


# --- hostile files --------------------------------------------------------------------------------------------------


STRANGE = (
    "null", "-1", "1e999", "NaN", "{}", "[]", '""', "true", "9" * 400, "\\u0000", "\x00", "é", "\udcff", '"../../x"',
    "[[]]", "0.5",
)  # fmt: skip
RING = (  # three pixels square, of the documentation of Supervisely
    "eJzrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTwebo4hlTMSa44sKHhISMDuxpTYrr03F"
    "6gDIOnq5/LOqeEJgDM5ht6"
)


def mutated(text, rng):
    """A text cut off, or with pieces doubled, dropped, swapped or replaced."""
    choice = rng.randrange(6)
    at, end = sorted((rng.randrange(len(text)), rng.randrange(len(text))))
    strange = rng.choice(STRANGE)
    if choice == 0:
        return text[:at]
    if choice == 1:
        return text[:at] + text[end:]
    if choice == 2:
        return text[:at] + text[at:end] * 2 + text[end:]
    if choice == 3:
        return text[:at] + strange + text[at + rng.randrange(3) :]
    numbers = [i for i, c in enumerate(text) if c.isdigit()]
    if choice == 4 and numbers:
        place = rng.choice(numbers)
        return text[:place] + strange + text[place + 1 :]
    return "".join(rng.choice(text) if rng.random() < 0.01 else c for c in text)


def forms():
    """One annotation file of each format: (path, text)."""
    cvat = "\n".join((
        "<annotations><version>1.1</version><meta><task><labels><label><name>dog</name></label></labels></task></meta>",
        '<image id="0" name="a.jpg" width="12" height="8"><polygon label="dog" points="1,1;5,1;5,5" z_order="0"/>',
        '<mask label="dog" rle="1, 2, 1, 3, 2" left="4" top="1" width="3" height="3" z_order="0"/>',
        '<box label="dog" xtl="1" ytl="1" xbr="4" ybr="4" rotation="20"/>',
        '<ellipse label="dog" cx="3" cy="3" rx="2" ry="1"/></image></annotations>'))  # fmt: skip
    runs = {"size": list(SIZE), "counts": [10, 6, 80]}
    packed = {"size": list(SIZE), "counts": ":6`2"}
    instances = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 8, "width": 12}],
        "annotations": [{"id": i, "image_id": 1, "category_id": 3, "iscrowd": i % 2, "segmentation": shape}
                        for i, shape in enumerate(([sum(BOX, [])], runs, packed))],
        "categories": [{"id": 3, "name": "dog"}],
    }  # fmt: skip
    region = {"original_width": 12, "original_height": 8, "image_rotation": 0, "from_name": "l", "to_name": "i"}
    brush = brush_bytes(drawing(*["11.1........"] * 4, *["............"] * 4))
    tasks = [{"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"result": [
        {**region, "type": "polygonlabels", "value": {"points": BOX, "polygonlabels": ["dog"]}},
        {**region, "type": "rectanglelabels", "value": {"x": 1, "y": 2, "width": 9, "height": 9, "rotation": 3,
                                                        "rectanglelabels": ["dog"]}},
        {**region, "type": "brushlabels", "value": {"rle": brush, "format": "rle", "brushlabels": ["cat"]}},
    ]}]}]  # fmt: skip
    objects = [
        {"classTitle": "dog", "geometryType": "polygon", "points": {"exterior": BOX, "interior": [SMALL]}},
        {"classTitle": "cat", "geometryType": "bitmap", "bitmap": {"data": RING, "origin": [1, 2]}},
        {"classTitle": "dog", "geometryType": "rectangle", "points": {"exterior": [[1, 1], [4, 4]], "interior": []}},
    ]
    shapes = [{"label": "dog", "points": BOX, "shape_type": "polygon"},
              {"label": "dog", "points": [[1, 1], [3, 3]], "shape_type": "circle"},
              {"label": "cat", "points": [[1, 1], [3, 3]], "shape_type": "rectangle"}]  # fmt: skip
    return {
        "coco": ("instances.json", json.dumps(instances)),
        "cvat": ("annotations.xml", cvat),
        "label-studio": ("project.json", json.dumps(tasks)),
        "supervisely": ("ann/a.jpg.json", json.dumps({"size": {"height": 8, "width": 12}, "objects": objects})),
        "labelme": ("a.json", json.dumps({"version": "5", "shapes": shapes, "imagePath": "a.jpg", "imageHeight": 8,
                                          "imageWidth": 12})),
        "yolo": ("a.txt", "0 0.1 0.1 0.5 0.1 0.5 0.5\n1 0.2 0.2 0.7 0.2 0.7 0.9 0.3 0.9\n"),
        "yolo-names": ("data.yaml", "path: .\ntrain: images/train\nval: images\nnc: 2\nnames:\n  0: cat\n  1: dog\n"),
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(forms()))
def test_random_damage_raises_nothing_but_our_errors(tmp_path, name):
    pictures(tmp_path, "a.jpg")
    path, text = forms()[name]
    if name == "yolo-names":
        write_text(tmp_path / "a.txt", "0 0.1 0.1 0.5 0.1 0.5 0.5")
    (tmp_path / path).parent.mkdir(exist_ok=True)
    rng = random.Random(name)
    (tmp_path / path).write_text(text)
    assert read_dataset(tmp_path).read_mask(0).any()
    outcomes = set()
    for _ in range(150):
        damaged = mutated(text, rng)
        (tmp_path / path).write_bytes(damaged.encode("utf-8", "surrogateescape"))
        for stated in (None, name.partition("-names")[0]):
            try:
                dataset = read_dataset(tmp_path, DataOptions(annotations=stated))
                dataset.read_mask(0)
                outcomes.add("read")
            except MaskwrightError as error:
                assert error.what and error.fix
                outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_drawing_into_a_cache_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "file"))
    with pytest.raises(MaskwrightError, match="Cannot write"):
        read_dataset(outlined(tmp_path / "set"))
    assert cache_folder() == tmp_path / "file"


def test_drawing_reports_how_far_it_is(tmp_path):
    steps = []
    read_dataset(outlined(tmp_path), progress=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("draw", 1, 2), ("draw", 2, 2)]


def test_a_csv_file_and_annotations_are_one_too_many(tmp_path):
    make_set(tmp_path, 2)
    write_text(tmp_path / "pairs.csv", "image,mask", "images/p0.jpg,masks/p0.png")
    with pytest.raises(DataError, match="A CSV file names masks"):
        read_dataset(tmp_path / "pairs.csv", DataOptions(annotations="coco"))
