"""An ordinary training loop: PyTorch defaults, fp32, DataLoader with workers, albumentations. Prints pictures/s.

    python ordinary/train.py DATA --network smp_unet --size 256 256 --batch 16 --steps 9 [--frozen]

Steady state: the first steps do not count. With --epochs all of them count, from the first batch that is asked for.
"""

import argparse
import json
import time
from itertools import chain, islice, repeat
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from folder import Folder, car_studio, loader, usual
from torch import nn

WARM_UP = 2  # steps


def main() -> None:
    """Train and print."""
    options = parse()
    plain = options.network == "plain_unet"
    dataset = Folder(options.data / "train", tuple(options.size), car_studio() if plain else usual())
    batches = loader(dataset, options.batch, shuffle=True)
    passes = chain.from_iterable(repeat(batches) if options.epochs is None else repeat(batches, options.epochs))
    steps = passes if options.epochs is not None else islice(passes, options.steps)
    marks = [(time.perf_counter(), 0)]
    for pictures in train(build(options.network), steps, loss_for(options.network), options):
        marks.append((time.perf_counter(), marks[-1][1] + pictures))
    start = marks[0 if options.epochs is not None else WARM_UP]
    seconds, pictures = marks[-1][0] - start[0], marks[-1][1] - start[1]
    print(json.dumps({"value": pictures / seconds, "pictures": pictures, "seconds": seconds}))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--network", choices=("smp_unet", "plain_unet"), default="smp_unet")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 256))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--frozen", action="store_true")
    return parser.parse_args()


def train(network: nn.Module, batches, loss_of, options: argparse.Namespace):
    """Yield the number of pictures after each step."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device).train()
    if options.frozen:
        network.encoder.requires_grad_(False).eval()
    rate = 1e-4 if options.network == "plain_unet" else 2e-3
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=rate)
    for images, masks in batches:
        images, masks = images.to(device), masks.to(device)
        loss = loss_of(network(images), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        yield len(images)


def build(name: str) -> nn.Module:
    """The network, with random weights: speed does not depend on them."""
    if name == "smp_unet":
        return smp.Unet("mobilenet_v2", encoder_weights=None)
    from maskwright.models.plain_unet import PlainUnet

    return PlainUnet(3, num_outputs=1, dropout=0.3, initialisation="he")


def loss_for(name: str):
    """Dice and binary cross-entropy, or Dice alone for the recipe carvana-unet."""
    dice, cross_entropy = smp.losses.DiceLoss("binary"), nn.BCEWithLogitsLoss()
    if name == "plain_unet":
        return dice
    return lambda logits, masks: dice(logits, masks) + cross_entropy(logits, masks)


if __name__ == "__main__":
    main()
