"""The ordinary way to a first model: smp's U-Net over MobileNetV2, an evaluation after each epoch, ONNX at the end.

    python ordinary/cold.py DATA WEIGHTS WORK

Ends after the first epoch with a mean Dice of at least 0.90 on the test part, which it may look at (ours may not).
Prints seconds from the start of the process to the file.
"""

import json
import sys
import time
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from folder import Folder, loader, plain, usual
from predict import started
from safetensors.torch import load_file
from torch import nn

SIZE, BATCH, AIM, MOST = (192, 192), 16, 0.90, 8


def main() -> None:
    """Train until it is good enough, export and print. Raises SystemExit where it never is."""
    data, weights, work = (Path(argument) for argument in sys.argv[1:])
    network = smp.Unet("tu-mobilenetv2_100", encoder_weights=None, pad_type="same", bn_eps=1e-3)
    network.encoder.model.load_state_dict(load_file(weights / "mobilenetv2_100_tf.safetensors"), strict=False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    dice_loss, cross_entropy = smp.losses.DiceLoss("binary"), nn.BCEWithLogitsLoss()
    train = loader(Folder(data / "train", SIZE, usual()), BATCH, shuffle=True)
    test = loader(Folder(data / "test", SIZE, plain()), BATCH, shuffle=False)
    scores: list[float] = []
    while not scores or scores[-1] < AIM:
        if len(scores) == MOST:
            raise SystemExit(f"Dice after {MOST} epochs: {scores}")
        network.train()
        for images, masks in train:
            logits = network(images)
            loss = dice_loss(logits, masks) + cross_entropy(logits, masks)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scores.append(evaluate(network, test))
    network.eval()
    example, file = torch.zeros(1, 3, *SIZE), work / "model.onnx"
    torch.onnx.export(network, (example,), file, input_names=["image"], output_names=["logits"], verbose=False)
    print(json.dumps({"value": time.time() - started(), "dice": scores[-1], "scores": scores}))


@torch.inference_mode()
def evaluate(network: nn.Module, batches: torch.utils.data.DataLoader) -> float:
    """Return the mean Dice of the pictures, at the network's size."""
    network.eval()
    dice = []
    for images, masks in batches:
        found = network(images) > 0
        both = (found & (masks > 0)).sum((1, 2, 3))
        dice += (2 * both / (found.sum((1, 2, 3)) + masks.sum((1, 2, 3)))).tolist()
    return sum(dice) / len(dice)


if __name__ == "__main__":
    main()
