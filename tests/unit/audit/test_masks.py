import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.audit.agreement import Agreement
from maskwright.audit.check import check_dataset
from maskwright.audit.drawing import MaskDrawing
from maskwright.audit.facts import MaskFacts, PictureFacts
from maskwright.audit.shifted import shift_findings
from maskwright.data.dataset import Columns, Dataset
from maskwright.data.pebbles import draw_pebbles
from maskwright.images.classes import Classes
from maskwright.images.formats import ImageInfo
from maskwright.images.masks import MaskEncoding
from maskwright.recipe import DataOptions
from support.picture_folders import disc, make_set, photo, save

SIZE = (48, 64)


@pytest.fixture
def clean(tmp_path):
    """Twelve pictures with masks, nothing wrong with any."""
    return make_set(tmp_path, 12, size=SIZE, image="images/{}.png", names="s{}")


def of_kind(folder, kind, *, size=None, **stated):
    report = check_dataset(folder, DataOptions(**stated), size=size)
    return [found for found in report.findings if found.kind == kind]


def as_jpeg(mask, quality):
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", [50, 90])
def test_a_png_that_was_a_jpeg_once_is_lossy(tmp_path, quality):
    make_set(tmp_path, 12, size=(96, 128), image="images/{}.png", names="s{}")
    for i in range(3):
        save(tmp_path / "masks" / f"s{i}.png", as_jpeg(disc(i, (96, 128), radius=20), quality))

    found = of_kind(tmp_path, "mask-lossy")

    assert [f.sample for f in found] == ["s0", "s1", "s2"]
    assert all(f.level == "warning" and "was a JPEG once" in f.what for f in found)


def test_a_lossy_webp_is_lossy_and_a_lossless_one_is_not(tmp_path):
    make_set(tmp_path, 12, size=(96, 128), image="images/{}.png", mask="masks/{}.webp", names="s{}")
    for i in range(12):
        mask = np.repeat(disc(i, (96, 128), radius=20)[..., None], 3, axis=2)
        save(tmp_path / "masks" / f"s{i}.webp", mask, lossless=i > 3, quality=40)

    assert [f.sample for f in of_kind(tmp_path, "mask-lossy")] == ["s0", "s1", "s2", "s3"]


def test_blurred_borders_are_not_lossy(tmp_path):
    make_set(tmp_path, 8, size=(96, 128), image="images/{}.png", names="s{}")
    for i in range(8):
        large = Image.fromarray(disc(i, (384, 512), radius=80))
        save(tmp_path / "masks" / f"s{i}.png", np.asarray(large.resize((128, 96), Image.Resampling.BOX)))

    assert of_kind(tmp_path, "mask-lossy") == []
    assert len(of_kind(tmp_path, "mask-antialiased")) == 1


def test_values_next_to_the_two_are_named(clean):
    mask = disc(4, SIZE)
    mask[mask == 255] = np.where(np.arange(np.count_nonzero(mask)) < 9, 254, 255)
    for i in range(3):
        save(clean / "masks" / f"s{i}.png", mask)

    found = of_kind(clean, "mask-values")

    assert [f.sample for f in found] == ["s0", "s1", "s2"]
    assert found[0].evidence["values"] == {"254": 9}


def with_numbers(folder, *, seldom, options=""):
    """Masks of class numbers, of which some hold 255 in a few pixels."""
    for i in range(12):
        mask = disc(i, SIZE, 1)
        mask[:6, :9] = 2
        mask[-3:, -3:] = 255 if i in seldom else 0
        save(folder / "masks" / f"s{i}.png", mask)
    (folder / "dataset.yaml").write_text(options)


def test_255_in_few_masks_of_class_numbers_may_be_a_slip(clean):
    with_numbers(clean, seldom=(2, 7))

    found = of_kind(clean, "mask-values")

    assert [(f.sample, f.level, f.evidence["values"]) for f in found] == [
        ("s2", "warning", {"255": 9}),
        ("s7", "warning", {"255": 9}),
    ]
    assert "state ignore: 255" in found[0].fix


@pytest.mark.parametrize(("seldom", "options"), [(range(12), ""), ((2, 7), "ignore: 255\n")])
def test_255_in_most_masks_or_stated_to_be_ignored_is_no_slip(clean, seldom, options):
    with_numbers(clean, seldom=seldom, options=options)

    assert of_kind(clean, "mask-values") == []


def test_two_scales_in_a_set_are_a_note_that_names_the_fewer(clean):
    for i in (2, 5):
        save(clean / "masks" / f"s{i}.png", disc(i, SIZE, value=1))

    (found,) = of_kind(clean, "mask-values")

    assert (found.level, found.evidence["samples"]) == ("note", ["s2", "s5"])
    assert "2 masks are written 0/1 and 10 0/255" in found.what


def test_a_mask_with_swapped_classes_is_a_warning(clean):
    save(clean / "masks" / "s4.png", 255 - disc(4, SIZE))

    (found,) = of_kind(clean, "mask-values")

    assert (found.level, found.sample) == ("warning", "s4")
    assert "swapped" in found.what


def test_foreground_along_the_border_is_usual_where_most_masks_have_it(clean):
    for i in range(12):
        save(clean / "masks" / f"s{i}.png", 255 - disc(i, SIZE))

    assert of_kind(clean, "mask-values") == []


# --- classes --------------------------------------------------------------------------------------------------------


def test_a_class_that_one_mask_shows_is_rare(clean):
    for i in range(12):
        mask = disc(i, SIZE, value=1)
        mask[:6, :6] = 2
        mask[:, 60:] = 3 if i == 7 else 0
        save(clean / "masks" / f"s{i}.png", mask)

    (found,) = of_kind(clean, "class-rare")

    assert (found.level, found.evidence["masks"], found.evidence["samples"]) == ("warning", 1, ["s7"])
    assert "Only one of 12 masks shows the class class_3: s7." in found.what


def test_a_class_of_hardly_any_pixels_is_a_note(tmp_path):
    make_set(tmp_path, 8, size=(96, 128), image="images/{}.png", names="s{}")
    for i in range(8):
        mask = disc(i, (96, 128), value=1)
        mask[0, :2] = 2
        save(tmp_path / "masks" / f"s{i}.png", mask)

    (found,) = of_kind(tmp_path, "class-rare")

    assert (found.level, found.evidence["class"], found.evidence["pixels"]) == ("note", "class_2", 16)


# --- objects --------------------------------------------------------------------------------------------------------


def with_specks(i, size):
    """A disc in the lower half, and two squares of 3 x 3 above it."""
    mask = np.zeros(size, np.uint8)
    mask[30:46, 10:40] = disc(i, (16, 30), radius=6)
    mask[2:5, 2:5] = mask[10:13, 50:53] = 255
    return mask


def test_objects_that_would_vanish_are_counted(tmp_path):
    make_set(tmp_path, 4, size=SIZE, image="images/{}.png", names="s{}", draw=with_specks)

    (found,) = of_kind(tmp_path, "tiny-objects", size=(24, 32))

    assert found.level == "warning"
    assert (found.evidence["vanish"], found.evidence["objects"]) == (8, 12)
    assert found.evidence["smallest"] == pytest.approx(9 / 4)


def with_a_dot(i, size):
    """A large square, and one pixel that somebody left beside it."""
    mask = np.zeros(size, np.uint8)
    mask[4:40, 8 + i : 44 + i] = mask[43, 60] = 255
    return mask


def test_specks_beside_large_objects_are_noted_only(tmp_path):
    make_set(tmp_path, 4, size=SIZE, image="images/{}.png", names="s{}", draw=with_a_dot)

    (found,) = of_kind(tmp_path, "tiny-objects", size=(24, 32))

    assert found.level == "note"
    assert (found.evidence["vanish"], found.evidence["objects"]) == (4, 8)
    assert found.evidence["share"] == pytest.approx(1 / 36**2, rel=0.25)


def test_nothing_vanishes_at_the_full_size_or_where_no_size_is_planned(tmp_path):
    make_set(tmp_path, 4, size=SIZE, image="images/{}.png", names="s{}", draw=with_specks)

    assert of_kind(tmp_path, "tiny-objects", size=SIZE) == []
    assert of_kind(tmp_path, "tiny-objects") == []


# --- margins --------------------------------------------------------------------------------------------------------


def striped(i, size, margin=0):
    """A band across the picture, and one down it, both up to a margin before the border."""
    mask = np.zeros(size, np.uint8)
    mask[12 + i : 30 + i, :] = mask[:, 20 + i : 36 + i] = 255
    if margin:
        mask[:margin] = mask[-margin:] = 0
        mask[:, :margin] = mask[:, -margin:] = 0
    return mask


def test_a_margin_that_objects_are_cut_at_is_a_note_with_its_widths(tmp_path):
    make_set(tmp_path, 6, size=SIZE, image="images/{}.png", names="s{}", draw=striped)
    save(tmp_path / "masks" / "s3.png", striped(3, SIZE, margin=2))

    (found,) = of_kind(tmp_path, "border-ring")

    assert (found.level, found.sample, found.evidence["widths"]) == ("note", "s3", [2, 2, 2, 2])
    assert found.evidence["box"] == [2, 2, 46, 62]


def test_a_margin_in_all_masks_is_one_finding(tmp_path):
    make_set(tmp_path, 6, size=SIZE, image="images/{}.png", names="s{}", draw=lambda i, size: striped(i, size, 2))

    (found,) = of_kind(tmp_path, "border-ring")

    assert (found.sample, found.evidence["count"]) == (None, 6)


def test_stones_beside_one_that_is_cut_at_the_margin_do_not_hide_it(tmp_path):
    def cut_and_round(i, size):
        mask = np.zeros(size, np.uint8)
        mask[:20, 10:40] = mask[20:40, :16] = 255
        rows, columns = np.mgrid[: size[0], : size[1]]
        mask[np.hypot(rows - 12, columns - 58) < 10] = 255  # ends by itself, a little further in
        mask[:3] = mask[:, :3] = 0
        return mask

    make_set(tmp_path, 12, size=(96, 128), image="images/{}.png", names="s{}", draw=cut_and_round)

    (found,) = of_kind(tmp_path, "border-ring")

    assert found.evidence["first"]["widths"][:2] == [3, 3]


def test_a_round_object_near_the_border_has_no_margin(clean):
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    save(clean / "masks" / "s4.png", np.where((rows - 22) ** 2 + (columns - 30) ** 2 <= 20**2, 255, 0).astype(np.uint8))

    assert of_kind(clean, "border-ring") == []


# --- shifted --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pebbles():
    """Twelve generated photographs with masks 0/255."""
    drawn = [draw_pebbles(3, i, size=(144, 192)) for i in range(12)]
    return [(image, (mask > 0).astype(np.uint8) * 255) for image, mask in drawn]


def write(folder, pairs):
    for i, (image, mask) in enumerate(pairs):
        save(folder / "images" / f"s{i}.png", image)
        save(folder / "masks" / f"s{i}.png", mask)


def replaced(pairs, index, pair):
    return [pair if i == index else old for i, old in enumerate(pairs)]


def test_masks_that_fit_are_not_called_shifted(tmp_path, pebbles):
    write(tmp_path, pebbles)

    assert of_kind(tmp_path, "mask-shifted") == []


def test_a_shifted_mask_is_a_warning_with_the_way_back(tmp_path, pebbles):
    image, mask = pebbles[4]
    write(tmp_path, replaced(pebbles, 4, (image, np.roll(mask, (5, -4), (0, 1)))))

    (found,) = of_kind(tmp_path, "mask-shifted")

    assert (found.level, found.sample, found.evidence["turn"]) == ("warning", "s4", "")
    np.testing.assert_allclose(found.evidence["shift"], (-5, 4), atol=1)
    assert "up and" in found.what


@pytest.mark.parametrize(
    ("turn", "name"),
    [
        (lambda mask: mask[:, ::-1], "mirrored"),
        (lambda mask: mask[::-1], "turned upside down"),
        (lambda mask: mask[::-1, ::-1], "turned by 180 degrees"),
    ],
)
def test_a_turned_mask_is_a_warning_that_says_how(tmp_path, pebbles, turn, name):
    image, mask = pebbles[4]
    write(tmp_path, replaced(pebbles, 4, (image, turn(mask))))

    (found,) = of_kind(tmp_path, "mask-shifted")

    assert (found.sample, found.evidence["turn"]) == ("s4", name)


def test_a_shift_of_the_whole_set_is_one_finding(tmp_path, pebbles):
    write(tmp_path, [(image, np.roll(mask, 6, 0)) for image, mask in pebbles])

    (found,) = of_kind(tmp_path, "mask-shifted")

    assert (found.sample, found.evidence["count"]) == (None, 12)
    assert " up and" in found.what


def test_what_the_whole_set_has_comes_first_and_counts_no_picture_that_is_named_singly(tmp_path, pebbles):
    shifted = [(image, np.roll(mask, 6, 0)) for image, mask in pebbles]
    write(tmp_path, replaced(shifted, 4, (pebbles[4][0], np.roll(pebbles[4][1], -5, 0))))

    whole, single = of_kind(tmp_path, "mask-shifted")

    assert (whole.sample, whole.evidence["count"]) == (None, 11)
    assert single.sample == "s4"


def test_single_masks_come_in_the_order_of_what_they_gain_and_have_one_fix(tmp_path, pebbles):
    pairs = replaced(pebbles, 2, (pebbles[2][0], np.roll(pebbles[2][1], (5, -4), (0, 1))))
    write(tmp_path, replaced(pairs, 4, (pebbles[4][0], pebbles[4][1][::-1])))

    first, second = of_kind(tmp_path, "mask-shifted")

    assert (first.sample, second.sample) == ("s4", "s2")
    assert first.evidence["gain"] > second.evidence["gain"]
    assert first.fix == second.fix


def facts_of(drawings):
    """Return facts of square pictures and masks that agree as stated."""
    info = ImageInfo(100, 100, 3, "uint8", "PNG", "RGB", 1, 1, False)
    pictures = [PictureFacts(Path("a.png"), info) for _ in drawings]
    return pictures, [MaskFacts((Path("a.png"),), 100, 100, drawing=MaskDrawing(one)) for one in drawings]


def agreeing(rows, *, gain=0.0):
    """Return the agreement of a mask that fits when moved by `rows`, and upside down by `gain` times what is told."""
    turns = [(0.5, 1.0)] + [(0.1, 0.1)] * 7
    if gain:
        turns[3] = (0.5 + 0.02 * gain, 1.0 + 0.05 * gain)
    return Agreement(((rows, 0.0, 0.1, 5.0),) * 3, tuple(turns), (0.1, 0.5))


@pytest.mark.parametrize(("rows", "gain", "told"), [(0.0, 2, True), (0.05, 2, False), (0.05, 4, True)])
def test_where_the_whole_set_is_shifted_a_turn_must_be_three_times_as_clear(rows, gain, told):
    agreements = [agreeing(rows)] * 11 + [agreeing(rows, gain=gain)]
    columns = Columns(tuple(f"s{i}" for i in range(12)), (), (), (), ())
    dataset = Dataset(Path(), columns, Classes(("background", "foreground")), MaskEncoding("index", ()))

    found = shift_findings(dataset, *facts_of(agreements))

    assert [one.sample for one in found] == [None] * (rows > 0) + ["s11"] * told


def test_a_mask_of_another_size_is_not_called_shifted_as_well(tmp_path, pebbles):
    image, mask = pebbles[4]
    moved = np.roll(mask, (5, -4), (0, 1))
    write(tmp_path, replaced(pebbles, 4, (image, moved[::2, ::2])))

    assert [one.sample for one in of_kind(tmp_path, "size-mismatch")] == ["s4"]
    assert of_kind(tmp_path, "mask-shifted") == []


def test_masks_that_have_nothing_to_do_with_their_pictures_are_not_called_shifted(clean):
    assert of_kind(clean, "mask-shifted") == []


def test_masks_that_all_belong_to_the_next_picture_are_one_warning(tmp_path, pebbles):
    images, masks = zip(*pebbles, strict=True)
    write(tmp_path, list(zip(images, (*masks[1:], masks[0]), strict=True)))

    (found,) = of_kind(tmp_path, "mask-shifted")

    assert (found.level, found.sample) == ("warning", None)
    assert "the masks may belong to other pictures" in found.what


# --- EXIF -----------------------------------------------------------------------------------------------------------


def with_orientation(folder, index, image, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(folder / "images" / f"s{index}.png", image, exif=exif)


def test_a_mask_of_the_picture_as_stored_is_an_error_where_sizes_tell(clean):
    with_orientation(clean, 4, photo(4, SIZE), 6)

    (found,) = of_kind(clean, "exif-conflict")

    assert (found.level, found.sample, found.evidence["orientation"]) == ("error", "s4", 6)
    assert "as it is stored" in found.what
    assert of_kind(clean, "aspect-mismatch") == []


def test_masks_whose_sizes_are_at_fault_say_nothing_of_what_is_usual(tmp_path, pebbles):
    write(tmp_path, pebbles)
    for i in range(2, 9):
        with_orientation(tmp_path, i, pebbles[i][0], 6)
    save(tmp_path / "masks" / "s0.png", pebbles[0][1][::-1])

    assert len(of_kind(tmp_path, "exif-conflict")) == 7
    assert [found.sample for found in of_kind(tmp_path, "mask-shifted")] == ["s0"]


@pytest.mark.parametrize(
    ("orientation", "turn"), [(2, "mirrored"), (3, "turned by 180 degrees"), (4, "turned upside down")]
)
def test_a_mask_of_the_picture_as_stored_is_found_by_its_edges(tmp_path, pebbles, orientation, turn):
    write(tmp_path, pebbles)
    with_orientation(tmp_path, 4, pebbles[4][0], orientation)

    (found,) = of_kind(tmp_path, "exif-conflict")

    assert (found.sample, found.evidence["turn"]) == ("s4", turn)
    assert of_kind(tmp_path, "mask-shifted") == []


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_mask_turned_with_its_picture_is_no_conflict(tmp_path, pebbles, orientation):
    turns = {
        2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: np.rot90(a, 3),
    }  # fmt: skip
    write(tmp_path, pebbles)
    with_orientation(tmp_path, 4, turns[orientation](pebbles[4][0]), orientation)

    assert of_kind(tmp_path, "exif-conflict") == []
    assert of_kind(tmp_path, "mask-shifted") == []
    assert len(of_kind(tmp_path, "exif-rotated")) == 1


def test_what_is_kept_of_a_mask_is_small_and_comes_back_the_same(tmp_path, pebbles):
    write(tmp_path, pebbles)

    drawings = [pair.mask.drawing for pair in check_dataset(tmp_path).facts]

    for drawing in drawings:
        content = json.dumps(drawing.to_json())
        assert type(drawing).from_json(json.loads(content)) == drawing
        assert len(content) < 1024
