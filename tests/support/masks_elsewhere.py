"""Folders of true and predicted masks, as another program would have left them."""

import numpy as np
from PIL import Image


def random_masks(number, num_classes=2, *, seed=0, shape=(40, 50), right=0.8):
    """Return (truth, prediction) pairs of blocks; predictions agree on a share of the blocks."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(number):
        truth = rng.integers(0, num_classes, (shape[0] // 5, shape[1] // 5), dtype=np.uint8)
        other = rng.integers(0, num_classes, truth.shape, dtype=np.uint8)
        prediction = np.where(rng.random(truth.shape) < right, truth, other).astype(np.uint8)
        pairs.append(tuple(mask.repeat(5, axis=0).repeat(5, axis=1) for mask in (truth, prediction)))
    return pairs


def write_masks(folder, masks, *, names=None, factor=1, suffix=".png"):
    """Write masks, their values times `factor`, as a.png, b.png, ... or under the names given."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, mask in enumerate(masks):
        name = names[number] if names else f"{chr(97 + number // 26)}{chr(97 + number % 26)}"
        Image.fromarray((mask * factor).astype(mask.dtype)).save(folder / f"{name}{suffix}")


def write_pair(folder, pairs, **options):
    """Write folder/truth as 0/255 (two classes) or class numbers, and folder/predictions as class numbers."""
    factor = 255 if max(int(mask.max()) for pair in pairs for mask in pair) == 1 else 1
    write_masks(folder / "truth", [truth for truth, _ in pairs], factor=factor, **options)
    write_masks(folder / "predictions", [prediction for _, prediction in pairs], **options)
    return folder / "predictions", folder / "truth"
