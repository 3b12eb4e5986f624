"""The loop learns, stops, resumes to the bit, and says what is wrong."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from maskwright.errors import TrainingError
from maskwright.images.classes import Classes
from maskwright.losses import build_loss
from maskwright.progress import Step
from maskwright.recipe import NO_AUGMENTATION, Augmentation, Phase, TrainingOptions
from maskwright.training.batches import WholeBatches
from maskwright.training.checkpoint import read_position
from maskwright.training.feeding import Scaling
from maskwright.training.loop import FitResult, FitSettings, build_optimizer, fit
from maskwright.training.validation import validate

CLASSES = Classes(("background", "bright"))
SIZE = (32, 32)
CPU = torch.device("cpu")


class Squares:
    """Bright squares on dark noise."""

    def __init__(self, count: int = 12) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 90, (count, *SIZE, 3), dtype=np.uint8)
        self.masks = np.zeros((count, *SIZE), np.uint8)
        for index in range(count):
            top, left = rng.integers(2, 16, 2)
            self.masks[index, top : top + 12, left : left + 12] = 1
        self.images[self.masks == 1] += 130

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.images[index]

    def mask(self, index: int) -> NDArray[np.uint8]:
        return self.masks[index]


class Small(nn.Module):
    """An encoder and a head, with batch norm and dropout: all that has state or chance in it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Conv2d(8, 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.head(self.encoder(image))
        return result


def _settings(*phases: Phase, **options: Any) -> FitSettings:
    chosen = TrainingOptions(phases=phases, **{"checkpoint_seconds": 0, **options})
    scaling = Scaling(255.0, (0.5,) * 3, (0.5,) * 3)
    return FitSettings(phases, chosen, Augmentation(), scaling, SIZE, "fp32", [f"square-{i}" for i in range(12)])


def _fit(
    folder: Path,
    settings: FitSettings,
    *,
    progress: Any = lambda step: None,
    record: Any = lambda event: None,
    pack: Squares | None = None,
) -> tuple[Small, FitResult]:
    torch.manual_seed(0)
    network, pack = Small(), pack or Squares()

    def score(trained: nn.Module) -> float:
        return validate(
            trained,
            pack,
            CLASSES,
            settings.scaling,
            size=SIZE,
            device=CPU,
            precision="fp32",
            measure="dice",
            batch_size=4,
        )

    loss = build_loss("dice+bce", CLASSES)
    batches = WholeBatches(pack, 4, seed=0)
    result = fit(network, batches, loss, score, settings, folder=folder, record=record, device=CPU, progress=progress)
    return network, result


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


class Killed(Exception):
    """Stands for a kill: nothing after it is run."""


def test_it_learns_bright_squares(tmp_path: Path) -> None:
    settings = _settings(Phase(epochs=25, learning_rate=0.02, encoder_learning_rate=0.02))
    _, result = _fit(tmp_path, replace(settings, augmentation=NO_AUGMENTATION))
    assert result.best_score > 0.9
    assert result.scores[result.best_epoch] == result.best_score == max(result.scores)


def test_a_training_that_is_killed_anywhere_ends_with_the_same_bits(tmp_path: Path) -> None:
    settings = _settings(
        Phase(epochs=2, encoder="frozen", learning_rate=0.01), Phase(epochs=3, learning_rate=0.01), restore_best=False
    )
    whole, expected = _fit(tmp_path / "whole", settings)
    for stop in (1, 3, 5, 7, 11, 14):

        def kill(step: Step, stop: int = stop) -> None:
            if step.done == stop:
                raise Killed

        with pytest.raises(Killed):
            _fit(tmp_path / f"at-{stop}", settings, progress=kill)
        again, result = _fit(tmp_path / f"at-{stop}", settings)
        assert result.scores == expected.scores
        for name, tensor in _weights(whole).items():
            assert torch.equal(tensor, again.state_dict()[name]), f"{name} after a kill at step {stop}"


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    settings = _settings(Phase(epochs=2))
    first, _ = _fit(tmp_path, settings)
    steps: list[Step] = []
    second, _ = _fit(tmp_path, settings, progress=steps.append)
    assert steps == []
    assert all(torch.equal(a, b) for a, b in zip(_weights(first).values(), _weights(second).values(), strict=True))


def test_a_frozen_encoder_keeps_weights_and_batch_norm_averages(tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = _weights(Small().encoder)
    network, _ = _fit(tmp_path, _settings(Phase(epochs=2, encoder="frozen"), restore_best=False))
    for name, tensor in before.items():
        assert torch.equal(tensor, network.encoder.state_dict()[name]), name


def test_early_stopping_ends_a_phase_and_the_best_weights_come_back(tmp_path: Path) -> None:
    scores = iter([0.3, 0.9, 0.5, 0.4, 0.2])
    seen: list[dict[str, Tensor]] = []

    def score(network: nn.Module) -> float:
        seen.append(_weights(network))
        return next(scores)

    torch.manual_seed(0)
    network, settings = Small(), _settings(Phase(epochs=50), early_stopping=2)
    batches, loss = WholeBatches(Squares(), 4, seed=0), build_loss("dice", CLASSES)
    result = fit(network, batches, loss, score, settings, folder=tmp_path, record=lambda event: None, device=CPU)
    assert result.scores == (0.3, 0.9, 0.5, 0.4)
    assert result.best_epoch == 1
    assert all(torch.equal(seen[1][name], tensor) for name, tensor in network.state_dict().items())


def test_without_validation_the_last_weights_are_kept(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, settings = Small(), _settings(Phase(epochs=2))
    batches, loss = WholeBatches(Squares(), 4, seed=0), build_loss("dice", CLASSES)
    result = fit(network, batches, loss, None, settings, folder=tmp_path, record=lambda event: None, device=CPU)
    assert (result.best_epoch, result.scores) == (-1, ())
    assert not (tmp_path / "best.safetensors").exists()


def test_a_loss_that_is_not_finite_stops_and_names_the_pictures(tmp_path: Path) -> None:
    class Spoilt(Squares):
        def __init__(self) -> None:
            super().__init__()
            self.images = self.images.astype(np.uint16)

        def image(self, index: int) -> NDArray[Any]:
            return self.images[index] if index != 7 else np.full((*SIZE, 3), np.nan, np.float32)

    settings = _settings(Phase(epochs=1))
    with pytest.raises(TrainingError, match="not finite in epoch 1") as error:
        _fit(tmp_path, settings, pack=Spoilt())
    assert error.value.where == "pictures square-7"
    assert "lower learning rate" in error.value.fix


def test_every_epoch_is_recorded_with_loss_score_and_rate(tmp_path: Path) -> None:
    events: list[Mapping[str, Any]] = []
    _fit(tmp_path, _settings(Phase(epochs=3)), record=events.append)
    assert [event["epoch"] for event in events] == [0, 1, 2]
    assert all(event["loss"] > 0 and 0 <= event["score"] <= 1 and event["learning_rate"] > 0 for event in events)


def test_the_checkpoint_says_how_far_the_training_has_come(tmp_path: Path) -> None:
    _fit(tmp_path, _settings(Phase(epochs=3)))
    position = read_position(tmp_path / "state.safetensors")
    assert (position.epoch, position.step, position.finished) == (3, 0, True)


def test_norms_and_biases_are_not_decayed_and_the_encoder_has_its_own_rate() -> None:
    phase = Phase(learning_rate=1e-3)
    optimizer = build_optimizer(Small(), phase, TrainingOptions(weight_decay=0.1))
    groups = {(group["peak"], group["weight_decay"]): len(group["params"]) for group in optimizer.param_groups}
    assert groups == {(5e-4, 0.1): 1, (5e-4, 0.0): 3, (1e-3, 0.1): 1, (1e-3, 0.0): 1}


def test_micro_batches_give_the_gradient_of_the_whole_batch() -> None:
    """On a GPU without memory a step is taken in pieces; for a mean over pictures that changes nothing."""
    from maskwright.training.loop import _accumulate, _State

    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Identity()
            self.head = nn.Conv2d(3, 1, 1)

        def forward(self, image: Tensor) -> Tensor:
            result: Tensor = self.head(image)
            return result

    torch.manual_seed(0)
    state = _State(Mean(), _settings(Phase(epochs=1)), Path("unused"), CPU)
    images, labels = torch.rand(5, 3, 8, 8), (torch.rand(5, 8, 8) > 0.5).to(torch.uint8)
    loss = build_loss("bce", CLASSES)
    whole = _accumulate(state, images, labels, loss)
    expected = [p.grad.clone() for p in state.network.parameters() if p.grad is not None]
    state.position.micro_batches = 3
    assert _accumulate(state, images, labels, loss) == pytest.approx(whole, rel=1e-5)
    for one, other in zip(expected, state.network.parameters(), strict=True):
        assert other.grad is not None
        torch.testing.assert_close(one, other.grad)


def test_a_gpu_without_memory_goes_on_with_smaller_pieces_and_says_so(tmp_path: Path) -> None:
    class Greedy(Small):
        def forward(self, image: Tensor) -> Tensor:
            if self.training and len(image) > 2:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return super().forward(image)

    told: list[Step] = []
    network, settings = Greedy(), _settings(Phase(epochs=1))
    batches, loss = WholeBatches(Squares(), 4, seed=0), build_loss("dice+bce", CLASSES)
    fit(
        network, batches, loss, None, settings, folder=tmp_path, record=lambda event: None, device=CPU,
        progress=told.append,
    )  # fmt: skip
    assert [step.text for step in told if step.text] == ["GPU memory is short: 2 smaller steps for one, from here"]
    assert read_position(tmp_path / "state.safetensors").micro_batches == 2


def test_one_picture_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    class Huge(Small):
        def forward(self, image: Tensor) -> Tensor:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    batches, loss = WholeBatches(Squares(), 4, seed=0), build_loss("dice+bce", CLASSES)
    with pytest.raises(TrainingError, match="One picture alone does not fit"):
        fit(
            Huge(),
            batches,
            loss,
            None,
            _settings(Phase(epochs=1)),
            folder=tmp_path,
            record=lambda event: None,
            device=CPU,
        )
