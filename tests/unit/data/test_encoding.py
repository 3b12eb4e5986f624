import numpy as np
import pytest
from PIL import Image

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE
from maskwright.recipe import DataOptions
from support.picture_folders import disc, photo, save

SIZE = (48, 64)


def read(folder, draw, *, mode=None, palette=None, suffix=".png", options=None, count=4, **save_options):
    """A data set whose masks are drawn by `draw(seed)`."""
    for i in range(count):
        save(folder / "images" / f"{i}.png", photo(i, SIZE))
        save(folder / "masks" / f"{i}{suffix}", draw(i), mode=mode, palette=palette, **save_options)
    return read_dataset(folder, options)


def blob(seed, value=255):
    return disc(seed, SIZE, value, radius=14)


def soft(seed):
    return np.asarray(Image.fromarray(blob(seed)).resize((32, 24), Image.BILINEAR).resize((64, 48), Image.BICUBIC))


def three(seed, values=(0, 1, 2)):
    mask = np.full(SIZE, values[0], np.uint8)
    mask[blob(seed) > 0] = values[1]
    mask[:6, :9] = values[2]
    return mask


def trimap(seed, values=(1, 2, 3)):
    mask = np.full(SIZE, values[1], np.uint8)
    rng = np.random.default_rng(seed)
    centre = rng.uniform(14, SIZE[0] - 14), rng.uniform(14, SIZE[1] - 14)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(rows - centre[0], columns - centre[1])
    mask[distance <= 14] = values[2]
    mask[distance <= 11] = values[0]
    return mask


@pytest.mark.parametrize("value", [255, 1, 128])
def test_zero_and_another_value_are_background_and_foreground(tmp_path, value):
    dataset = read(tmp_path, lambda seed: blob(seed, value))

    assert dataset.encoding.kind == "binary"
    np.testing.assert_array_equal(dataset.read_mask(0), blob(0) > 0)


def test_one_bit_masks_are_binary(tmp_path):
    dataset = read(tmp_path, blob, mode="1")

    np.testing.assert_array_equal(dataset.read_mask(0), blob(0) > 0)


def test_masks_0_1_among_masks_0_255_are_both_read_and_the_mix_is_shown(tmp_path):
    dataset = read(tmp_path, lambda seed: blob(seed, 255 if seed % 2 else 1))

    assert any("0/1 in some files and 0/255 in others" in note for note in dataset.notes)
    for i in range(4):
        np.testing.assert_array_equal(dataset.read_mask(i), blob(i) > 0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_grey_written_as_colour_is_grey(tmp_path, mode):
    dataset = read(tmp_path, blob, mode=mode)

    assert dataset.encoding.kind == "binary"
    assert any("grey written as RGB" in note for note in dataset.notes)
    np.testing.assert_array_equal(dataset.read_mask(0), blob(0) > 0)


def test_blurred_masks_are_cut_at_half(tmp_path):
    dataset = read(tmp_path, soft)

    assert dataset.encoding.kind == "antialiased"
    np.testing.assert_array_equal(dataset.read_mask(1), soft(1) > 127.5)
    assert any("4 of 4 sampled" in note and "above 127.5 is foreground" in note for note in dataset.notes)


def test_jpeg_masks_are_cut_at_half(tmp_path):
    dataset = read(tmp_path, blob, suffix=".jpg", quality=60)

    assert dataset.encoding.kind == "antialiased"
    assert (dataset.read_mask(0) != (blob(0) > 0)).mean() < 0.01


def test_masks_of_0_254_and_255_are_no_three_classes(tmp_path):
    def draw(seed):
        mask = blob(seed)
        mask[:, :20][mask[:, :20] == 255] = 254
        return mask

    dataset = read(tmp_path, draw)

    np.testing.assert_array_equal(dataset.read_mask(0), draw(0) > 0)


def test_class_numbers_are_classes(tmp_path):
    dataset = read(tmp_path, three)

    assert dataset.encoding.kind == "index"
    assert dataset.classes.names == ("background", "class_1", "class_2")
    np.testing.assert_array_equal(dataset.read_mask(0), three(0))


def test_255_beside_class_numbers_is_ignored(tmp_path):
    dataset = read(tmp_path, lambda seed: three(seed, (0, 1, 255)))

    assert dataset.classes.names == ("background", "foreground")
    assert set(np.unique(dataset.read_mask(0))) == {0, 1, IGNORE}


def test_class_numbers_from_1_are_taken_in_their_order_and_the_guess_is_shown(tmp_path):
    dataset = read(tmp_path, lambda seed: three(seed, (1, 2, 4)))

    assert dataset.classes.names == ("class_1", "class_2", "class_4")
    assert any("each value is a class, in this order" in note for note in dataset.notes)
    assert set(np.unique(dataset.read_mask(0))) == {0, 1, 2}


def test_grey_levels_are_classes_in_their_order(tmp_path):
    dataset = read(tmp_path, lambda seed: three(seed, (0, 85, 170)))

    assert dataset.encoding.table == ((0, 0), (85, 1), (170, 2))


def test_oxford_trimaps_are_pet_and_background_with_the_border_ignored(tmp_path):
    dataset = read(tmp_path, trimap)

    mask = dataset.read_mask(0)

    assert dataset.encoding.kind == "trimap"
    assert dataset.classes.ignored == "border"
    np.testing.assert_array_equal(mask == 1, trimap(0) == 1)
    np.testing.assert_array_equal(mask == IGNORE, trimap(0) == 3)


def test_grey_trimaps_ignore_the_middle(tmp_path):
    dataset = read(tmp_path, lambda seed: trimap(seed, (255, 0, 128)))

    np.testing.assert_array_equal(dataset.read_mask(0) == IGNORE, trimap(0) == 3)


def test_values_1_2_3_of_touching_areas_are_no_trimap(tmp_path):
    assert read(tmp_path, lambda seed: three(seed, (1, 2, 3))).encoding.kind == "index"


def test_a_trimap_stated_as_index_has_three_classes(tmp_path):
    dataset = read(tmp_path, trimap, options=DataOptions(encoding="index"))

    assert dataset.classes.names == ("class_1", "class_2", "class_3")
    np.testing.assert_array_equal(dataset.read_mask(0), trimap(0) - 1)


VOC = ((0, 0, 0), (128, 0, 0), (0, 128, 0))


def test_palette_numbers_are_classes_in_the_palettes_colours(tmp_path):
    dataset = read(tmp_path, three, palette=VOC)

    assert dataset.encoding.kind == "index"
    assert dataset.classes.colours == VOC
    np.testing.assert_array_equal(dataset.read_mask(0), three(0))


def test_a_black_and_white_palette_is_read_by_its_greys_whichever_number_is_white(tmp_path):
    for i in range(4):
        white_first = i % 2
        indices = (blob(i) == 0) if white_first else (blob(i) > 0)
        palette = ((255, 255, 255), (0, 0, 0)) if white_first else ((0, 0, 0), (255, 255, 255))
        save(tmp_path / "images" / f"{i}.png", photo(i, SIZE))
        save(tmp_path / "masks" / f"{i}.png", indices.astype(np.uint8), palette=palette)

    dataset = read_dataset(tmp_path)

    for i in range(4):
        np.testing.assert_array_equal(dataset.read_mask(i), blob(i) > 0)


def test_palettes_that_contradict_each_other_are_read_by_their_colours(tmp_path):
    for i in range(4):
        save(tmp_path / "images" / f"{i}.png", photo(i, SIZE))
        swapped = i % 2
        indices = np.array([0, 2, 1], np.uint8)[three(i)] if swapped else three(i)
        palette = (VOC[0], VOC[2], VOC[1]) if swapped else VOC
        save(tmp_path / "masks" / f"{i}.png", indices, palette=palette)

    dataset = read_dataset(tmp_path)

    assert dataset.encoding.kind == "colour"
    label = {name: i for i, name in enumerate(dataset.classes.names)}
    expected = np.array([0, label["maroon"], label["dark_green"]], np.uint8)
    for i in range(4):
        np.testing.assert_array_equal(dataset.read_mask(i), expected[three(i)])


def test_a_palette_of_one_colour_does_not_hide_the_numbers(tmp_path):
    dataset = read(tmp_path, three, palette=((0, 0, 0),) * 3)

    np.testing.assert_array_equal(dataset.read_mask(0), three(0))


def test_a_later_mask_with_another_palette_is_an_error(tmp_path):
    dataset = read(tmp_path, three, palette=VOC, count=30)
    save(tmp_path / "masks" / "8.png", three(8), palette=(VOC[0], VOC[2], VOC[1]))

    with pytest.raises(DataError, match="The palette of this mask gives 1 the colour"):
        dataset.read_mask([sample.id for sample in dataset].index("8"))


def test_colours_are_classes_shown_with_names(tmp_path):
    colours = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0)], np.uint8)

    dataset = read(tmp_path, lambda seed: colours[three(seed)])

    assert dataset.classes.names == ("background", "green", "red")
    assert any("#00ff00 green" in note for note in dataset.notes)
    np.testing.assert_array_equal(dataset.read_mask(0), np.array([0, 2, 1])[three(0)])


def test_colours_are_named_in_the_options(tmp_path):
    colours = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0)], np.uint8)
    values = {"soil": (0, 0, 0), "crop": (0, 255, 0), "weed": (255, 0, 0)}

    dataset = read(tmp_path, lambda seed: colours[three(seed)], options=DataOptions(values=values))

    assert dataset.classes.names == ("soil", "crop", "weed")
    assert dataset.classes.colours == ((0, 0, 0), (0, 255, 0), (255, 0, 0))


def test_a_colour_that_the_sample_did_not_show_is_an_error_where_it_is_met(tmp_path):
    colours = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0)], np.uint8)
    dataset = read(tmp_path, lambda seed: colours[three(seed)])
    odd = colours[three(1)]
    odd[3, 5] = (1, 2, 3)
    save(tmp_path / "masks" / "1.png", odd)

    with pytest.raises(DataError, match=r"\(1, 2, 3\)") as caught:
        dataset.read_mask(1)

    assert "row 3, column 5" in caught.value.where


def test_a_value_that_the_sample_did_not_show_is_an_error_where_it_is_met(tmp_path):
    dataset = read(tmp_path, blob)
    save(tmp_path / "masks" / "2.png", blob(2, 77))

    with pytest.raises(DataError, match="Mask holds 77, which is no class"):
        dataset.read_mask(2)


def test_coloured_masks_saved_as_jpeg_are_an_error_that_says_so(tmp_path):
    colours = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0)], np.uint8)

    with pytest.raises(DataError, match="too many to be classes") as caught:
        read(tmp_path, lambda seed: colours[three(seed)], suffix=".jpg", quality=50)

    assert "saved as JPEG" in caught.value.fix


def test_numbers_of_objects_are_one_foreground_and_the_guess_is_shown(tmp_path):
    def draw(seed):
        mask = np.zeros(SIZE, np.uint16)
        for k in range(5 + 3 * seed):
            mask[5 * (k // 12) : 5 * (k // 12) + 3, 5 * (k % 12) : 5 * (k % 12) + 3] = k + 1
        return mask

    dataset = read(tmp_path, draw, count=6)

    assert dataset.encoding.kind == "objects"
    assert any("numbers its own objects" in note for note in dataset.notes)
    np.testing.assert_array_equal(dataset.read_mask(0), draw(0) > 0)


def test_stated_values_and_names_are_taken_background_first(tmp_path):
    values = {"pet": 1, "background": 2, "ignore": 3}

    dataset = read(tmp_path, trimap, options=DataOptions(values=values))

    assert dataset.classes.names == ("background", "pet")
    np.testing.assert_array_equal(dataset.read_mask(0) == 1, trimap(0) == 1)
    np.testing.assert_array_equal(dataset.read_mask(0) == IGNORE, trimap(0) == 3)


def test_stated_names_say_how_many_class_numbers_there_are(tmp_path):
    dataset = read(tmp_path, three, options=DataOptions(classes=("soil", "crop", "weed", "stone")))

    assert dataset.encoding.table[-1] == (3, 3)


def test_too_few_stated_names_are_an_error(tmp_path):
    with pytest.raises(DataError, match="'classes' names 2 classes, but the masks hold: 0, 1, 2"):
        read(tmp_path, three, options=DataOptions(classes=("soil", "crop")))


def test_a_stated_value_to_ignore_is_no_class(tmp_path):
    dataset = read(tmp_path, three, options=DataOptions(ignore=2))

    assert dataset.classes.names == ("background", "foreground")
    assert set(np.unique(dataset.read_mask(0))) == {0, 1, IGNORE}


def test_a_stated_encoding_that_does_not_fit_is_an_error(tmp_path):
    with pytest.raises(DataError, match="Encoding binary is stated, but the masks hold 0, 1, 2"):
        read(tmp_path, three, options=DataOptions(encoding="binary"))


def test_a_value_of_two_classes_is_an_error(tmp_path):
    with pytest.raises(DataError, match="gives 1 to two classes"):
        read(tmp_path, three, options=DataOptions(values={"a": 0, "b": 1, "c": 1}))


def test_empty_masks_say_so(tmp_path):
    dataset = read(tmp_path, lambda seed: np.zeros(SIZE, np.uint8))

    assert any("all sampled masks are empty" in note for note in dataset.notes)


def test_masks_drawn_in_transparency_are_an_error(tmp_path):
    def draw(seed):
        return np.dstack([np.zeros((*SIZE, 3), np.uint8), blob(seed)])

    with pytest.raises(DataError, match="only their transparency varies"):
        read(tmp_path, draw)


def test_class_numbers_seen_in_few_masks_are_found_in_the_wider_sample(tmp_path):
    def draw(seed):
        return three(seed, (0, 1, 5 if seed == 17 else 2))

    dataset = read(tmp_path, draw, count=60)

    assert dataset.read_mask([sample.id for sample in dataset].index("17")).max() == 5


@pytest.mark.parametrize("colours", [((0, 0, 0), (40, 0, 0), (0, 40, 0)), ((0, 0, 0), (1, 0, 0), (2, 0, 0))])
def test_dim_colours_of_a_lossless_mask_are_colours(tmp_path, colours):
    dataset = read(tmp_path, lambda seed: np.array(colours, np.uint8)[three(seed)])

    assert (dataset.encoding.kind, len(dataset.classes.names)) == ("colour", 3)


def test_values_made_of_triples_are_colours_even_if_the_sample_is_grey(tmp_path):
    values = {"sky": (0, 0, 0), "car": (255, 255, 255), "road": (255, 0, 0)}

    dataset = read(tmp_path, blob, mode="RGB", options=DataOptions(values=values))

    assert dataset.encoding.kind == "colour"
    np.testing.assert_array_equal(dataset.read_mask(0), blob(0) > 0)


def test_a_lossless_mask_that_was_a_jpeg_once_is_grey(tmp_path):
    def tinted(seed):
        mask = np.repeat(blob(seed)[:, :, None], 3, axis=2)
        mask[0, :40, 2] += np.arange(40, dtype=np.uint8)
        return mask

    np.testing.assert_array_equal(read(tmp_path, tinted).read_mask(0)[1:], blob(0)[1:] > 0)


# --- slips of the brush ---------------------------------------------------------------------------------------------


def spotted(draw, value, *, in_masks=(3,), pixels=4):
    """Draw masks of which some hold a further value in a few pixels that lie together."""

    def with_spot(seed):
        mask = draw(seed).copy()
        if seed in in_masks:
            mask[-2:, -pixels // 2 :] = value
        return mask

    return with_spot


def mask_of(dataset, seed):
    return dataset.read_mask(dataset.columns.ids.index(str(seed)))


@pytest.mark.parametrize(
    ("draw", "value", "kind", "classes"),
    [(blob, 100, "binary", 2), (blob, 1, "binary", 2), (three, 100, "index", 3), (three, 9, "index", 3)],
)
def test_a_value_in_few_pixels_of_few_masks_that_continues_no_numbers_is_no_class(tmp_path, draw, value, kind, classes):
    dataset = read(tmp_path, spotted(draw, value), count=12)

    assert dataset.encoding.kind == kind
    assert len(dataset.classes.names) == classes
    assert f"not taken for a class: {value}, in 1 of 12 sampled masks" in "; ".join(dataset.notes)
    with pytest.raises(DataError, match=f"Mask holds {value}, which is no class"):
        mask_of(dataset, 3)


@pytest.mark.parametrize(
    ("draw", "value", "in_masks", "pixels"),
    [
        (three, 3, (3,), 4),  # the next number: a rare class
        (three, 100, (1, 4, 7), 4),  # in a quarter of the masks
        (three, 100, (3,), 40),  # in more than a few pixels
    ],
)
def test_a_rare_class_stays_one(tmp_path, draw, value, in_masks, pixels):
    dataset = read(tmp_path, spotted(draw, value, in_masks=in_masks, pixels=pixels), count=12)

    assert len(dataset.classes.names) == 4
    assert mask_of(dataset, in_masks[0])[-1, -1] == 3


def test_a_small_foreground_that_few_masks_show_is_no_slip(tmp_path):
    dataset = read(tmp_path, spotted(lambda seed: np.zeros(SIZE, np.uint8), 255), count=12)

    assert dataset.encoding.kind == "binary"
    assert mask_of(dataset, 3).max() == 1


def test_where_the_value_is_named_it_is_a_class(tmp_path):
    values = {"background": 0, "leaf": 1, "stem": 2, "spot": 100}
    dataset = read(tmp_path, spotted(three, 100), count=12, options=DataOptions(values=values))

    assert mask_of(dataset, 3)[-1, -1] == 3


RED, GREEN = (255, 0, 0), (0, 200, 0)


def in_colours(seed, spot=None):
    """Three colours, and perhaps a spot of another one."""
    mask = np.zeros((*SIZE, 3), np.uint8)
    mask[blob(seed) > 0] = RED
    mask[:6, :9] = GREEN
    if spot is not None:
        mask[-2:, -2:] = spot
    return mask


def test_a_colour_in_few_pixels_that_is_nearly_another_is_no_class(tmp_path):
    dataset = read(tmp_path, lambda seed: in_colours(seed, (254, 1, 0) if seed == 3 else None), count=12)

    assert len(dataset.classes.names) == 3
    assert "not taken for a class: #fe0100 (nearly #ff0000)" in "; ".join(dataset.notes)
    with pytest.raises(DataError, match=r"Mask holds the colour \(254, 1, 0\), which is no class"):
        mask_of(dataset, 3)


def test_a_rare_colour_of_its_own_is_a_class(tmp_path):
    dataset = read(tmp_path, lambda seed: in_colours(seed, (90, 5, 160) if seed == 3 else None), count=12)

    assert len(dataset.classes.names) == 4


def test_a_few_blurred_masks_of_a_colour_coded_set_make_no_classes(tmp_path):
    def sometimes_blurred(seed):
        mask = in_colours(seed)
        small = Image.fromarray(mask).resize((40, 30), Image.BILINEAR)
        return np.asarray(small.resize((64, 48), Image.BICUBIC)) if seed in (1, 2) else mask

    dataset = read(tmp_path, sometimes_blurred, count=6)

    assert len(dataset.classes.names) == 3
    assert "2 of 6 sampled masks hold many more colours than the others" in "; ".join(dataset.notes)
    with pytest.raises(DataError, match="which is no class"):
        mask_of(dataset, 1)
