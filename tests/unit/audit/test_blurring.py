"""The blur is scipy's, bit for bit."""

import numpy as np
import pytest
from scipy import ndimage

from maskwright.audit.blurring import blur


@pytest.mark.parametrize("sigma", [1.0, 1.6, 2.5, 6.72, np.float64(3.3)])
@pytest.mark.parametrize(("mode", "truncate"), [("reflect", 4.0), ("nearest", 3.0)])
@pytest.mark.parametrize("shape", [(40, 56), (3, 33, 20), (1, 5, 7)])
def test_it_is_scipys_filter(sigma: float, mode: str, truncate: float, shape: tuple[int, ...]) -> None:
    fields = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    spread = (*[0] * (len(shape) - 2), sigma, sigma)
    assert np.array_equal(
        blur(fields, sigma, mode=mode, truncate=truncate),  # type: ignore[arg-type]
        ndimage.gaussian_filter(fields, spread, mode=mode, truncate=truncate),
    )


def test_a_view_is_blurred_as_its_copy_and_left_alone() -> None:
    fields = np.random.default_rng(1).uniform(0, 255, (30, 24, 3)).astype(np.float32)
    before, view = fields.copy(), np.moveaxis(fields, 2, 0)
    assert np.array_equal(blur(view, 2.0), blur(np.ascontiguousarray(view), 2.0))
    assert np.array_equal(fields, before)
