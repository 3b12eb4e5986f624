"""What is written is read back as the identical mask: by our own readers, and by pycocotools for COCO."""

import io
import json

import numpy as np
import pytest

from maskwright.data.annotations.bitmaps import brush_alpha
from maskwright.data.annotations.rle import checked_runs, runs_to_mask
from maskwright.data.annotations.scanline import fill
from maskwright.data.annotations.written.coco import CocoFile
from maskwright.data.annotations.written.cvat import CvatFile
from maskwright.data.annotations.written.geojson import geojson_document
from maskwright.data.annotations.written.label_studio import LabelStudioFile, interface
from maskwright.data.annotations.written.labelme import labelme_document, labels_text
from maskwright.data.annotations.written.runs import column_run_lengths, packed_brush, run_lengths
from maskwright.data.annotations.written.shapes import Drawn, outlined
from maskwright.data.read import read_dataset
from maskwright.images.classes import Classes
from maskwright.images.regions import layers
from maskwright.recipe import DataOptions
from support.outlines import brush_bytes, drawing, pictures

BINARY = Classes(("background", "lesion"))
SEVERAL = Classes(("background", "crop", 'weed "tall" & <thin>'))
OVERLAPPING = Classes(("cell", "nucleus"), exclusive=False)
EVERY = pytest.mark.parametrize("classes", [BINARY, SEVERAL, OVERLAPPING], ids=("binary", "several", "overlapping"))


def random_mask(seed, classes, size=(24, 31)):
    """Blobs with holes and specks, of all classes."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=(len(classes.names), *size))
    smooth = gaussian_filter(noise, (0, 1.5, 1.5))
    if classes.exclusive:
        return smooth.argmax(axis=0).astype(np.uint8)
    return np.ascontiguousarray((smooth > 0.02).transpose(1, 2, 0).astype(np.uint8))


def drawn(name, mask, classes, tolerance=0.0, **given):
    regions = tuple(layers(mask, classes))
    return Drawn(name, mask, regions, outlined(regions, tolerance), **given)


def gathered(writer, all_drawn):
    for one in all_drawn:
        writer.put(writer.part(one))
    writer.end()


def coco(all_drawn, classes):
    file, aside = io.StringIO(), io.StringIO()
    gathered(CocoFile(file, aside, classes), all_drawn)
    return file.getvalue()


def cvat(all_drawn, classes):
    file = io.StringIO()
    gathered(CvatFile(file, classes, len(all_drawn)), all_drawn)
    return file.getvalue()


def label_studio(all_drawn, classes):
    file = io.StringIO()
    gathered(LabelStudioFile(file, classes), all_drawn)
    return file.getvalue()


def set_of(folder, classes, count=3, empty=True):
    """Pictures and their masks; one of them is empty."""
    masks = [random_mask(seed, classes) for seed in range(count)]
    if empty:
        masks.append(np.zeros_like(masks[0]))
    names = [f"sub {i}/a&{i}.png" for i in range(len(masks))]
    pictures(folder, *names, size=masks[0].shape[:2])
    return dict(zip(names, masks, strict=True))


def read_again(folder, classes, annotations):
    """The masks that our own readers find, by picture, their classes in the order of `classes`."""
    dataset = read_dataset(folder, DataOptions(
        annotations=annotations, classes=list(classes.names), encoding=None if classes.exclusive else "per-class"
    ))  # fmt: skip
    assert dataset.classes.names == classes.names
    return {dataset.columns.images[row]: dataset.read_mask(row) for row in range(len(dataset))}


def assert_same(found, masks):
    assert set(found) == set(masks)
    for name, mask in masks.items():
        np.testing.assert_array_equal(found[name], mask)


@EVERY
def test_coco_is_read_back_as_the_same_masks(tmp_path, classes):
    masks = set_of(tmp_path, classes)
    text = coco([drawn(name, mask, classes) for name, mask in masks.items()], classes)
    (tmp_path / "annotations.json").write_text(text)
    assert_same(read_again(tmp_path, classes, "annotations.json"), masks)


@EVERY
def test_cvat_is_read_back_as_the_same_masks(tmp_path, classes):
    masks = set_of(tmp_path, classes)
    (tmp_path / "cvat.xml").write_text(cvat([drawn(name, mask, classes) for name, mask in masks.items()], classes))
    assert_same(read_again(tmp_path, classes, "cvat.xml"), masks)


@EVERY
def test_label_studio_s_predictions_once_accepted_are_read_back_as_the_same_masks(tmp_path, classes):
    masks = set_of(tmp_path, classes)
    tasks = json.loads(label_studio([drawn(name, mask, classes) for name, mask in masks.items()], classes))
    for number, task in enumerate(tasks, start=1):
        task.update(id=number, annotations=task.pop("predictions"))
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    assert_same(read_again(tmp_path, classes, "export.json"), masks)


@EVERY
def test_labelme_is_read_back_as_the_same_masks(tmp_path, classes):
    masks = set_of(tmp_path, classes)
    (tmp_path / "labels.txt").write_text(labels_text(classes))
    for name, mask in masks.items():
        one = drawn(name, mask, classes)
        path = (tmp_path / "json" / name).with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(labelme_document(f"../../{name}", one.size, one.shapes, classes))
    assert_same(read_again(tmp_path, classes, "labelme"), masks)


def test_without_stated_names_the_classes_are_background_and_those_of_the_file(tmp_path):
    masks = set_of(tmp_path, SEVERAL)
    text = coco([drawn(name, mask, SEVERAL) for name, mask in masks.items()], SEVERAL)
    (tmp_path / "annotations.json").write_text(text)
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == SEVERAL.names


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@EVERY
def test_pycocotools_reads_the_same_masks(tmp_path, classes):
    from pycocotools.coco import COCO

    masks = {f"{seed}.png": random_mask(seed, classes) for seed in range(8)}
    path = tmp_path / "annotations.json"
    path.write_text(coco([drawn(name, mask, classes) for name, mask in masks.items()], classes))
    found = COCO(path)
    for image in found.loadImgs(found.getImgIds()):
        mask = masks[image["file_name"]]
        assert (image["height"], image["width"]) == mask.shape[:2]
        again = np.zeros_like(mask)
        for thing in found.loadAnns(found.getAnnIds(image["id"])):
            inside = found.annToMask(thing).astype(bool)
            assert inside.sum() == thing["area"]
            left, top, width, height = thing["bbox"]
            rows, columns = np.nonzero(inside)
            assert (left, top) == (columns.min(), rows.min())
            assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)
            if classes.exclusive:
                again[inside] = thing["category_id"]
            else:
                again[inside, thing["category_id"] - 1] = 1
        np.testing.assert_array_equal(again, mask)


def test_names_that_xml_cannot_hold_leave_it_valid():
    from defusedxml.ElementTree import fromstring

    classes = Classes(("background", "a\x01<b>\n"))
    root = fromstring(cvat([drawn("x\x1b\"&'.png", drawing("1."), classes)], classes))
    assert root.find("image").get("name") == "x\\x1b\"&'.png"
    assert root.find("image/polygon").get("label") == root.findtext("meta/task/labels/label/name") == "a\\x01<b>\\n"


def test_coco_carries_scores_where_they_are_known_and_ids_that_go_on():
    mask = drawing("11..1", "11..1")
    content = json.loads(coco([drawn("a", mask, BINARY, scores=(0.9, 0.6)), drawn("b", mask, BINARY)], BINARY))
    things = content["annotations"]
    assert [thing["id"] for thing in things] == [1, 2, 3, 4]
    assert [thing["image_id"] for thing in things] == [1, 1, 2, 2]
    assert [thing.get("score") for thing in things] == [0.9, 0.6, None, None]
    assert content["categories"] == [{"id": 1, "name": "lesion"}]


def test_a_file_of_no_picture_is_valid_too():
    assert json.loads(coco([], BINARY))["images"] == []
    assert json.loads(label_studio([], BINARY)) == []
    assert cvat([], BINARY).endswith("</annotations>\n")


@EVERY
def test_geojson_s_polygons_are_the_mask_and_turn_as_the_rfc_says(classes):
    mask = random_mask(5, classes)
    content = json.loads(geojson_document(drawn("a", mask, classes).shapes, classes))
    again = np.zeros_like(mask)
    for feature in content["features"]:
        exterior, *holes = (np.array(ring, float) for ring in feature["geometry"]["coordinates"])
        inside = fill(exterior[:-1], mask.shape[:2])
        for ring in (exterior, *holes):
            assert (ring[0] == ring[-1]).all()
            turn = (ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]).sum()
            assert (turn > 0) == (ring is exterior)
        for hole in holes:
            inside &= ~fill(hole[:-1], mask.shape[:2])
        kind = classes.names.index(feature["properties"]["classification"]["name"])
        assert inside.sum() == feature["properties"]["pixels"]
        if classes.exclusive:
            again[inside] = kind
        else:
            again[inside, kind] = 1
    np.testing.assert_array_equal(again, mask)


def test_labelme_s_bitmaps_name_their_first_and_last_pixel():
    one = drawn("a", drawing(".....", ".111.", ".1.1.", ".111."), BINARY)
    (shape,) = json.loads(labelme_document("a.png", one.size, one.shapes, BINARY))["shapes"]
    assert (shape["shape_type"], shape["points"]) == ("mask", [[1.0, 1.0], [3.0, 3.0]])


def test_label_studio_s_interface_names_the_tools_of_its_predictions():
    from defusedxml.ElementTree import fromstring

    view = fromstring(interface(SEVERAL))
    (task,) = json.loads(label_studio([drawn("a b/c#.png", random_mask(1, SEVERAL), SEVERAL)], SEVERAL))
    results = task["predictions"][0]["result"]
    assert {one["from_name"] for one in results} == {view.find("BrushLabels").get("name")}
    assert {one["to_name"] for one in results} == {view.find("Image").get("name")}
    assert [label.get("value") for label in view.iter("Label")] == list(SEVERAL.names[1:])
    assert {one["value"]["brushlabels"][0] for one in results} == set(SEVERAL.names[1:])
    assert task["data"] == {"image": "/data/local-files/?d=a%20b/c%23.png"}


@pytest.mark.parametrize("seed", range(20))
def test_run_lengths_are_those_of_the_whole_bitmap(seed):
    rng = np.random.default_rng(seed)
    size = tuple(int(side) for side in rng.integers(1, 12, 2))
    top, left = (int(rng.integers(0, side)) for side in size)
    inside = rng.random((rng.integers(1, size[0] - top + 1), rng.integers(1, size[1] - left + 1))) < rng.random()
    whole = np.zeros(size, bool)
    whole[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    for counts, by_columns in ((run_lengths(inside, (top, left), size), False),
                               (column_run_lengths(inside, (top, left), size), True)):  # fmt: skip
        again = runs_to_mask(checked_runs(counts, size, ""), size, by_columns=by_columns)
        np.testing.assert_array_equal(again, whole)
        assert 0 not in counts[1:]


@pytest.mark.parametrize("seed", range(8))
def test_packed_brushes_are_those_of_an_independent_packing(seed):
    mask = random_mask(seed, BINARY, size=(17, 23))
    found = packed_brush(mask.astype(bool))
    assert found == brush_bytes(mask)
    np.testing.assert_array_equal(brush_alpha(bytes(found), mask.shape, "") > 127, mask > 0)


@pytest.mark.parametrize("size", [(140, 130), (128, 128), (1, 1)])
def test_runs_too_long_for_one_block_are_packed_into_several(size):
    for inside in (np.ones(size, bool), np.zeros(size, bool), np.eye(*size, dtype=bool)):
        np.testing.assert_array_equal(brush_alpha(bytes(packed_brush(inside)), size, "") > 127, inside)
