import numpy as np
import pytest

from maskwright.errors import ShapeError
from maskwright.images.resize import resize_float, resize_matrix

SIZES = [(5, 3), (3, 5), (7, 7), (1, 9), (9, 1), (192, 1000), (1000, 192), (767, 333), (100, 192), (1999, 2000)]


def test_two_pixels_become_four_as_worked_out_by_hand():
    # centres of the four new pixels lie at 0.25, 0.75, 1.25, 1.75 of the old ones, whose own lie at 0.5 and 1.5
    expected = [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    np.testing.assert_array_equal(resize_matrix(2, 4), np.float32(expected))


def test_four_pixels_become_two_as_worked_out_by_hand():
    # scale 2: a triangle of half width 2 around 1 and 3; pixel centres 0.5, 1.5, 2.5, 3.5 are 0.5, 0.5, 1.5, 2.5 away
    weights = np.array([0.75, 0.75, 0.25, 0]) / 1.75
    np.testing.assert_allclose(resize_matrix(4, 2), [weights, weights[::-1]], rtol=1e-6)


def test_equal_sizes_give_the_identity():
    np.testing.assert_array_equal(resize_matrix(6, 6), np.eye(6, dtype=np.float32))


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_rows_add_up_to_one_and_no_weight_is_negative(n_in, n_out):
    matrix = resize_matrix(n_in, n_out)
    assert matrix.shape == (n_out, n_in)
    assert matrix.dtype == np.float32
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=3e-7)


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_mirroring_before_or_after_is_the_same(n_in, n_out):
    matrix = resize_matrix(n_in, n_out)
    np.testing.assert_allclose(matrix[::-1, ::-1], matrix, atol=2e-4)  # torch's single precision: 2000 +- 1e-4


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_weights_equal_those_of_torch(n_in, n_out):
    torch = pytest.importorskip("torch")
    lines = torch.eye(n_in)[None, None]  # resizing the identity shows the weights
    torchs = torch.nn.functional.interpolate(lines, size=(n_out, n_in), mode="bilinear", antialias=True)
    np.testing.assert_allclose(resize_matrix(n_in, n_out), torchs[0, 0].numpy(), atol=2.5e-7)


@pytest.mark.parametrize("size", [(31, 57), (64, 50), (20, 90), (100, 13), (31, 90), (2000, 1500)])
def test_resizing_equals_that_of_torch(size):
    torch = pytest.importorskip("torch")
    array = np.random.default_rng(0).random((3, 31, 57), dtype=np.float32)
    torchs = torch.nn.functional.interpolate(torch.from_numpy(array)[None], size, mode="bilinear", antialias=True)
    resized = resize_float(array, size)
    assert resized.shape == (3, *size)
    assert resized.flags.c_contiguous
    np.testing.assert_allclose(resized, torchs[0].numpy(), atol=1e-6)


@pytest.mark.parametrize("n_out", [1, 40, 64, 65, 1400, 3000])
def test_resizing_is_the_product_with_the_matrix(n_out):
    array = np.random.default_rng(1).random((2, 1500, 3), dtype=np.float32)
    np.testing.assert_allclose(resize_float(array, (n_out, 3)), resize_matrix(1500, n_out) @ array, atol=1e-6)


@pytest.mark.parametrize("size", [(5, 7), (40, 3), (2000, 600)])
def test_a_constant_picture_stays_constant(size):
    resized = resize_float(np.full((2, 17, 900), 0.7, np.float32), size)
    np.testing.assert_allclose(resized, 0.7, atol=5e-7)


def test_shrinking_by_a_whole_factor_keeps_the_mean_nearly():
    array = np.random.default_rng(2).random((1, 64, 64), dtype=np.float32)
    assert abs(resize_float(array, (16, 16)).mean() - array.mean()) < 0.01


def test_the_same_size_is_given_back_untouched():
    array = np.zeros((1, 4, 5), np.float32)
    assert resize_float(array, (4, 5)) is array


def test_an_empty_line_is_refused():
    with pytest.raises(ShapeError, match="A line of 4 pixels cannot be resized to 0"):
        resize_matrix(4, 0)


def test_another_number_of_axes_is_refused():
    with pytest.raises(ShapeError, match=r"wants \(C, H, W\); got \(4, 5\)"):
        resize_float(np.zeros((4, 5), np.float32), (2, 2))
