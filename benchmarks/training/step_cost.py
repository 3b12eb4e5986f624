"""What a training step costs on this machine, beside PyTorch's defaults, and where its time goes.

    python benchmarks/training/step_cost.py [--turns 4] [--ops]

On constant pictures: smp.Unet on MobileNetV2 at 256x256, batch 16, and the plain U-Net of carvana-unet at 96x128,
batch 32. Three ways of taking the same step, in turn, so that another program's load meets all of them: PyTorch's
defaults (fp32, NCHW), by hand (channels last, bf16), and with maskwright's fast layers and fused optimizer. Prints
medians.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext

from maskwright.cli.process import tune_process

TUNED = tune_process()  # before torch is imported

import segmentation_models_pytorch as smp  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.profiler import ProfilerActivity, profile  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from maskwright.models.plain_unet import PlainUnet  # noqa: E402
from maskwright.training.fast_layers import fast_layers  # noqa: E402

CPU = torch.device("cpu")
CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int, int]]] = {
    "smp.Unet mobilenet_v2 256x256": (
        lambda: smp.Unet("mobilenet_v2", encoder_weights=None, classes=1),
        (16, 3, 256, 256),
    ),
    "plain_unet 96x128": (lambda: PlainUnet(3, num_outputs=1), (32, 3, 96, 128)),
}
WAYS = {"PyTorch's defaults": (False, False), "by hand": (True, False), "fast layers": (True, True)}


def make_step(build: Callable[[], nn.Module], shape: tuple[int, int, int, int], way: str) -> Callable[[], None]:
    """Return a function that takes one training step this way."""
    by_hand, fast = WAYS[way]
    network = build().train()
    images, truth = torch.rand(shape), (torch.rand(shape[0], 1, *shape[2:]) > 0.5).float()
    if by_hand:
        network = network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=fast or None)

    def step() -> None:
        optimizer.zero_grad()
        with (
            torch.autocast("cpu", dtype=torch.bfloat16, enabled=by_hand),
            fast_layers(network, CPU) if fast else nullcontext(),
        ):
            logits = network(images)
        F.binary_cross_entropy_with_logits(logits.float(), truth).backward()
        optimizer.step()

    return step


def peak() -> float:
    """GFLOP/s of a bf16 3x3 convolution, 64 to 64 channels at 64x64, batch 16: the fastest of ten."""
    x = torch.rand(16, 64, 64, 64).bfloat16().contiguous(memory_format=torch.channels_last)
    weight = torch.rand(64, 64, 3, 3).bfloat16().contiguous(memory_format=torch.channels_last)
    best = 1e9
    for _ in range(10):
        start = time.perf_counter()
        F.conv2d(x, weight, padding=1)
        best = min(best, time.perf_counter() - start)
    return 2 * 16 * 64**2 * 64 * 64 * 9 / best / 1e9


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=4, help="timed steps of each way")
    parser.add_argument("--case", choices=list(CASES), help="one case only")
    parser.add_argument("--ops", action="store_true", help="also the operations of a fast step, by their own time")
    options = parser.parse_args()
    top = peak()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, bf16 3x3 peak {top:.0f} GFLOP/s", *TUNED)
    for name, (build, shape) in CASES.items():
        if options.case in (None, name):
            measure(name, build, shape, top, options)


def measure(
    name: str, build: Callable[[], nn.Module], shape: tuple[int, int, int, int], top: float, options: argparse.Namespace
) -> None:
    """Time all ways of one case in turn and print a line each."""
    steps = {way: make_step(build, shape, way) for way in WAYS}
    with FlopCounterMode(display=False) as counter:
        steps["by hand"]()
    for step in steps.values():
        step()  # warm-up
    taken: dict[str, list[float]] = {way: [] for way in steps}
    for _ in range(options.turns):
        for way, step in steps.items():
            start = time.perf_counter()
            step()
            taken[way].append(time.perf_counter() - start)
    usual = statistics.median(taken["PyTorch's defaults"])
    print(f"\n{name}, batch {shape[0]}: {counter.get_total_flops() / shape[0] / 1e9:.1f} GFLOP a picture")
    for way, seconds in taken.items():
        middle = statistics.median(seconds)
        share = counter.get_total_flops() / middle / 1e9 / top
        print(
            f"  {way:20} {shape[0] / middle:6.2f} pictures/s ({shape[0] / max(seconds):.2f} to "
            f"{shape[0] / min(seconds):.2f})  x{usual / middle:.2f}  {share:.0%} of the peak"
        )
    if options.ops:
        with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen:
            steps["fast layers"]()
        print(seen.key_averages().table(sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=40))


if __name__ == "__main__":
    main()
