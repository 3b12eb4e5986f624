"""The oddities of real picture sets are read for what they are."""

from pathlib import Path

import numpy as np

from maskwright.images.formats import read_image, read_info, read_labels, read_palette


def test_a_gif_and_a_png_named_jpg_are_read_by_their_content(real_data: Path) -> None:
    gif, png = (read_info(real_data / f"pets/images/Abyssinian_{n}.jpg") for n in (34, 5))
    assert (gif.format, gif.bands) == ("GIF", 3)
    assert (png.format, png.bands, png.has_alpha) == ("PNG", 3, True)
    assert read_image(real_data / "pets/images/Abyssinian_5.jpg").shape == (png.height, png.width, 3)


def test_one_stone_picture_is_an_mpo_of_two_views(real_data: Path) -> None:
    infos = [read_info(path) for path in sorted((real_data / "rocks/images").glob("*.jpg"))]
    assert [info.frames for info in infos if info.format == "MPO"] == [2]


def test_car_masks_are_palette_gifs_of_two_indices(real_data: Path) -> None:
    path = next(iter(sorted((real_data / "carvana/train_masks").iterdir())))
    assert set(np.unique(read_labels(path))) == {0, 1}
    assert read_palette(path) == ((0, 0, 0), (255, 255, 255))


def test_drone_tiles_are_rgba_tiffs(real_data: Path) -> None:
    info = read_info(next((real_data / "stone_garden/tiff_img").iterdir()))
    assert (info.format, info.mode, info.bands, info.has_alpha) == ("TIFF", "RGBA", 3, True)


def test_sandstone_masks_are_few_colours_in_lzw_tiffs(real_data: Path) -> None:
    labels = read_labels(next((real_data / "sandstone/data/raw/Train_masks").iterdir()))
    assert labels.shape[2] == 3
    assert len(np.unique(labels.reshape(-1, 3), axis=0)) == 4
