"""The score after each epoch: on packed validation pictures at the network's size, as cheap as it can be.

It ranks epochs against each other. What a model is worth is measured by `evaluation/`, on the masks' own grid.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.metrics.counts import Counts, count, stack
from maskwright.metrics.fbeta import chosen_measure
from maskwright.training.batches import Pictures, cut_around
from maskwright.training.feeding import Scaling, to_labels, to_unit

MAX_TILES = 64  # a picture: enough to rank epochs; the score proper looks at everything


@torch.inference_mode()
def validate(
    network: nn.Module,
    pack: Pictures,
    classes: Classes,
    scaling: Scaling,
    *,
    size: tuple[int, int],
    device: torch.device,
    precision: str,
    measure: str,
    batch_size: int,
) -> float:
    """Return the mean over pictures of `measure` ("dice", "iou", "f_beta"), cut at 0.5; the network keeps its mode."""
    training = network.training
    network.eval()
    counts: list[Counts] = []
    for images, labels, pictures in _batches(pack, size, batch_size):
        shown = scaling(to_unit(images, scaling.value_range, device))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            logits = network(shown).float()
        for picture, found in zip(pictures, _count(logits, to_labels(labels, device), classes), strict=True):
            if picture == len(counts):
                counts.append(found)
            else:
                counts[picture] = stack([counts[picture], found]).total()
    network.train(training)
    values = chosen_measure(measure, stack(counts), exclusive=classes.exclusive)
    if np.isnan(values).all():
        what = "No pixel of the validation pictures counts: all are ignored."
        raise DataError(what, where="the validation part", fix="look at their masks (`maskwright check`)")
    return float(np.nanmean(values))


def _batches(
    pack: Pictures, size: tuple[int, int], batch_size: int
) -> Iterator[tuple[NDArray[Any], NDArray[np.uint8], tuple[int, ...]]]:
    """Yield (images, masks, picture of each) in full batches, over the borders of pictures: what varies is the last."""
    images, masks, pictures = [], [], []
    for index in range(len(pack)):
        for image, mask in _views(pack, index, size):
            images.append(image)
            masks.append(mask)
            pictures.append(index)
            if len(images) == batch_size:
                yield np.stack(images), np.stack(masks), tuple(pictures)
                images, masks, pictures = [], [], []
    if images:
        yield np.stack(images), np.stack(masks), tuple(pictures)


def _views(pack: Pictures, index: int, size: tuple[int, int]) -> Iterator[tuple[NDArray[Any], NDArray[np.uint8]]]:
    """Yield a picture as the network sees it: whole where it has the network's size, else in tiles side by side."""
    image, mask = pack.image(index), pack.mask(index)
    centres = [(size[0] // 2, size[1] // 2)]
    if image.shape[:2] != size:
        centres = [(y, x) for y in _centres(image.shape[0], size[0]) for x in _centres(image.shape[1], size[1])]
        spread = np.linspace(0, len(centres) - 1, min(len(centres), MAX_TILES)).round().astype(int)
        centres = [centres[at] for at in spread]
    for y, x in centres:
        yield cut_around(image, y, x, size), cut_around(mask, y, x, size)


def _centres(length: int, tile: int) -> list[int]:
    number = max(1, -(-length // tile))
    if number == 1:
        return [length // 2]
    return [round(tile // 2 + i * (length - tile) / (number - 1)) for i in range(number)]


def _count(logits: Tensor, labels: Tensor, classes: Classes) -> list[Counts]:
    if classes.binary:
        predicted = (logits[:, 0] > 0).to(torch.uint8)
    elif classes.exclusive:
        predicted = logits.argmax(dim=1).to(torch.uint8)
    else:
        predicted = (logits > 0).to(torch.uint8).movedim(1, -1)
        labels = labels.movedim(1, -1)
    truth, guess = _numpy(labels), _numpy(predicted)
    return [count(t, p, len(classes.names)) for t, p in zip(truth, guess, strict=True)]


def _numpy(labels: Tensor) -> NDArray[np.uint8]:
    return np.ascontiguousarray(labels.cpu().numpy())
