"""What the machine can do at most: one 3x3 convolution in bf16, many channels, channels last. Prints GFLOP/s.

Also prints what one training step of the U-Net of row `train` costs: GFLOP a picture, counted by PyTorch, forward and
backward, a multiplication and an addition being two.
"""

import json
import statistics
import time

import segmentation_models_pytorch as smp
import torch
from torch.utils.flop_counter import FlopCounterMode

CHANNELS, SIDE, BATCH, SECONDS = 256, 64, 16, 6.0


def main() -> None:
    """Measure and print."""
    print(json.dumps({"value": peak(), "gflop_per_picture": cost()}))


@torch.inference_mode()
def peak() -> float:
    """Return GFLOP/s: the median over loops of a few seconds together, after a warm-up."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    to = {"device": device, "dtype": torch.bfloat16, "memory_format": torch.channels_last}
    convolution = torch.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False).to(**to)
    pictures = torch.randn(BATCH, CHANNELS, SIDE, SIDE).to(**to)
    gflop = 2 * 9 * CHANNELS**2 * SIDE**2 * BATCH / 1e9
    rates, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        begun = time.perf_counter()
        convolution(pictures)
        if device.type == "cuda":
            torch.cuda.synchronize()
        rates.append(gflop / (time.perf_counter() - begun))
    return statistics.median(rates[len(rates) // 3 :])


def cost() -> float:
    """Return GFLOP of one picture in training."""
    network, pictures = smp.Unet("mobilenet_v2", encoder_weights=None), torch.randn(2, 3, 256, 256)
    with FlopCounterMode(display=False) as counter:
        network(pictures).mean().backward()
    return counter.get_total_flops() / 1e9 / len(pictures)


if __name__ == "__main__":
    main()
