"""The loop learns, stops, resumes to the bit, and says what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from maskwright.errors import ConfigError, TrainingError
from maskwright.images.classes import Classes
from maskwright.losses import build_loss
from maskwright.models.build import build_network
from maskwright.progress import Step, ignore
from maskwright.recipe import NO_AUGMENTATION, Augmentation, Phase, TrainingOptions
from maskwright.training.batches import WholeBatches
from maskwright.training.checkpoint import Position, read_position
from maskwright.training.feeding import Scaling
from maskwright.training.loop import FitResult, FitSettings, Revise, fit
from maskwright.training.schedule import rate_factor
from maskwright.training.steps import State, build_optimizer, find_gradient
from maskwright.training.validation import validate
from support.bright_squares import Small, Squares

CLASSES = Classes(("background", "bright"))
SIZE = (32, 32)
CPU = torch.device("cpu")
Weights = list[dict[str, Tensor]]


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
    revise: Revise | None = None,
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
    result = fit(
        network, batches, loss, score, settings, folder=folder, record=record, device=CPU, progress=progress,
        revise=revise,
    )  # fmt: skip
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

    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Identity()
            self.head = nn.Conv2d(3, 1, 1)

        def forward(self, image: Tensor) -> Tensor:
            result: Tensor = self.head(image)
            return result

    torch.manual_seed(0)
    state = State(Mean(), _settings(Phase(epochs=1)), CPU)
    images, labels = torch.rand(5, 3, 8, 8), (torch.rand(5, 8, 8) > 0.5).to(torch.uint8)
    loss = build_loss("bce", CLASSES)
    whole = find_gradient(state, images, labels, loss, ignore)
    expected = [p.grad.clone() for p in state.network.parameters() if p.grad is not None]
    state.position.micro_batches = 3
    assert find_gradient(state, images, labels, loss, ignore) == pytest.approx(whole, rel=1e-5)
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


def _scripted(folder: Path, scores: list[float], *phases: Phase, **options: Any) -> "tuple[Small, FitResult, Weights]":
    """Train with scores that are given; also return the weights as each validation saw them."""
    given, seen = iter(scores), []

    def score(network: nn.Module) -> float:
        seen.append(_weights(network))
        return next(given)

    torch.manual_seed(0)
    network, settings = Small(), _settings(*phases, **options)
    batches, loss = WholeBatches(Squares(), 4, seed=0), build_loss("dice", CLASSES)
    result = fit(network, batches, loss, score, settings, folder=folder, record=lambda event: None, device=CPU)
    return network, result, seen


def _same(network: nn.Module, weights: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(weights[name], tensor) for name, tensor in network.state_dict().items())


def test_early_stopping_without_restoring_the_best_keeps_the_last_weights(tmp_path: Path) -> None:
    scores = [0.3, 0.9, 0.5, 0.4]
    network, result, seen = _scripted(tmp_path, scores, Phase(epochs=50), early_stopping=2, restore_best=False)
    assert (result.epochs, result.best_epoch) == (4, 1)
    assert _same(network, seen[3])
    assert not _same(network, seen[1])


def test_the_patience_of_early_stopping_begins_anew_with_each_phase(tmp_path: Path) -> None:
    scores = [0.9, 0.5, 0.4, 0.2, 0.3, 0.1, 0.1]
    _, result, _ = _scripted(tmp_path, scores, Phase(epochs=50), Phase(epochs=50), early_stopping=2)
    assert result.scores == tuple(scores), "the first phase ends after 3 epochs, the second after 4"
    assert (result.epochs, result.best_epoch, result.best_score) == (7, 0, 0.9)


@pytest.mark.parametrize("restore_best", [True, False])
def test_the_next_phase_begins_from_the_best_weights_or_else_from_the_last(tmp_path: Path, restore_best: bool) -> None:
    still = Phase(epochs=1, learning_rate=1e-12, warmup=0, schedule="constant")
    scores = [0.3, 0.9, 0.5, 0.4]
    _, _, seen = _scripted(
        tmp_path, scores, Phase(epochs=3, learning_rate=0.05), still, restore_best=restore_best, weight_decay=0
    )
    best, last, begun = (weights["head.1.weight"] for weights in seen[1:])
    torch.testing.assert_close(begun, best if restore_best else last)
    assert not torch.allclose(best, last)


def test_a_phase_that_ends_early_shortens_the_training_and_what_is_told_of_it(tmp_path: Path) -> None:
    told: list[Step] = []
    events: list[Mapping[str, Any]] = []
    given = iter([0.9, 0.5, 0.4, 0.3])
    network, settings = Small(), _settings(Phase(epochs=5), Phase(epochs=2), early_stopping=1)
    batches, loss = WholeBatches(Squares(), 4, seed=0), build_loss("dice", CLASSES)
    result = fit(
        network, batches, loss, lambda _: next(given), settings,
        folder=tmp_path, record=events.append, device=CPU, progress=told.append,
    )  # fmt: skip
    assert [(event["epoch"], event["phase"]) for event in events] == [(0, 0), (1, 0), (2, 1), (3, 1)]
    assert result.epochs == 4
    assert (told[-1].done, told[-1].total) == (12, 12)
    assert told[0].total == 21


def test_a_training_that_is_killed_between_phases_goes_on_from_the_best_weights(tmp_path: Path) -> None:
    settings = _settings(Phase(epochs=3, learning_rate=0.05), Phase(epochs=2, encoder="frozen", learning_rate=0.01))
    whole, expected = _fit(tmp_path / "whole", settings)
    for stop in (8, 9, 10, 13):

        def kill(step: Step, stop: int = stop) -> None:
            if step.done == stop:
                raise Killed

        with pytest.raises(Killed):
            _fit(tmp_path / f"at-{stop}", settings, progress=kill)
        again, result = _fit(tmp_path / f"at-{stop}", settings)
        assert result.scores == expected.scores
        assert _same(again, whole.state_dict()), f"after a kill at step {stop}"


def test_a_plateau_lowers_the_rates_of_encoder_and_decoder_alike_and_anew_in_each_phase(tmp_path: Path) -> None:
    events: list[Mapping[str, Any]] = []
    given = iter([0.9, 0.8, 0.7, 0.95, 0.5, 0.5])
    phase = Phase(epochs=3, learning_rate=0.01, schedule="plateau", plateau_patience=1, warmup=0)
    settings, network = _settings(phase, phase, restore_best=False), Small()
    batches, loss = WholeBatches(Squares(), 4, seed=0), build_loss("dice", CLASSES)
    fit(
        network, batches, loss, lambda _: next(given), settings, folder=tmp_path, record=events.append, device=CPU
    )  # fmt: skip
    assert [event["learning_rate"] for event in events] == pytest.approx([0.01, 0.01, 1e-3, 0.01, 0.01, 1e-3])


def test_a_frozen_encoder_of_a_real_network_does_not_move_and_its_decoder_does(tmp_path: Path) -> None:
    network, _ = build_network("unet", encoder="mobilenetv2_035", weights="none", in_channels=3, num_outputs=1)
    before = _weights(network)
    settings = _settings(Phase(epochs=1, encoder="frozen", learning_rate=0.01), weight_decay=0.1)
    batches, loss = WholeBatches(Squares(4), 4, seed=0), build_loss("dice", CLASSES)
    fit(network, batches, loss, None, settings, folder=tmp_path, record=lambda event: None, device=CPU)
    moved = {name for name, tensor in network.state_dict().items() if not torch.equal(before[name], tensor)}
    assert any("running_mean" in name for name in before if name.startswith("encoder."))
    assert moved
    assert not {name for name in moved if name.startswith("encoder.")}


def test_an_encoder_that_was_frozen_moves_again_in_the_next_phase(tmp_path: Path) -> None:
    phases = Phase(epochs=1, encoder="frozen"), Phase(epochs=1)
    network, _, seen = _scripted(tmp_path, [0.5, 0.6], *phases, restore_best=False)
    for name in ("encoder.0.weight", "encoder.1.running_mean"):
        assert not torch.equal(seen[0][name], seen[1][name])


@pytest.mark.parametrize(
    ("phase", "key"),
    [
        (Phase(epochs=1, encoder="frozen"), "training.phases.1.encoder"),
        (Phase(epochs=1, encoder_learning_rate=1e-5), "training.phases.1.encoder_learning_rate"),
        (Phase(epochs=1, encoder_batch_norm="frozen"), "training.phases.1.encoder_batch_norm"),
    ],
)
def test_a_network_without_encoder_refuses_what_is_said_of_one(tmp_path: Path, phase: Phase, key: str) -> None:
    network, settings = nn.Conv2d(3, 1, 1), _settings(Phase(epochs=1), phase)
    batches, loss = WholeBatches(Squares(), 4, seed=0), build_loss("dice", CLASSES)
    with pytest.raises(ConfigError, match="no encoder") as error:
        fit(network, batches, loss, None, settings, folder=tmp_path, record=lambda event: None, device=CPU)
    assert error.value.where.startswith(key)
    assert "another network" in error.value.fix


class TwoHeads(Small):
    """In training also says whether the picture shows the class, as networks with an auxiliary head do."""

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Linear(8, 1)

    def forward(self, image: Tensor) -> Any:
        features = self.encoder(image)
        logits = self.head(features)
        return (logits, self.second(features.mean(dim=(2, 3)))) if self.training else logits


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_network_with_an_auxiliary_head_trains_both_heads(tmp_path: Path, precision: str) -> None:
    torch.manual_seed(0)
    network, pack = TwoHeads(), Squares()
    before, settings = _weights(network), replace(_settings(Phase(epochs=1)), precision=precision)
    loss = build_loss("dice+bce", CLASSES, auxiliary=0.5)

    def score(trained: nn.Module) -> float:
        return validate(
            trained, pack, CLASSES, settings.scaling, size=SIZE, device=CPU, precision=precision, measure="dice",
            batch_size=4,
        )  # fmt: skip

    batches = WholeBatches(pack, 4, seed=0)
    result = fit(network, batches, loss, score, settings, folder=tmp_path, record=lambda event: None, device=CPU)
    assert len(result.scores) == 1
    assert not torch.equal(before["second.weight"], network.state_dict()["second.weight"])


def test_an_encoder_s_batch_norm_may_stay_still_while_its_weights_are_tuned(tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = _weights(Small())
    network, _ = _fit(tmp_path, _settings(Phase(epochs=2, encoder_batch_norm="frozen"), restore_best=False))
    after = network.state_dict()
    averages = [name for name in before if name.startswith("encoder.") and "running" in name]
    weights = [name for name in before if name.startswith("encoder.") and name.endswith("weight")]
    assert averages and all(torch.equal(before[name], after[name]) for name in averages)
    assert weights and not any(torch.equal(before[name], after[name]) for name in weights)


def _cut(position: Position, epochs: Sequence[int]) -> Sequence[int]:
    """After the second epoch: one more of the first phase, one of the second, and none of the third."""
    return (3, 1, 0) if len(position.ends) == 2 else tuple(epochs)


THREE = (Phase(epochs=6, learning_rate=0.01), Phase(epochs=5, learning_rate=0.01), Phase(epochs=4))


def test_lengths_that_are_decided_on_the_way_end_phases_and_the_training(tmp_path: Path) -> None:
    events: list[Mapping[str, Any]] = []
    steps: list[Step] = []
    _, result = _fit(tmp_path, _settings(*THREE), revise=_cut, record=events.append, progress=steps.append)
    assert result.epochs == 4
    assert [event["phase"] for event in events] == [0, 0, 0, 1]
    assert [step.values["epochs"] for step in steps[::3]] == [15, 15, 4, 4]


def test_rates_follow_the_lengths_that_are_decided_on_the_way(tmp_path: Path) -> None:
    phase = Phase(epochs=12, learning_rate=0.01)
    events: list[Mapping[str, Any]] = []
    _fit(tmp_path, _settings(phase), revise=lambda position, _: (4,), record=events.append)
    last = rate_factor(phase, 4 * 3 - 1, 4 * 3)  # the last of four epochs of three steps
    assert events[-1]["learning_rate"] == pytest.approx(0.01 * last)
    assert len(events) == 4


@pytest.mark.parametrize("stop", [2, 5, 7, 8, 10, 11])
def test_a_training_that_was_shortened_and_killed_ends_with_the_same_bits(tmp_path: Path, stop: int) -> None:
    settings = _settings(*THREE, restore_best=False)
    whole, expected = _fit(tmp_path / "whole", settings, revise=_cut)

    def kill(step: Step) -> None:
        if step.done == stop:
            raise Killed

    with pytest.raises(Killed):
        _fit(tmp_path / "killed", settings, revise=_cut, progress=kill)
    again, result = _fit(tmp_path / "killed", settings, revise=_cut)
    assert (result.scores, result.epochs) == (expected.scores, 4)
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in _weights(whole).items())


def test_what_was_decided_is_in_the_checkpoint_before_another_step_is_taken(tmp_path: Path) -> None:
    settings = _settings(*THREE, checkpoint_seconds=1000)

    def kill(step: Step) -> None:
        if step.done == 7:
            raise Killed

    with pytest.raises(Killed):
        _fit(tmp_path, settings, revise=_cut, progress=kill)
    position = read_position(tmp_path / "state.safetensors")
    assert (position.epoch, position.epochs, len(position.ends)) == (2, [3, 1, 0], 2)
