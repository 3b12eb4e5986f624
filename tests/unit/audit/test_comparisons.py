import numpy as np
import pytest

from maskwright.audit import families
from maskwright.audit.alignment import Alignment
from maskwright.audit.check import check_dataset
from maskwright.audit.comparisons import Comparisons
from maskwright.audit.likeness import Likeness
from support.picture_folders import disc, make_set, photo, save

ONE, TWO = bytes(range(16)), bytes(range(16, 32))
ALIKE = Likeness(Alignment(2, (0.8, 0.75), (0.1, 0.2)), 1.25)


def never():
    raise AssertionError("these two were compared before")


@pytest.mark.parametrize("found", [ALIKE, None])
def test_what_was_found_comes_back_without_comparing_again(tmp_path, found):
    first = Comparisons(tmp_path / "cache" / "some.npy")
    assert first.get(ONE, TWO, lambda: found) == found
    first.keep()

    assert Comparisons(tmp_path / "cache" / "some.npy").get(ONE, TWO, never) == found


def test_only_what_was_asked_for_last_is_kept(tmp_path):
    path = tmp_path / "some.npy"
    first = Comparisons(path)
    for other in (TWO, ONE):
        first.get(ONE, other, lambda: None)
    first.keep()
    again = Comparisons(path)
    again.get(ONE, TWO, never)
    again.keep()

    with pytest.raises(AssertionError):
        Comparisons(path).get(ONE, ONE, never)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_file_of_another_form_is_as_good_as_none(tmp_path, content):
    (tmp_path / "some.npy").write_bytes(content)

    assert Comparisons(tmp_path / "some.npy").get(ONE, TWO, lambda: ALIKE) == ALIKE


def test_an_array_that_would_run_code_is_not_opened(tmp_path):
    np.save(tmp_path / "some.npy", np.array([{"a": 1}], object), allow_pickle=True)

    assert Comparisons(tmp_path / "some.npy").get(ONE, TWO, lambda: ALIKE) == ALIKE


def test_a_second_check_compares_no_pictures(tmp_path, monkeypatch):
    make_set(tmp_path / "data", 6, size=(90, 120))
    save(tmp_path / "data" / "images" / "again.jpg", np.ascontiguousarray(photo(3, (90, 120))[:, ::-1]))
    save(tmp_path / "data" / "masks" / "again.png", np.ascontiguousarray(disc(3, (90, 120))[:, ::-1]))
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))
    first = check_dataset(tmp_path / "data")
    monkeypatch.setattr(families, "compare_pictures", lambda *_: never())

    assert check_dataset(tmp_path / "data").findings == first.findings
    assert "near-duplicate" in {found.kind for found in first.findings}
