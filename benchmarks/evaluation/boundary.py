"""Time the boundary scores of one class in a picture against MONAI's and a distance transform of the whole picture.

    python benchmarks/evaluation/boundary.py --side 1024 --pictures 10 [--without-monai]

Two kinds of masks: blobs with a wobbling outline, as a network predicts them, and noise, where half of all pixels are
boundary. All run in one thread; the time is that of the thread, so that other work on the machine counts less.
MONAI and the transform give hd95 and assd only; ours gives boundary IoU and boundary F1 with them.
"""

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from scipy.ndimage import binary_erosion, distance_transform_edt, gaussian_filter, zoom  # noqa: E402

from maskwright.metrics.boundary import boundary_scores  # noqa: E402

Mask = NDArray[np.bool_]
Distances = Callable[[Mask, Mask], tuple[float, float]]


def main() -> None:
    """Time each on the same masks and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--pictures", type=int, default=10)
    parser.add_argument("--without-monai", action="store_true")
    options = parser.parse_args()
    rivals: dict[str, Distances] = {"maskwright": _ours, "transform": _by_transform}
    if not options.without_monai:
        rivals["MONAI"] = _monai()
    print(f"{'masks':<10}{'':<14}{'ms a picture':>14}{'slowest':>10}{'largest difference':>22}")
    for kind, draw in (("blobs", _blobs), ("noise", _noise)):
        pairs = [draw(seed, options.side) for seed in range(options.pictures)]
        answers = {name: _time(rival, pairs) for name, rival in rivals.items()}
        for name, (times, values) in answers.items():
            apart = np.abs(np.array(values) - np.array(answers["maskwright"][1])).max()
            print(f"{kind:<10}{name:<14}{statistics.median(times):>14.1f}{max(times):>10.1f}{apart:>22.1e}")


def _time(rival: Distances, pairs: list[tuple[Mask, Mask]]) -> tuple[list[float], list[tuple[float, float]]]:
    rival(*pairs[0])  # what is loaded or allocated once is not the rival's
    times, values = [], []
    for pair in pairs:
        begun = time.thread_time()
        values.append(rival(*pair))
        times.append(1000 * (time.thread_time() - begun))
    return times, values


def _ours(truth: Mask, prediction: Mask) -> tuple[float, float]:
    scores = boundary_scores(truth, prediction)
    return scores.hd95, scores.assd


def _by_transform(truth: Mask, prediction: Mask) -> tuple[float, float]:
    boundaries = [mask & ~binary_erosion(mask) for mask in (truth, prediction)]
    back, there = (distance_transform_edt(~boundary) for boundary in boundaries)
    back, there = back[boundaries[1]], there[boundaries[0]]
    hd95 = max(float(np.percentile(back, 95)), float(np.percentile(there, 95)))
    return hd95, float(np.concatenate([back, there]).mean())


def _monai() -> Distances:
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*always_return_as_numpy")

    def distances(truth: Mask, prediction: Mask) -> tuple[float, float]:
        both = [torch.from_numpy(mask)[None, None] for mask in (prediction, truth)]
        hd95 = compute_hausdorff_distance(*both, include_background=True, percentile=95).item()
        assd = compute_average_surface_distance(*both, include_background=True, symmetric=True).item()
        return hd95, assd

    return distances


def _blobs(seed: int, side: int) -> tuple[Mask, Mask]:
    """Return two masks of a few objects whose outlines wobble by some pixels."""
    rng = np.random.default_rng(seed)
    base = zoom(gaussian_filter(rng.standard_normal((64, 64)), 4), side / 64, order=3)
    detail = zoom(rng.standard_normal((side // 8, side // 8)), 8, order=3)
    level = base.std() * rng.uniform(0, 1)
    return base > level, base + 0.1 * base.std() * detail[: base.shape[0], : base.shape[1]] > level


def _noise(seed: int, side: int) -> tuple[Mask, Mask]:
    rng = np.random.default_rng(seed)
    return rng.random((side, side)) < 0.5, rng.random((side, side)) < 0.5


if __name__ == "__main__":
    main()
