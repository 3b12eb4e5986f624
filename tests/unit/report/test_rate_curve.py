"""The picture of a range test."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import OutputError
from maskwright.report.rate_curve import RateCurve, draw_rate_curve

RATES = np.geomspace(1e-7, 1, 50).tolist()
ORANGE = (217, 72, 15)


def _curve(suggestion: float | None = 1e-3) -> RateCurve:
    ratios = [1.0] * 30 + [0.8] * 15 + [1.5, 4.0, 1e3, 1e6, 1e9]
    return RateCurve(RATES, ratios, [*ratios[:45], *[1.2] * 5], suggestion)


def _columns_of(path: Path, colour: tuple[int, int, int]) -> list[int]:
    """The columns of a PNG that hold much of a colour."""
    with Image.open(path) as picture:
        assert picture.size == (1200, 750)
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    near = (np.abs(pixels - colour).sum(axis=2) < 30).sum(axis=0)
    return [int(column) for column in np.flatnonzero(near > 200)]


def test_the_suggestion_is_marked_where_it_lies(tmp_path: Path) -> None:
    draw_rate_curve(_curve(1e-3), tmp_path / "a.png", title="a")
    draw_rate_curve(_curve(1e-2), tmp_path / "b.png", title="b")
    left, right = (_columns_of(tmp_path / name, ORANGE) for name in ("a.png", "b.png"))
    assert left and right
    assert max(left) < min(right)


def test_without_a_suggestion_nothing_is_marked(tmp_path: Path) -> None:
    draw_rate_curve(_curve(None), tmp_path / "a.png", title="a")
    assert _columns_of(tmp_path / "a.png", ORANGE) == []


@pytest.mark.parametrize("points", [0, 1])
def test_a_test_that_ended_at_once_is_drawn_too(tmp_path: Path, points: int) -> None:
    curve = RateCurve(RATES[:points], [1.0] * points, [1.0] * points, None)
    draw_rate_curve(curve, tmp_path / "a.png", title="a")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_folder_name_is_no_formula(tmp_path: Path) -> None:
    draw_rate_curve(_curve(), tmp_path / "a.png", title="set_$x^{_1$: recipe")
    assert (tmp_path / "a.png").exists()


def test_a_place_that_cannot_be_written_to_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        draw_rate_curve(_curve(), tmp_path / "file" / "a.png", title="a")
