from pathlib import Path

from maskwright.audit.facts import PictureFacts
from maskwright.audit.groups import taken_together
from maskwright.images.formats import ImageInfo


def taken(time, height=300, width=400):
    return PictureFacts(Path("a.jpg"), ImageInfo(height, width, 3, "uint8", "JPEG", "RGB", 1, 1, False), taken=time)


def test_photographs_taken_within_seconds_are_a_series():
    pictures = [
        taken("2024:05:01 10:00:00"),
        taken("2024:05:01 12:00:00"),
        taken("2024:05:01 10:00:07"),
        taken("2024:05:01 10:00:16"),
    ]

    assert taken_together(pictures) == [[0, 2, 3]]


def test_photographs_of_other_sizes_are_of_other_cameras():
    assert taken_together([taken("2024:05:01 10:00:00"), taken("2024:05:01 10:00:01", height=200)]) == []


def test_a_turned_camera_is_the_same_one():
    pictures = [taken("2024:05:01 10:00:00"), taken("2024:05:01 10:00:01", 400, 300)]

    assert taken_together(pictures) == [[0, 1]]


def test_what_is_no_time_is_passed_over():
    assert taken_together([taken(""), taken("0000:00:00 00:00:00"), taken("yesterday"), taken("")]) == []
