import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support.outlines import SIZE, drawing, pictures, write_json

META = {
    "classes": [
        {"title": "cell", "shape": "bitmap", "color": "#0F138A", "geometry_config": {}, "id": 1, "hotkey": ""},
        {"title": "tissue", "shape": "polygon", "color": "#8A0F3B", "geometry_config": {}, "id": 2, "hotkey": ""},
        {"title": "nucleus", "shape": "point", "color": "#FFFFFF", "geometry_config": {}, "id": 3, "hotkey": ""},
    ],
    "tags": [], "projectType": "images",
}  # fmt: skip


def bitmap(mask):
    """A palette PNG with a transparent 0, deflated, in base64: as Supervisely's SDK writes it."""
    image = Image.fromarray(mask)
    image.putpalette([0, 0, 0, 255, 255, 255])
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=0, optimize=0)
    return base64.b64encode(zlib.compress(stream.getvalue())).decode()


def thing(title, kind, **geometry):
    return {"id": 1, "classId": 2, "description": "", "geometryType": kind, "labelerLogin": "admin", "tags": [],
            "createdAt": "2020-08-22T09:32:48.010Z", "classTitle": title, **geometry}  # fmt: skip


def supervisely(folder, **images):
    write_json(folder / "meta.json", META)
    for name, things in images.items():
        pictures(folder / "ds0" / "img", f"{name}.png")
        size = {"height": SIZE[0], "width": SIZE[1]}
        content = {"description": "", "tags": [], "size": size, "objects": things}
        write_json(folder / "ds0" / "ann" / f"{name}.png.json", content)
    return folder


def test_bitmaps_are_placed_by_their_origin(tmp_path):
    content = {"data": bitmap(drawing("1.1", "111")), "origin": [4, 2]}
    dataset = read_dataset(supervisely(tmp_path, a=[thing("cell", "bitmap", bitmap=content)], b=[]))
    assert np.array_equal(dataset.read_mask(0)[1:5, 3:8], drawing(".....", ".1.1.", ".111.", "....."))
    assert not dataset.read_mask(1).any()
    assert dataset.notes[0].startswith("annotations: Supervisely, ds0/ann/a.png.json, ds0/ann/b.png.json: 2 pictures")


def test_the_classes_and_colours_are_those_of_meta_json(tmp_path):
    points = {"exterior": [[2, 1], [6, 1], [6, 4], [2, 4]], "interior": []}
    dataset = read_dataset(supervisely(tmp_path, a=[thing("tissue", "polygon", points=points)]))
    assert dataset.classes.names == ("background", "cell", "tissue")
    assert dataset.classes.colours[1:] == ((0x0F, 0x13, 0x8A), (0x8A, 0x0F, 0x3B))


def test_whole_coordinates_are_pixels_that_belong_to_the_object_and_holes_are_cut_out(tmp_path):
    points = {"exterior": [[2, 1], [8, 1], [8, 6], [2, 6]], "interior": [[[4, 3], [5, 3], [5, 4], [4, 4]]]}
    dataset = read_dataset(supervisely(tmp_path, a=[thing("tissue", "polygon", points=points)]))
    assert np.array_equal(dataset.read_mask(0), 2 * drawing(
        "............", "..1111111...", "..1111111...", "..11..111...", "..11..111...", "..1111111...",
        "..1111111...", "............"))  # fmt: skip


def test_coordinates_with_fractions_are_places_between_pixels(tmp_path):
    points = {"exterior": [[2.0, 1.0], [7.4, 1.0], [7.4, 5.0], [2.0, 5.0]], "interior": []}
    assert read_dataset(supervisely(tmp_path, a=[thing("tissue", "polygon", points=points)])).read_mask(0).sum() == 40


def test_rectangles_hold_both_corners(tmp_path):
    points = {"exterior": [[2, 1], [6, 4]], "interior": []}
    mask = read_dataset(supervisely(tmp_path, a=[thing("tissue", "rectangle", points=points)])).read_mask(0)
    assert (mask == 2).sum() == 20 and mask[1, 2] == mask[4, 6] == 2


def test_points_and_lines_are_counted(tmp_path):
    points = {"exterior": [[2, 1]], "interior": []}
    box = thing("tissue", "rectangle", points={"exterior": [[2, 1], [6, 4]], "interior": []})
    dataset = read_dataset(supervisely(tmp_path, a=[box, thing("nucleus", "point", points=points)]))
    assert "left out: lines and points, which cover no area (1)" in dataset.notes


def test_the_same_name_in_two_datasets_is_kept_apart(tmp_path):
    supervisely(tmp_path, a=[thing("tissue", "rectangle", points={"exterior": [[2, 1], [6, 4]], "interior": []})])
    pictures(tmp_path / "ds1" / "img", "a.png")
    write_json(tmp_path / "ds1" / "ann" / "a.png.json", {"size": {"height": 8, "width": 12}, "objects": []})
    dataset = read_dataset(tmp_path)
    assert dataset.columns.images == ("ds0/img/a.png", "ds1/img/a.png")
    assert dataset.read_mask(0).any() and not dataset.read_mask(1).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bitmap": {"data": "AAAA", "origin": [1, 2]}}, "cannot be inflated"),
        ({"bitmap": {"data": base64.b64encode(zlib.compress(b"no png")).decode(), "origin": [1, 2]}}, "no PNG"),
        ({"bitmap": {"data": "AAAA", "origin": [1]}}, "no data or no origin"),
        ({"geometryType": "hologram"}, "'hologram', which cannot be drawn"),
    ],
)
def test_broken_objects_are_an_error_that_names_the_file(tmp_path, change, said):
    content = {"data": bitmap(drawing("11")), "origin": [4, 2]}
    supervisely(tmp_path, a=[{**thing("cell", "bitmap", bitmap=content), **change}])
    with pytest.raises(DataError, match=said) as error:
        read_dataset(tmp_path)
    assert "a.png.json" in error.value.where
