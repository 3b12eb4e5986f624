import numpy as np
import pytest
from PIL import Image

from maskwright.data.masks_alone import read_truth
from maskwright.data.predictions import find_predictions
from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support.masks_elsewhere import random_masks, write_masks, write_pair


def find(predictions, truth, **options):
    dataset, alone = read_truth(truth)
    return dataset, find_predictions(dataset, predictions, masks_alone=alone, **options)


def test_a_folder_of_masks_is_a_truth_without_pictures(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(4))
    dataset, alone = read_truth(truth)
    assert alone
    assert dataset.classes.names == ("background", "foreground")
    assert dataset.columns.ids == ("aa", "ab", "ac", "ad")
    assert set(np.unique(dataset.read_mask(0))) <= {0, 1}


def test_a_folder_with_pictures_and_masks_is_a_truth_with_pictures(tmp_path):
    write_masks(tmp_path / "set" / "masks", [truth for truth, _ in random_masks(3)], factor=255)
    write_masks(tmp_path / "set" / "images", [np.zeros((40, 50, 3), np.uint8)] * 3)
    dataset, alone = read_truth(tmp_path / "set")
    assert not alone
    assert len(dataset) == 3


def test_a_truth_without_any_file_is_named(tmp_path):
    (tmp_path / "truth").mkdir()
    with pytest.raises(DataError, match="empty"):
        read_truth(tmp_path / "truth")


@pytest.mark.parametrize("factor", [1, 255, 128])
def test_two_classes_are_read_whether_written_as_numbers_or_as_black_and_white(tmp_path, factor):
    pairs = random_masks(3)
    write_masks(tmp_path / "truth", [truth for truth, _ in pairs], factor=255)
    write_masks(tmp_path / "made", [made for _, made in pairs], factor=factor)
    _, found = find(tmp_path / "made", tmp_path / "truth")
    for row, (_, made) in enumerate(pairs):
        np.testing.assert_array_equal(found.read(row), made)


def test_several_classes_are_read_as_class_numbers(tmp_path):
    pairs = random_masks(5, 4)
    dataset, found = find(*write_pair(tmp_path, pairs))
    assert len(dataset.classes.names) == 4
    for row, (_, made) in enumerate(pairs):
        np.testing.assert_array_equal(found.read(row), made)


def test_predictions_coded_as_the_truth_are_read_as_the_truth(tmp_path):
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    pairs = random_masks(4, 3)
    write_masks(tmp_path / "truth", [colours[truth] for truth, _ in pairs])
    write_masks(tmp_path / "made", [colours[made] for _, made in pairs])
    dataset, found = find(tmp_path / "made", tmp_path / "truth")
    truth = dataset.read_mask(0)
    assert (found.read(0) == truth).mean() == (pairs[0][0] == pairs[0][1]).mean()


def test_names_with_the_usual_endings_find_each_other(tmp_path):
    pairs = random_masks(3)
    write_masks(
        tmp_path / "truth", [t for t, _ in pairs], names=["x1_segmentation", "x2_segmentation", "x3_segmentation"]
    )
    write_masks(tmp_path / "made", [m for _, m in pairs], names=["x3", "x1", "x2"])
    dataset, found = find(tmp_path / "made", tmp_path / "truth")
    assert [files[0].stem for files in found.files] == [
        name.removesuffix("_segmentation") for name in dataset.columns.ids
    ]


def test_a_picture_without_a_prediction_has_no_file(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(4))
    (predictions / "ab.png").unlink()
    _, found = find(predictions, truth)
    assert found.rows.tolist() == [0, 2, 3]
    with pytest.raises(DataError, match="no prediction"):
        found.read(1)


def test_files_that_fit_no_picture_are_counted(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(3))
    (predictions / "ab.png").rename(predictions / "zz.png")
    (truth / "zz.png").unlink(missing_ok=True)
    _, found = find(predictions, truth)
    assert found.unused == 1


def test_grey_maps_are_refused_as_masks_and_the_option_is_named(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(3))
    write_masks(predictions, [np.arange(2000, dtype=np.uint16).reshape(40, 50).astype(np.uint8)] * 3)
    with pytest.raises(DataError, match="no classes of the truth") as error:
        find(predictions, truth)
    assert "--probabilities" in error.value.fix


@pytest.mark.parametrize(("dtype", "largest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_grey_maps_are_probabilities_where_that_is_said(tmp_path, dtype, largest):
    predictions, truth = write_pair(tmp_path, random_masks(1))
    ramp = np.linspace(0, largest, 2000).round().astype(dtype).reshape(40, 50)
    write_masks(predictions, [ramp])
    _, found = find(predictions, truth, probabilities=True)
    probabilities = found.read_probabilities(0)
    assert probabilities.shape == (1, 40, 50)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities[0], ramp / largest, atol=1e-7)


def test_maps_of_probabilities_are_refused_for_several_classes(tmp_path):
    with pytest.raises(DataError, match="tell two classes apart"):
        find(*write_pair(tmp_path, random_masks(3, 4)), probabilities=True)


def test_values_that_are_no_class_are_named(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(3, 3))
    write_masks(predictions, [np.full((40, 50), 7, np.uint8)] * 3)
    with pytest.raises(DataError, match="7") as error:
        find(predictions, truth)
    assert "--prediction-encoding" in error.value.fix


def test_a_stated_encoding_is_followed(tmp_path):
    pairs = random_masks(3)
    write_masks(tmp_path / "truth", [truth for truth, _ in pairs], factor=255)
    write_masks(tmp_path / "made", [np.where(made > 0, 40, 220).astype(np.uint8) for _, made in pairs])
    options = DataOptions(values={"background": 220, "foreground": 40})
    _, found = find(tmp_path / "made", tmp_path / "truth", options=options)
    np.testing.assert_array_equal(found.read(2), pairs[2][1])


def test_what_predict_wrote_is_found_below_its_folder(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(2))
    (tmp_path / "out").mkdir()
    predictions.rename(tmp_path / "out" / "masks")
    write_masks(tmp_path / "out" / "overlays", [np.zeros((40, 50, 3), np.uint8)] * 2)
    (tmp_path / "out" / "predicted.json").write_text("{}")
    _, found = find(tmp_path / "out", truth)
    assert all(file.parent.name == "masks" for (file,) in found.files)


def test_overlapping_classes_come_as_one_file_a_class(tmp_path):
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (3, 40, 50, 2), dtype=np.uint8)
    for number, mask in enumerate(masks):
        write_masks(tmp_path / "set" / "images", [np.zeros((40, 50, 3), np.uint8)], names=[f"p{number}"])
        for k, name in enumerate(("cell", "nucleus")):
            write_masks(tmp_path / "set" / "masks" / name, [mask[..., k] * 255], names=[f"p{number}"])
            write_masks(tmp_path / "made", [(1 - mask[..., k]) * 255], names=[f"p{number}.{name}"])
    dataset = read_dataset(tmp_path / "set")
    assert not dataset.classes.exclusive
    found = find_predictions(dataset, tmp_path / "made", masks_alone=False)
    for row in range(3):
        np.testing.assert_array_equal(found.read(row), 1 - dataset.read_mask(row))


def test_a_folder_without_pictures_is_named(tmp_path):
    _, truth = write_pair(tmp_path, random_masks(2))
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.txt").write_text("x")
    with pytest.raises(DataError, match="no masks"):
        find(tmp_path / "none", truth)


def test_a_damaged_prediction_is_named_when_it_is_read(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(3))
    _, found = find(predictions, truth)
    Image.new("L", (5, 5)).save(predictions / "ab.png")
    (predictions / "ab.png").write_bytes((predictions / "ab.png").read_bytes()[:40])
    with pytest.raises(DataError) as error:
        found.read(1)
    assert "ab.png" in error.value.where


def blurred(mask):
    """A mask of 0 and 255 with a grey border between, as a JPEG or an antialiased outline leaves it."""
    return np.asarray(Image.fromarray(mask * 255).resize((100, 80), Image.Resampling.BILINEAR))


def test_blurred_masks_are_read_where_the_truth_is_blurred_too(tmp_path):
    pairs = random_masks(6)
    write_masks(tmp_path / "truth", [blurred(truth) for truth, _ in pairs])
    write_masks(tmp_path / "made", [blurred(made) for _, made in pairs])
    dataset, found = find(tmp_path / "made", tmp_path / "truth")
    assert dataset.encoding.kind == "antialiased"
    assert "cut at half" in found.how
    assert set(np.unique(found.read(0))) == {0, 1}


def test_masks_of_0_and_1_are_refused_as_maps_of_probabilities(tmp_path):
    with pytest.raises(DataError, match="nothing but 0 and 1"):
        find(*write_pair(tmp_path, random_masks(3)), probabilities=True)


def test_a_file_of_a_class_that_is_missing_is_an_error(tmp_path):
    mask = np.zeros((40, 50), np.uint8)
    mask[3:9] = 255
    for number in range(3):
        write_masks(tmp_path / "set" / "images", [np.zeros((40, 50, 3), np.uint8)], names=[f"p{number}"])
        for name in ("cell", "nucleus"):
            write_masks(tmp_path / "set" / "masks" / name, [mask], names=[f"p{number}"])
            if (number, name) != (1, "nucleus"):
                write_masks(tmp_path / "made", [mask], names=[f"p{number}.{name}"])
    dataset = read_dataset(tmp_path / "set")
    with pytest.raises(DataError, match="no file of nucleus") as error:
        find_predictions(dataset, tmp_path / "made", masks_alone=False)
    assert error.value.where == "p1"


def test_a_manifest_in_the_folder_of_the_truth_is_read(tmp_path):
    write_masks(tmp_path / "set" / "ma", [truth for truth, _ in random_masks(3)], factor=255)
    write_masks(tmp_path / "set" / "im", [np.zeros((40, 50, 3), np.uint8)] * 3)
    rows = "".join(
        f"im/{name}.png,ma/{name}.png,{site}\n" for name, site in zip(("aa", "ab", "ac"), "xyx", strict=True)
    )
    (tmp_path / "set" / "pairs.csv").write_text("image,mask,site\n" + rows)
    dataset, alone = read_truth(tmp_path / "set")
    assert not alone
    assert dataset.columns.extra["site"] == ("x", "y", "x")
