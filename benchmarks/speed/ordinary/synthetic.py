"""What a GPU could do if no picture had to be read: training steps on constant batches already on it.

Same network, batch, precision, memory layout and optimizer as our training. Prints pictures per second.
"""

import json
import time

import segmentation_models_pytorch as smp
import torch
from torch import nn

BATCH, SIDE, WARM_UP, STEPS = 32, 256, 30, 300


def main() -> None:
    """Train on constants and print. Raises SystemExit without a GPU."""
    if not torch.cuda.is_available():
        raise SystemExit("no GPU at hand")
    network = smp.Unet("mobilenet_v2", encoder_weights=None).to("cuda", memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    dice, cross_entropy = smp.losses.DiceLoss("binary"), nn.BCEWithLogitsLoss()
    images = torch.rand(BATCH, 3, SIDE, SIDE, device="cuda").contiguous(memory_format=torch.channels_last)
    masks = (torch.rand(BATCH, 1, SIDE, SIDE, device="cuda") > 0.5).float()
    for step in range(WARM_UP + STEPS):
        if step == WARM_UP:
            torch.cuda.synchronize()
            begun = time.perf_counter()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            logits = network(images)
        loss = dice(logits.float(), masks) + cross_entropy(logits.float(), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.cuda.synchronize()
    print(json.dumps({"value": BATCH * STEPS / (time.perf_counter() - begun), "loss": loss.item()}))


if __name__ == "__main__":
    main()
