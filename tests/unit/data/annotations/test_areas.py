import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from maskwright.data.annotations.areas import Brush, Ellipse, PngBitmap, Polygon, Runs
from maskwright.data.annotations.rle import checked_runs, unpack_counts
from maskwright.data.annotations.scanline import fill
from maskwright.errors import DataError
from support.outlines import brush_bytes, drawing

# pycocotools 2.0 answers numpy 2 with a warning.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def drawn(area, size):
    top, left, inside = area.draw(size, "here")
    mask = np.zeros(size, np.uint8)
    mask[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return mask


def ring(*points):
    return np.array(points, np.float64)


def star(rng, size):
    """A polygon with random corners around the middle, some of them outside of the picture."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 14)))
    radii = rng.uniform(0.1, 0.7, len(angles)) * max(size)
    return np.stack([size[1] / 2 + radii * np.cos(angles), size[0] / 2 + radii * np.sin(angles)], axis=1)


# --- polygons -------------------------------------------------------------------------------------------------------


def test_a_box_between_pixels_covers_exactly_the_pixels_between_its_sides():
    mask = drawn(Polygon((ring((2, 1), (5, 1), (5, 3), (2, 3)),)), (4, 7))
    assert np.array_equal(mask, drawing(".......", "..111..", "..111..", "......."))


def test_the_pixels_centre_decides():
    mask = drawn(Polygon((ring((0.6, 0.4), (3.4, 0.4), (3.4, 1.6), (0.6, 1.6)),)), (3, 5))
    assert np.array_equal(mask, drawing(".11..", ".11..", "....."))


def test_a_triangle_is_cut_along_its_slope():
    mask = drawn(Polygon((ring((0, 0), (5, 0), (0, 5)),)), (5, 5))
    assert np.array_equal(mask, drawing("1111.", "111..", "11...", "1....", "....."))


def test_polygons_that_share_a_border_share_no_pixel_and_leave_none_out():
    rng = np.random.default_rng(0)
    for _ in range(50):
        middle = rng.uniform(0, 9, (2, 2)).round(1)
        left = fill(np.array([(0, 0), *middle, (0, 9)]), (9, 9))
        right = fill(np.array([(9, 0), (0, 0), *middle, (0, 9), (9, 9)]), (9, 9))
        assert np.array_equal(left ^ right, np.ones((9, 9), bool))


def test_what_lies_outside_of_the_picture_is_cut_off():
    mask = drawn(Polygon((ring((-5, -5), (3, -5), (3, 2), (-5, 2)),)), (4, 4))
    assert np.array_equal(mask, drawing("111.", "111.", "....", "...."))
    assert not drawn(Polygon((ring((20, 20), (30, 20), (30, 30)),)), (4, 4)).any()
    assert not drawn(Polygon((ring((-9, -9), (-3, -9), (-3, -3)),)), (4, 4)).any()


def test_parts_are_joined_and_holes_are_cut_out_of_them():
    outer, other = ring((0, 0), (5, 0), (5, 4), (0, 4)), ring((4, 0), (7, 0), (7, 2), (4, 2))
    hole = ring((1, 1), (3, 1), (3, 3), (1, 3))
    mask = drawn(Polygon((outer, other), (hole,)), (4, 7))
    assert np.array_equal(mask, drawing("1111111", "1..1111", "1..11..", "11111.."))


def test_a_ring_that_crosses_itself_is_filled_by_the_even_odd_rule():
    mask = drawn(Polygon((ring((0, 0), (6, 0), (6, 6), (2, 6), (2, 2), (4, 2), (4, 4), (0, 4)),)), (6, 6))
    assert np.array_equal(mask, drawing("111111", "111111", "11..11", "11..11", "..1111", "..1111"))


def test_closed_polygons_hold_the_pixels_on_all_their_borders():
    points = ring((2, 1), (4, 1), (4, 3), (2, 3)) + 0.5
    assert np.array_equal(drawn(Polygon((points,), closed=True), (5, 6)),
                          drawing("......", "..111.", "..111.", "..111.", "......"))  # fmt: skip


def test_coordinates_may_be_shares_of_the_picture():
    mask = drawn(Polygon((ring((0.25, 0), (0.75, 0), (0.75, 0.5), (0.25, 0.5)),), shares=True), (4, 8))
    assert np.array_equal(mask, drawing("..1111..", "..1111..", "........", "........"))


def test_polygons_agree_with_an_independent_point_test():
    """Against matplotlib's point-in-polygon, at every pixel centre."""
    from matplotlib.path import Path

    rng = np.random.default_rng(1)
    size = (23, 31)
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1)
    for _ in range(40):
        points = star(rng, size)
        expected = Path(np.vstack([points, points[:1]]), closed=True).contains_points(centres).reshape(size)
        assert np.array_equal(drawn(Polygon((points,)), size).astype(bool), expected)


def test_polygons_differ_from_cocos_own_only_at_their_border():
    rng = np.random.default_rng(2)
    size = (60, 80)
    for _ in range(40):
        points = star(rng, size).clip(0, [size[1], size[0]])
        theirs = coco_mask.decode(coco_mask.frPyObjects([points.ravel().tolist()], *size))[:, :, 0]
        ours = drawn(Polygon((points,)), size)
        rows, columns = np.nonzero(ours != theirs)
        ends = np.roll(points, -1, axis=0)
        for row, column in zip(rows, columns, strict=True):
            assert distance((column + 0.5, row + 0.5), points, ends) < 1.5


def distance(point, starts, ends):
    """How far a point lies from the nearest of some lines."""
    along = ends - starts
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = (((point - starts) * along).sum(axis=1) / length).clip(0, 1)
    return float(np.hypot(*(starts + share[:, None] * along - point).T).min())


# --- ellipses and bitmaps -------------------------------------------------------------------------------------------


def test_a_circle_holds_the_centres_within_its_radius():
    mask = drawn(Ellipse((2.5, 2.5), (2, 2)), (5, 5))
    assert np.array_equal(mask, drawing("..1..", ".111.", "11111", ".111.", "..1.."))


def test_an_ellipse_turns_clockwise():
    flat, upright = drawn(Ellipse((4, 4), (3.6, 1.2)), (8, 8)), drawn(Ellipse((4, 4), (3.6, 1.2), 90), (8, 8))
    assert np.array_equal(upright, flat.T)
    slanted = drawn(Ellipse((4, 4), (3.6, 1.2), 45), (8, 8))  # from top left to bottom right
    assert slanted[2, 2] and slanted[5, 5] and not slanted[2, 5]


def test_runs_go_down_the_columns_or_along_the_rows():
    counts = np.array([1, 2, 3])
    assert np.array_equal(drawn(Runs(counts, (2, 3), by_columns=True), (2, 3)), drawing(".1.", "1.."))
    assert np.array_equal(drawn(Runs(counts, (2, 3)), (2, 3)), drawing(".11", "..."))


def test_a_bitmap_is_placed_by_its_corner_and_cut_at_the_pictures_sides():
    counts = np.array([0, 9])
    assert np.array_equal(drawn(Runs(counts, (3, 3), (-1, 2)), (3, 4)), drawing("..11", "..11", "...."))
    assert not drawn(Runs(counts, (3, 3), (5, 9)), (3, 4)).any()


def test_packed_runs_are_those_of_cocos_own_library():
    rng = np.random.default_rng(3)
    for density in (0.02, 0.5, 0.98):
        mask = (rng.random((37, 29)) < density).astype(np.uint8)
        packed = coco_mask.encode(np.asfortranarray(mask))
        runs = unpack_counts(packed["counts"].decode(), (37, 29), "here")
        assert np.array_equal(drawn(Runs(runs, (37, 29), by_columns=True), (37, 29)), mask)


@pytest.mark.parametrize(
    ("counts", "said"),
    [([5], "covers 5 pixels"), ([3, -1, 4], "holds -1"), ([10**30], "holds 1000"), ([1.5, 4.5], "holds 1.5"),
     (["6"], "holds 6"), ([True, 5], "holds True")],
)  # fmt: skip
def test_runs_that_do_not_fill_the_picture_are_an_error(counts, said):
    with pytest.raises(DataError, match=said) as error:
        checked_runs(counts, (2, 3), "a.json, image a.jpg")
    assert "2 x 3 pixels" in error.value.what and error.value.where == "a.json, image a.jpg"


@pytest.mark.parametrize("text", ["", "é", " ", "ooooooooooooooooo", "6o", "P" * 3])
def test_packed_runs_that_are_none_are_an_error(text):
    with pytest.raises(DataError, match="run-length mask"):
        unpack_counts(text, (2, 3), "here")


def png(mask, mode="L"):
    stream = io.BytesIO()
    Image.fromarray(mask).convert(mode).save(stream, "PNG")
    return stream.getvalue()


def test_a_png_is_inside_where_it_is_not_zero_or_not_transparent():
    mask = drawing(".1.", "11.")
    assert np.array_equal(drawn(PngBitmap(base64.b64encode(png(mask * 255)).decode(), (0, 0)), (2, 3)), mask)
    see_through = np.dstack([np.zeros((2, 3, 3), np.uint8), mask * 255])
    stream = io.BytesIO()
    Image.fromarray(see_through).save(stream, "PNG")
    packed = base64.b64encode(zlib.compress(stream.getvalue())).decode()
    assert np.array_equal(drawn(PngBitmap(packed, (1, 1), packed=True), (3, 4)), drawing("....", "..1.", ".11."))


def test_the_bitmap_of_superviselys_own_documentation_is_a_ring():
    content = (
        "eJzrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTwebo4hlTMSa44sKHhISMDuxpTYrr03F6g"
        "DIOnq5/LOqeEJgDM5ht6"
    )
    assert np.array_equal(drawn(PngBitmap(content, (0, 0), packed=True), (3, 3)), drawing("111", "1.1", "111"))


def test_a_bitmap_that_unfolds_without_bound_is_refused(monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_MAX_PIXELS", "100000")
    bomb = base64.b64encode(zlib.compress(bytes(10_000_000))).decode()
    with pytest.raises(DataError, match="inflates to more than 400000 bytes"):
        drawn(PngBitmap(bomb, (0, 0), packed=True), (3, 3))
    large = base64.b64encode(png(np.zeros((1000, 1000), np.uint8))).decode()
    with pytest.raises(DataError, match="1,000,000 pixels"):
        drawn(PngBitmap(large, (0, 0)), (3, 3))


@pytest.mark.parametrize(
    "content", ["", "no base64 at all!", "AAAA", base64.b64encode(png(drawing("11"))[:40]).decode()]
)
def test_a_broken_bitmap_is_an_error_that_names_the_place(content):
    for packed in (False, True):
        with pytest.raises(DataError) as error:
            PngBitmap(content, (0, 0), packed=packed).draw((3, 3), "a.json")
        assert error.value.where == "a.json" and error.value.fix


def test_a_brush_mask_is_unpacked_and_its_transparency_counts():
    rng = np.random.default_rng(4)
    mask = (rng.random((9, 14)) < 0.4).astype(np.uint8)
    assert np.array_equal(drawn(Brush(bytes(brush_bytes(mask)), (9, 14)), (9, 14)), mask)


def test_a_brush_mask_may_hold_stretches_of_single_values():
    bits = (
        f"{8:032b}{7:05b}"
        + "0010" * 4
        + "0"
        + "00"
        + f"{7:03b}"
        + "".join(f"{v:08b}" for v in (9, 9, 9, 0, 9, 9, 9, 255))
    )
    bits += "0" * (-len(bits) % 8)
    content = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    assert np.array_equal(drawn(Brush(content, (1, 2)), (1, 2)), drawing(".1"))


@pytest.mark.parametrize(("cut", "said"), [(3, "ends too early"), (12, "ends too early")])
def test_a_brush_mask_that_ends_early_is_an_error(cut, said):
    with pytest.raises(DataError, match=said):
        Brush(bytes(brush_bytes(drawing("1.1.", ".1.1")))[:cut], (2, 4)).draw((2, 4), "here")


def test_a_brush_mask_of_another_size_is_an_error_before_anything_is_unpacked():
    with pytest.raises(DataError, match=r"holds 32 values; 1000 x 1000 \(height x width\) pixels need 4000000"):
        Brush(bytes(brush_bytes(drawing("1.1.", ".1.1"))), (1000, 1000)).draw((1000, 1000), "here")


def test_areas_are_told_apart_by_what_they_show():
    square, other = ring((0, 0), (1, 0), (1, 1)), ring((0, 0), (1, 0), (1, 2))
    areas = [
        Polygon((square,)), Polygon((other,)), Polygon((square, other)), Polygon((square,), (other,)),
        Polygon((square,), closed=True), Polygon((square,), shares=True), Ellipse((1, 1), (2, 2)),
        Ellipse((1, 1), (2, 2), 5), Runs(np.array([1, 2]), (1, 3)), Runs(np.array([1, 2]), (3, 1)),
        Runs(np.array([1, 2]), (1, 3), (1, 0)), Runs(np.array([1, 2]), (1, 3), by_columns=True),
        PngBitmap("AA", (0, 0)), PngBitmap("AA", (0, 1)), PngBitmap("AA", (0, 0), packed=True), Brush(b"a", (1, 1)),
    ]  # fmt: skip
    assert len({b"".join(area.identity()) for area in areas}) == len(areas)
