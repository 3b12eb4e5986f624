"""What an annotation file states does not decide how much memory drawing takes."""

import base64
import io
import threading
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from maskwright.data.annotations.areas import Ellipse, PngBitmap, Runs
from maskwright.data.annotations.draw import _Room
from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support.outlines import pictures, write_json


def labelme(folder, size):
    shape = {"label": "dog", "points": [[2, 1], [7, 1], [7, 5], [2, 5]], "shape_type": "polygon"}
    write_json(folder / "a.json", {"version": "5", "shapes": [shape], "imagePath": "a.jpg", "imageData": None,
                                   "imageHeight": size[0], "imageWidth": size[1]})  # fmt: skip
    return pictures(folder, "a.jpg", size=(16, 16))


@pytest.mark.parametrize("size", [(15800, 15800), (65, 16), (16, 65)])
def test_a_stated_size_far_beyond_the_pictures_own_is_an_error_that_names_both(tmp_path, size):
    with pytest.raises(DataError, match=f"a.jpg is 16 x 16, and {size[0]} x {size[1]} in its annotations") as error:
        read_dataset(labelme(tmp_path, size))
    assert "a.json" in error.value.where and error.value.fix


def test_a_stated_size_of_up_to_four_times_the_side_is_mentioned(tmp_path):
    assert any("another size than the picture's" in note for note in read_dataset(labelme(tmp_path, (64, 64))).notes)


def test_a_bitmap_far_beyond_its_picture_is_not_unfolded():
    runs = Runs(np.array([15800 * 15800]), (15800, 15800))
    with pytest.raises(DataError, match="A mask is 15800 x 15800, its picture 16 x 16"):
        runs.draw((16, 16), "here")


def test_an_embedded_picture_far_beyond_its_picture_is_not_decoded():
    stream = io.BytesIO()
    Image.new("1", (3000, 3000), 1).save(stream, "PNG")
    bitmap = PngBitmap(base64.b64encode(stream.getvalue()).decode(), (0, 0))
    with pytest.raises(DataError, match="A mask is 3000 x 3000, its picture 16 x 16"):
        bitmap.draw((16, 16), "here")


def test_an_ellipse_takes_little_more_memory_than_its_mask():
    side = 4000
    tracemalloc.start()
    try:
        _, _, inside = Ellipse((side / 2, side / 2), (side / 2, side / 2), 30).draw((side, side), "here")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert abs(np.count_nonzero(inside) - np.pi * side**2 / 4) < 100
    assert peak < 4 * inside.nbytes


def test_large_canvases_are_drawn_one_after_the_other_and_small_ones_together():
    room = _Room(100)
    together = threading.Barrier(2, timeout=20)
    at_once, most = 0, 0
    lock = threading.Lock()

    def small():
        with room.taken((5, 10)):
            together.wait()  # breaks where the two cannot hold their room at the same time

    def large():
        nonlocal at_once, most
        with room.taken((500, 10)):
            with lock:
                at_once += 1
                most = max(most, at_once)
            threading.Event().wait(0.02)
            with lock:
                at_once -= 1

    for work, count in ((small, 2), (large, 4)):
        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 1 and not together.broken
