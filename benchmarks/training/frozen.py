"""What a phase with a frozen encoder costs, lever by lever, what validation costs, and that the Dice stays.

    python benchmarks/training/frozen.py parts [--rounds 7]
    python benchmarks/training/frozen.py validation
    python benchmarks/training/frozen.py dice DATA --weights mobilenetv2_035_keras224.safetensors [--whole]

All sides of a table are timed in turn in one run. Core seconds are those that the process kept cores busy, divided by
their number: they hardly change where the machine does other work beside it. DATA: a folder of pictures and masks; a
fifth, picked by number, is held back to score, so give training pictures only; with --whole the encoder is trained too,
with the fast layers and without. The whole phase against the ordinary
script is the row `frozen` of benchmarks/speed.
"""

import argparse
import contextlib
import copy
import os
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from maskwright.cli.process import tune_process

tune_process()

import numpy as np  # noqa: E402 - the process is tuned first
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from maskwright.data.pack import PackSettings, build_pack  # noqa: E402
from maskwright.data.read import read_dataset  # noqa: E402
from maskwright.images.classes import Classes  # noqa: E402
from maskwright.losses import build_loss  # noqa: E402
from maskwright.models.build import build_network  # noqa: E402
from maskwright.progress import ignore  # noqa: E402
from maskwright.recipe import Augmentation, Phase, TrainingOptions  # noqa: E402
from maskwright.runs.fitting import Subset  # noqa: E402
from maskwright.training import upsampling  # noqa: E402
from maskwright.training.batches import WholeBatches  # noqa: E402
from maskwright.training.fast_layers import fast_layers  # noqa: E402
from maskwright.training.feeding import Scaling  # noqa: E402
from maskwright.training.frozen import frozen_twin  # noqa: E402
from maskwright.training.steps import FitSettings, State, take_step  # noqa: E402
from maskwright.training.validation import validate  # noqa: E402

Encoder = Literal["frozen", "trained"]
BATCH, SIZE, CPU = 16, (256, 256), torch.device("cpu")
CLASSES, SCALING = Classes(("background", "object")), Scaling(255.0, (0.5,) * 3, (0.25,) * 3)


def main() -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("parts", "validation"):
        verbs.add_parser(name).add_argument("--rounds", type=int, default=7)
    dice = verbs.add_parser("dice")
    dice.add_argument("data", type=Path)
    dice.add_argument("--weights", required=True, help="of mobilenetv2_035")
    dice.add_argument("--whole", action="store_true", help="train the encoder too")
    dice.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    dice.add_argument("--steps", type=int, default=60)
    dice.add_argument("--size", type=int, default=128)
    given = parser.parse_args()
    if given.verb == "dice":
        encoder = "trained" if given.whole else "frozen"
        measure_dice(given.data, given.weights, given.seeds, given.steps, (given.size, given.size), encoder)
    else:
        (measure_parts if given.verb == "parts" else measure_validation)(given.rounds)


def in_turn(sides: Mapping[str, Callable[[], object]], rounds: int, pictures: int) -> None:
    """Time the sides in turn and print medians and spread."""
    wall: dict[str, list[float]] = {name: [] for name in sides}
    core: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            begun, busy = time.perf_counter(), time.process_time()
            side()
            if number:  # the first round is warm-up
                wall[name].append(time.perf_counter() - begun)
                core[name].append((time.process_time() - busy) / torch.get_num_threads())
    print(f"{'':34}{'pictures/s':>11}{'ms':>8}{'least':>8}{'most':>8}{'core ms':>9}{'least':>8}")
    for name in sides:
        middle, busy = statistics.median(wall[name]), statistics.median(core[name])
        row = (1000 * value for value in (middle, min(wall[name]), max(wall[name]), busy, min(core[name])))
        print(f"{name:34}{pictures / middle:11.1f}" + "{:8.0f}{:8.0f}{:8.0f}{:9.0f}{:8.0f}".format(*row), flush=True)


def measure_parts(rounds: int) -> None:
    """Time a step of smp's U-Net over MobileNetV2 as written, and with each lever added."""
    torch.manual_seed(0)
    network, _ = build_network("smp_unet", encoder="mobilenet_v2", weights="none", in_channels=3, num_outputs=1)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    encoder = network.encoder
    assert isinstance(encoder, nn.Module)
    encoder.requires_grad_(False)
    twin = frozen_twin(network, "bf16")
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    loss = build_loss("dice+bce", CLASSES)
    images = torch.rand(BATCH, 3, *SIZE).contiguous(memory_format=torch.channels_last)
    labels = (torch.rand(BATCH, *SIZE) > 0.5).to(torch.uint8)

    def step(model: nn.Module, *, fast: bool = False, quick: bool = False) -> Callable[[], None]:
        def take() -> None:
            model.train()
            encoder.eval()
            layers: AbstractContextManager[object] = contextlib.nullcontext()
            if fast or quick:
                layers = fast_layers(model, CPU) if fast else upsampling.quick_decoders(model)
            with torch.autocast("cpu", dtype=torch.bfloat16), layers:
                logits = model(images).float()
            optimizer.zero_grad(set_to_none=True)
            loss(logits, labels).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()

        return take

    def features(model: nn.Module) -> Callable[[], list[Tensor]]:
        def look() -> list[Tensor]:
            encoder.eval()
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                found: list[Tensor] = model.encoder(images)  # type: ignore[operator]
            return found

        return look

    given = features(twin)()
    cached = copy.copy(twin)
    cached._modules = {**twin._modules, "encoder": _Given(given)}
    bytes_of_view = sum(feature.nbytes for feature in given[1:]) / BATCH
    in_turn(
        {
            "step: as written": step(network),
            "step: encoder folded": step(twin),
            "step: and decoder quick": step(twin, quick=True),
            "step: and layers fast (as trained)": step(twin, fast=True),
            "the same, features given": step(cached, fast=True),
            "step: as written, layers fast": step(network, fast=True),
            "encoder: as written": features(network),
            "encoder: folded": features(twin),
        },
        rounds,
        BATCH,
    )
    print(f"features of one view of a picture: {bytes_of_view / 1e6:.2f} MB")
    measure_doubling(rounds)


def measure_doubling(rounds: int) -> None:
    """Time each block's first convolution, forward and back, in its three forms."""
    few = upsampling.FEW_CHANNELS
    for channels, skips, filters, side in (
        (1280, 96, 256, 8),
        (256, 32, 128, 16),
        (128, 24, 64, 32),
        (64, 16, 32, 64),
        (32, 0, 16, 128),
    ):
        print(f"\n{channels} + {skips} channels to {filters} at {2 * side}x{2 * side}, forward and back")
        x = _bf16(BATCH, channels, side, side).requires_grad_()
        skip = _bf16(BATCH, skips, 2 * side, 2 * side) if skips else None
        weight = (0.01 * torch.randn(filters, channels + skips, 3, 3)).requires_grad_()
        slope = _bf16(BATCH, filters, 2 * side, 2 * side)

        def form(
            few_channels: int | None, x: Tensor = x, skip: Tensor | None = skip, weight: Tensor = weight,
            slope: Tensor = slope,
        ) -> Callable[[], None]:  # fmt: skip
            def go() -> None:
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    if few_channels is None:
                        doubled = F.interpolate(x, scale_factor=2, mode="nearest")
                        found = F.conv2d(doubled if skip is None else torch.cat([doubled, skip], 1), weight, padding=1)
                    else:
                        upsampling.FEW_CHANNELS = few_channels
                        found = upsampling.convolve_doubled(weight, x, skip, (2 * x.shape[2], 2 * x.shape[3]))
                torch.autograd.grad(found, (weight, x), slope)

            return go

        in_turn({"as written": form(None), "transposed": form(4096), "products of taps": form(0)}, rounds, BATCH)
    upsampling.FEW_CHANNELS = few


def measure_validation(rounds: int) -> None:
    """Time the validation of 64 whole pictures, one at a time and in batches, and a training step for comparison."""
    pack, network = _Random(64), _network("none")

    def score(batch_size: int) -> Callable[[], float]:
        return lambda: validate(
            network, pack, CLASSES, SCALING, size=SIZE, device=CPU, precision="bf16", measure="dice",
            batch_size=batch_size,
        )  # fmt: skip

    in_turn({"one at a time": score(1), "in batches of 16": score(BATCH)}, rounds, len(pack))


def measure_dice(
    data: Path, weights: str, seeds: list[int], steps: int, size: tuple[int, int], encoder: Encoder
) -> None:
    """Train as written in fp32 and bf16, and as maskwright does in bf16; print the Dice of held-back pictures."""
    dataset = read_dataset(data)
    pack = build_pack(dataset, range(len(dataset)), PackSettings(size=size))
    held = tuple(range(0, len(pack), 5))
    parts = Subset(pack, tuple(i for i in range(len(pack)) if i % 5)), Subset(pack, held)
    found: dict[str, list[float]] = {"as written, fp32": [], "as written, bf16": [], "as trained, bf16": []}
    for seed in seeds:
        for name, scores in found.items():
            scores.append(_trained(parts, weights, seed, steps, size, name, encoder))
            print(f"seed {seed}  {name:18} Dice {scores[-1]:.4f}", flush=True)
    for name, scores in found.items():
        print(f"mean    {name:18} Dice {statistics.mean(scores):.4f}")


def _trained(
    parts: tuple[Subset, Subset], weights: str, seed: int, steps: int, size: tuple[int, int], side: str,
    encoder: Encoder,
) -> float:  # fmt: skip
    network, (train, held) = _network(weights, seed), parts
    phase = Phase(epochs=1, encoder=encoder, learning_rate=2e-3)
    precision, written = side[-4:], side.startswith("as written")
    os.environ["MASKWRIGHT_NO_TUNING"] = "1" if written and encoder == "trained" else "0"
    options = TrainingOptions(phases=(phase,), seed=seed)
    names = [str(index) for index in range(len(train))]
    state = State(network, FitSettings((phase,), options, Augmentation(), SCALING, size, precision, names), CPU)
    if written and encoder == "frozen":
        state._twin = network
    batches, loss = WholeBatches(train, BATCH, seed), build_loss("dice+bce", CLASSES)
    for step in range(steps):
        state.position.epoch, state.position.step = divmod(step, batches.steps)
        state.set_rates(step, steps)
        take_step(state, batches.batch(state.position.epoch, state.position.step), loss, ignore)
    return validate(
        network, held, CLASSES, SCALING, size=size, device=CPU, precision="fp32", measure="dice", batch_size=BATCH
    )


def _network(weights: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    if weights == "none":
        network, _ = build_network("smp_unet", encoder="mobilenet_v2", weights="none", in_channels=3, num_outputs=1)
    else:
        weights = os.path.abspath(weights)
        network, _ = build_network("unet", encoder="mobilenetv2_035", weights=weights, in_channels=3, num_outputs=1)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _bf16(*shape: int) -> Tensor:
    return torch.randn(shape).to(torch.bfloat16).contiguous(memory_format=torch.channels_last)


class _Given(nn.Module):
    """Stands for an encoder whose features are at hand."""

    def __init__(self, features: list[Tensor]) -> None:
        super().__init__()
        self.features = features

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.features


class _Random:
    """Pictures of noise in memory."""

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.images[index]

    def mask(self, index: int) -> NDArray[np.uint8]:
        return (self.images[index, :, :, 0] > 127).astype(np.uint8)


if __name__ == "__main__":
    main()
