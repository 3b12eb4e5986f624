import numpy as np
import pytest

from maskwright.images.present import present_values


@pytest.mark.parametrize("size", [1, 7, 8, 15, 16, 17, 24, 1000, 4099])
@pytest.mark.parametrize("kind", ["constant", "blocks", "noise", "one at the end", "one within a word"])
def test_all_values_are_found_and_no_others(size, kind):
    rng = np.random.default_rng(size)
    flat = {
        "constant": np.full(size, 7), "blocks": np.repeat(rng.integers(0, 256, size // 9 + 1), 9)[:size],
        "noise": rng.integers(0, 256, size), "one at the end": np.append(np.zeros(size - 1), 255),
        "one within a word": np.where(np.arange(size) == size // 2, 3, 1),
    }[kind].astype(np.uint8)  # fmt: skip
    assert present_values(flat).tolist() == sorted(set(flat.tolist()))


def test_arrays_of_any_shape_and_order_are_looked_at_whole():
    mask = np.zeros((33, 65), np.uint8)
    mask[32, 64], mask[0, 64] = 9, 200
    assert present_values(mask).tolist() == present_values(mask.T).tolist() == [0, 9, 200]
    assert present_values(mask[:, ::-1][:, :40]).tolist() == [0, 9, 200]
    assert present_values(mask[:, :64]).tolist() == [0]
