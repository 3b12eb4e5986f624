import base64
import io

import numpy as np
import pytest
from PIL import Image

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support.outlines import SIZE, brush_bytes, drawing, pictures, write_json
from support.picture_folders import save

BOX = [[x / SIZE[1] * 100, y / SIZE[0] * 100] for x, y in ((2, 1), (7, 1), (7, 5), (2, 5))]


def region(kind, label, value, size=SIZE, **more):
    return {
        "original_width": size[1], "original_height": size[0], "image_rotation": 0, "value": {**value, kind: [label]},
        "id": "djbpw94CXj", "from_name": "label", "to_name": "image", "type": kind, "origin": "manual", **more,
    }  # fmt: skip


def task(number, image, *regions, annotations=None, address=None):
    """One task of the JSON export; uploads get a prefix of eight digits."""
    name = f"e97d4735-{image}"
    one = {
        "id": number + 500, "completed_by": 1, "result": list(regions), "was_cancelled": False, "ground_truth": False,
        "created_at": "2023-01-31T07:40:19.861611Z", "updated_at": "2023-01-31T07:40:19.861611Z", "lead_time": 19.2,
    }  # fmt: skip
    return {
        "id": number, "annotations": [one] if annotations is None else annotations, "file_upload": name, "drafts": [],
        "predictions": [], "data": {"image": address or f"/data/upload/1/{name}"}, "meta": {}, "project": 1,
    }  # fmt: skip


def export(folder, *tasks):
    pictures(folder / "images", "a.jpg", "b.jpg")
    write_json(folder / "project-1-at-2023-01-31-07-42-0a1b2c3d.json", list(tasks))
    return folder


def test_polygons_in_hundredths_become_masks(tmp_path):
    dataset = read_dataset(export(tmp_path, task(1, "a.jpg", region("polygonlabels", "Airplane", {"points": BOX})),
                                  task(2, "b.jpg")))  # fmt: skip
    assert dataset.classes.names == ("background", "Airplane")
    assert np.array_equal(dataset.read_mask(0), drawing(
        "............", "..11111.....", "..11111.....", "..11111.....", "..11111.....", "............",
        "............", "............"))  # fmt: skip
    assert not dataset.read_mask(1).any()


def test_rectangles_and_ellipses_are_areas_and_turn_around_their_own_points(tmp_path):
    box = {"x": 50, "y": 25, "width": 25, "height": 25, "rotation": 90}  # turned around its top left corner, (6, 2)
    disc = {
        "x": 9.5 / 12 * 100,
        "y": 5.5 / 8 * 100,
        "radiusX": 2.01 / 12 * 100,
        "radiusY": 2.01 / 8 * 100,
        "rotation": 0,
    }
    dataset = read_dataset(export(tmp_path, task(
        1, "a.jpg", region("rectanglelabels", "box", box), region("ellipselabels", "disc", disc))))  # fmt: skip
    mask = dataset.read_mask(0)
    assert np.array_equal(np.argwhere(mask == 1).min(axis=0), (2, 4)) and (mask == 1).sum() == 6
    assert np.array_equal(mask[3:8, 7:12], 2 * drawing("..1..", ".111.", "11111", ".111.", "..1.."))


def test_brush_masks_are_unpacked(tmp_path):
    drawn = drawing(*["............"] * 3, "....1.11....", "....111.....", *["............"] * 3)
    value = {"format": "rle", "rle": brush_bytes(drawn)}
    dataset = read_dataset(export(tmp_path, task(1, "a.jpg", region("brushlabels", "Leaf", value))))
    assert np.array_equal(dataset.read_mask(0), drawn)


def test_the_minimal_export_is_read_alike(tmp_path):
    drawn = drawing(*["............"] * 3, "....1.11....", "....111.....", *["............"] * 3)
    pictures(tmp_path, "a.jpg", "b.jpg")
    size = {"original_width": SIZE[1], "original_height": SIZE[0]}
    write_json(tmp_path / "min.json", [
        {"image": "/data/upload/1/e97d4735-a.jpg", "id": 1, "annotator": 1, "annotation_id": 501, "lead_time": 19.2,
         "label": [{"points": BOX, "closed": True, "polygonlabels": ["Airplane"], **size}],
         "created_at": "2023-01-31T07:40:19.861611Z", "updated_at": "2023-01-31T07:40:19.861611Z"},
        {"image": "/data/upload/1/e97d4735-b.jpg", "id": 2, "annotator": 1, "annotation_id": 502, "lead_time": 19.2,
         "tag": [{"format": "rle", "rle": brush_bytes(drawn), "brushlabels": ["Leaf"], **size}]},
    ])  # fmt: skip
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "Airplane", "Leaf")
    assert dataset.read_mask(0).sum() == 20 and np.array_equal(dataset.read_mask(1), 2 * drawn)


@pytest.mark.parametrize(
    "address",
    ["/data/upload/7/e97d4735-a.jpg", "/data/local-files/?d=photos/a.jpg", "s3://bucket/photos/a.jpg",
     "https://example.org/x/a.jpg?token=1&y=2", "/data/local-files/?d=photos%2Fa.jpg", "a.jpg"],
)  # fmt: skip
def test_the_picture_is_found_by_its_address(tmp_path, address):
    one = task(1, "none.png", region("polygonlabels", "x", {"points": BOX}), address=address)
    one.pop("file_upload")
    assert read_dataset(export(tmp_path, one)).columns.images == ("images/a.jpg",)


def test_of_several_annotations_the_ground_truth_counts_else_the_latest(tmp_path):
    def annotation(label, updated, **more):
        return {"id": 1, "result": [region("polygonlabels", label, {"points": BOX})], "was_cancelled": False,
                "updated_at": updated, **more}  # fmt: skip

    old, new = annotation("old", "2023-01-01"), annotation("new", "2024-01-01")
    cancelled = annotation("cancelled", "2025-01-01") | {"was_cancelled": True}
    dataset = read_dataset(export(tmp_path, task(1, "a.jpg", annotations=[old, new, cancelled])))
    assert dataset.classes.names == ("background", "new")
    assert any("several annotations" in note for note in dataset.notes)
    truth = annotation("truth", "2020-01-01", ground_truth=True)
    assert read_dataset(export(tmp_path, task(1, "a.jpg", annotations=[truth, new]))).classes.names[1] == "truth"


def test_a_task_without_an_annotation_is_unlabelled(tmp_path):
    done = task(1, "a.jpg", region("polygonlabels", "x", {"points": BOX}))
    dataset = read_dataset(export(tmp_path, done, task(2, "b.jpg", annotations=[])))
    assert dataset.leftovers.images == ("images/b.jpg",)


def test_a_shape_and_its_label_may_be_two_results(tmp_path):
    bare = {**region("polygonlabels", "x", {"points": BOX}), "type": "polygon", "value": {"points": BOX}}
    named = region("labels", "Car", {"points": BOX})
    dataset = read_dataset(
        export(tmp_path, task(1, "a.jpg", bare, named, region("choices", "unsure", {"points": BOX})))
    )
    assert dataset.classes.names == ("background", "Car") and dataset.read_mask(0).sum() == 20


def brush_set(folder, suffix="png"):
    """Pictures, the tasks, and brush masks exported as files."""
    export(folder, task(7, "a.jpg"), task(8, "b.jpg"))
    leaf = drawing(*["............"] * 3, "....1.11....", "....111.....", *["............"] * 3)
    for name, mask in (("tag-Leaf-0", leaf), ("tag-Dry spot-0", np.roll(leaf, 3, axis=0))):
        path = folder / "brushes" / f"task-7-annotation-507-by-me@example.org-{name}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        if suffix == "png":
            save(path, mask * 255)
        else:
            np.save(path, mask * 255)
    return leaf


@pytest.mark.parametrize("suffix", ["png", "npy"])
def test_brush_masks_exported_as_files_belong_to_the_tasks_of_the_json(tmp_path, suffix):
    leaf = brush_set(tmp_path, suffix)
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "Dry spot", "Leaf")
    assert np.array_equal(dataset.read_mask(0), np.where(leaf, 2, np.roll(leaf, 3, axis=0)))
    assert not dataset.read_mask(1).any()
    assert not any("not used" in note for note in dataset.notes)


def test_brush_files_without_the_json_ask_for_it(tmp_path):
    brush_set(tmp_path)
    next(tmp_path.glob("*.json")).unlink()
    with pytest.raises(DataError, match="The 2 brush masks of Label Studio name tasks by number") as error:
        read_dataset(tmp_path)
    assert "export the project as JSON too" in error.value.fix


def test_a_brush_file_of_another_size_than_its_picture_names_both(tmp_path):
    brush_set(tmp_path)
    save(tmp_path / "brushes" / "task-7-annotation-507-by-1-tag-Leaf-1.png", drawing("11") * 255)
    with pytest.raises(DataError, match="The mask is 1 x 2, its picture 8 x 12"):
        read_dataset(tmp_path)


def test_a_numpy_file_with_objects_in_it_is_refused(tmp_path):
    brush_set(tmp_path, "npy")
    np.save(next((tmp_path / "brushes").glob("*Leaf*")), np.array([{}], dtype=object))
    with pytest.raises(DataError, match="a brush mask is"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"image_rotation": 90}, "turned by 90 degrees"), ({"original_width": None, "original_height": None}, "how large"),
     ({"value": {"rle": [1, 2, 300], "brushlabels": ["x"]}, "type": "brushlabels"}, "no byte"),
     ({"value": {"rle": [0, 0, 0], "brushlabels": ["x"]}, "type": "brushlabels"}, "ends too early")],
)  # fmt: skip
def test_broken_regions_are_an_error_that_names_the_task(tmp_path, change, said):
    with pytest.raises(DataError, match=said) as error:
        read_dataset(export(tmp_path, task(1, "a.jpg", region("polygonlabels", "x", {"points": BOX}) | change)))
    assert "task 1" in error.value.where


# --- kinds of regions -----------------------------------------------------------------------------------------------


def data_url(mask, form="data:image/png;base64"):
    """A bitmask as the browser writes it: black pixels on transparent background."""
    stream = io.BytesIO()
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[..., 3] = mask * 255
    Image.fromarray(pixels).save(stream, "PNG")
    return f"{form},{base64.b64encode(stream.getvalue()).decode()}"


def test_bitmasks_are_read(tmp_path):
    drawn = drawing(*["............"] * 3, "....1.11....", "....111.....", *["............"] * 3)
    value = {"imageDataURL": data_url(drawn)}
    dataset = read_dataset(export(tmp_path, task(1, "a.jpg", region("bitmasklabels", "Leaf", value))))
    assert np.array_equal(dataset.read_mask(0), drawn)


@pytest.mark.parametrize(
    ("url", "said"),
    [(data_url(drawing("11")), "The mask is 1 x 2, its picture 8 x 12"),
     (data_url(drawing("11"), "x"), "no PNG in base"),
     ("data:image/png;base64,AAAA", "no PNG that can be decoded")],
)  # fmt: skip
def test_a_broken_bitmask_is_an_error(tmp_path, url, said):
    with pytest.raises(DataError, match=said) as error:
        read_dataset(export(tmp_path, task(1, "a.jpg", region("bitmasklabels", "x", {"imageDataURL": url}))))
    assert "task 1" in error.value.where


def test_points_and_open_lines_cover_no_area_and_are_counted(tmp_path):
    point = {"x": 10, "y": 10, "width": 1}
    line = {"vertices": [{"x": 1, "y": 1}], "closed": False}
    dataset = read_dataset(export(
        tmp_path, task(1, "a.jpg", region("polygonlabels", "dog", {"points": BOX}),
                       region("keypointlabels", "x", point),
                       region("vectorlabels", "x", line), region("labels", "x", point))))  # fmt: skip
    assert "left out: lines and points, which cover no area (3)" in dataset.notes
    assert dataset.classes.names == ("background", "dog")


@pytest.mark.parametrize("kind", ["magiclabels", "vectorlabels"])
def test_a_kind_that_covers_area_and_is_not_read_is_an_error_and_no_empty_mask(tmp_path, kind):
    value = {"vertices": [{"x": 1, "y": 1}], "closed": True}
    with pytest.raises(DataError, match=f"A region is of the kind {kind}, which is not read") as error:
        read_dataset(export(tmp_path, task(1, "a.jpg", region(kind, "x", value))))
    assert "task 1" in error.value.where and "polygon" in error.value.fix


def test_the_minimal_export_refuses_such_a_kind_as_well(tmp_path):
    pictures(tmp_path, "a.jpg")
    write_json(tmp_path / "min.json", [{
        "image": "a.jpg", "id": 1, "annotator": 1, "annotation_id": 5,
        "label": [{"cubelabels": ["x"], "original_width": SIZE[1], "original_height": SIZE[0]}]}])  # fmt: skip
    with pytest.raises(DataError, match="of the kind cubelabels"):
        read_dataset(tmp_path)


def test_a_region_without_a_class_and_a_kind_that_nobody_knows_are_counted(tmp_path):
    bare = {**region("polygonlabels", "x", {}), "type": "polygon", "value": {"points": BOX}}
    other = [[x / 2, y / 2] for x, y in BOX]
    dataset = read_dataset(export(
        tmp_path, task(1, "a.jpg", bare, region("polygonlabels", "dog", {"points": other}),
                       region("videorectangle", "x", {"sequence": []}),
                       {"type": "hypertextlabels", "value": {"hypertextlabels": ["word"]}})))  # fmt: skip
    assert "left out: regions without a class (1)" in dataset.notes
    for kind in ("videorectangle", "hypertextlabels"):
        assert f"left out: regions of the kind {kind}, which is not read (1)" in dataset.notes


def test_a_field_of_the_minimal_export_that_is_called_annotations_is_no_annotation(tmp_path):
    pictures(tmp_path, "a.jpg")
    write_json(tmp_path / "min.json", [{
        "image": "a.jpg", "id": 1, "annotator": 1, "annotation_id": 5, "annotations": 7,
        "label": [{"points": BOX, "polygonlabels": ["x"], "original_width": 12, "original_height": 8}]}])  # fmt: skip
    assert read_dataset(tmp_path).read_mask(0).any()


# --- brush files of several annotations -----------------------------------------------------------------------------


def brushes_of_two(folder):
    """One task with the brush masks of annotation 501, left, and 502, right."""
    for number, mask in ((501, drawing("1" * 6 + "." * 6)), (502, drawing("." * 6 + "1" * 6))):
        save(folder / "brushes" / f"task-7-annotation-{number}-by-me-tag-Leaf-0.png", np.repeat(mask, 8, axis=0) * 255)


def test_of_the_brush_files_of_several_annotations_those_of_the_highest_number_count(tmp_path):
    brushes_of_two(export(tmp_path, {"id": 7, "data": {"image": "a.jpg"}}))
    dataset = read_dataset(tmp_path)
    assert dataset.read_mask(0)[0].tolist() == [0] * 6 + [1] * 6
    assert any("tasks with brush masks of several annotations: 1;" in note for note in dataset.notes)


def test_the_brush_files_of_the_ground_truth_count(tmp_path):
    done = [{"id": 501, "ground_truth": True, "result": []}, {"id": 502, "ground_truth": False, "result": []}]
    brushes_of_two(export(tmp_path, task(7, "a.jpg", annotations=done)))
    assert read_dataset(tmp_path).read_mask(0)[0].tolist() == [1] * 6 + [0] * 6


@pytest.mark.parametrize(
    "header",
    ["{'descr': '|u1', 'fortran_order': False, 'shape': (8, 12L, }",
     "{'descr': (), 'fortran_order': False, 'shape': ()}", "(" * 3000,
     "{'descr': [()], 'fortran_order': False, 'shape': (8, 12)}", "\\\n x\n  y\n z",
     "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 12)}", "{1: 2}"],
)  # fmt: skip
def test_a_damaged_header_of_a_numpy_file_is_an_error_that_names_it(tmp_path, header):
    brush_set(tmp_path, "npy")
    path = next((tmp_path / "brushes").glob("*Leaf*"))
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(96))
    with pytest.raises(DataError, match="no NumPy array|a brush mask is") as error:
        read_dataset(tmp_path)
    assert path.name in error.value.where
