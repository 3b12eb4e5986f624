"""Pascal VOC's layout, and what other programs write in it."""

import numpy as np
import pytest

from maskwright.data.public.voc import NAMES, palette_colour
from maskwright.data.read import read_dataset
from maskwright.recipe import DataOptions
from support.outlines import write_text
from support.picture_folders import disc, photo, save

PALETTE = [palette_colour(index) for index in range(256)]
SHOWN = (15, 8, 12, 20)  # person, cat, dog, tvmonitor


def voc(folder, names="2007_{:06}", *, masks=8, pictures=12):
    """VOC2012: more pictures than masks, SegmentationObject beside SegmentationClass, lists, and boxes."""
    for i in range(pictures):
        save(folder / "JPEGImages" / f"{names.format(i)}.jpg", photo(i, (30, 40)))
        write_text(folder / "Annotations" / f"{names.format(i)}.xml", "<annotation><object><bndbox></bndbox></object>")
    for i in range(masks):
        inner, outer = disc(i, (30, 40)) > 0, disc(i, (30, 40), radius=8) > 0
        for kind, value in (("SegmentationClass", SHOWN[i % 4]), ("SegmentationObject", 1)):
            mask = np.where(inner, value, np.where(outer, 255, 0)).astype(np.uint8)
            save(folder / kind / f"{names.format(i)}.png", mask, palette=PALETTE)
    for part, numbers in (("train", range(5)), ("val", range(5, masks)), ("trainval", range(masks))):
        write_text(folder / "ImageSets" / "Segmentation" / f"{part}.txt", *(names.format(i) for i in numbers))
        write_text(folder / "ImageSets" / "Main" / f"{part}.txt", *(names.format(i) for i in range(pictures)))
    return folder


@pytest.mark.parametrize("inside", [".", "VOCdevkit/VOC2012"])
def test_vocs_own_layout_needs_no_option(tmp_path, inside):
    voc(tmp_path / inside)
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == NAMES and len(NAMES) == 21
    assert dataset.classes.colours == tuple(PALETTE[:21])
    assert dataset.columns.parts == ("train",) * 5 + ("val",) * 3
    assert len(dataset.leftovers.images) == 4
    assert "this is Pascal VOC: 20 classes and background; 255 is void, which counts in nothing" in dataset.notes


def test_the_masks_are_those_of_classes_and_void_is_ignored(tmp_path):
    dataset = read_dataset(voc(tmp_path))
    assert [sorted(set(np.unique(dataset.read_mask(i)).tolist())) for i in range(4)] == [
        [0, 15, 255], [0, 8, 255], [0, 12, 255], [0, 20, 255]]  # fmt: skip
    assert all("SegmentationObject" not in mask for (mask,) in dataset.columns.masks)
    assert "SegmentationObject beside SegmentationClass: left aside (--masks reads it)" in dataset.notes


def test_the_objects_can_be_asked_for(tmp_path):
    dataset = read_dataset(voc(tmp_path), DataOptions(masks="SegmentationObject"))
    assert dataset.columns.masks[0] == ("SegmentationObject/2007_000000.png",)


def test_another_set_with_vocs_palette_does_not_get_vocs_names(tmp_path):
    dataset = read_dataset(voc(tmp_path, "leaf{}"))
    assert "person" not in dataset.classes.names


def test_labelmes_converted_sets_have_their_own_names(tmp_path):
    voc(tmp_path, "leaf{}", masks=12)
    for i in range(12):
        mask = np.where(disc(i, (30, 40)) > 0, 1 + i % 2, 0).astype(np.uint8)
        save(tmp_path / "SegmentationClass" / f"leaf{i}.png", mask, palette=PALETTE)
        save(tmp_path / "SegmentationClassVisualization" / f"leaf{i}.jpg", photo(i, (30, 40)))
    write_text(tmp_path / "class_names.txt", "_background_", "leaf", "spot")
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "leaf", "spot")


def test_cvats_masks_have_the_names_and_colours_of_labelmap_txt(tmp_path):
    colours = np.array([(0, 0, 0), (51, 221, 255), (250, 50, 83)], np.uint8)
    for i in range(4):
        save(tmp_path / "JPEGImages" / f"{i}.jpg", photo(i))
        save(tmp_path / "SegmentationClass" / f"{i}.png", colours[np.where(disc(i) > 0, 1 + i % 2, 0)])
    write_text(tmp_path / "labelmap.txt", "# label:color_rgb:parts:actions", "background:0,0,0::", "leaf:51,221,255::",
               "dry spot:250,50,83::")  # fmt: skip
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "leaf", "dry spot") and dataset.encoding.kind == "colour"
    assert [int(dataset.read_mask(i).max()) for i in range(2)] == [1, 2]
