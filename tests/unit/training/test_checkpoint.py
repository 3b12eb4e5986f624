"""Checkpoints: whole, exact, without pickle."""

from pathlib import Path

import pytest
import torch
from torch import nn

from maskwright.errors import DataError, OutputError
from maskwright.training.checkpoint import (
    Position,
    load_checkpoint,
    load_weights,
    read_position,
    save_checkpoint,
    save_weights,
)


def _trained() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    optimizer = torch.optim.AdamW([{"params": [p], "lr": 0.1} for p in network.parameters()])
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.rand(2, 3, 8, 8)).mean().backward()
        optimizer.step()
    return network, optimizer


def test_network_optimizer_and_position_come_back_to_the_bit(tmp_path: Path) -> None:
    network, optimizer = _trained()
    position = Position(phase=1, epoch=4, step=7, scores=[0.5, 0.25], seconds=1.5)
    save_checkpoint(tmp_path / "state.safetensors", network, optimizer, position)
    other, again = _trained()
    for parameter in other.parameters():
        parameter.data.zero_()
    loaded = load_checkpoint(tmp_path / "state.safetensors", other, again)
    assert loaded == position == read_position(tmp_path / "state.safetensors")
    for one, two in zip(network.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    for one, two in zip(optimizer.state.values(), again.state.values(), strict=True):
        assert all(torch.equal(one[key], two[key]) for key in one)


def test_the_next_step_after_loading_is_the_same(tmp_path: Path) -> None:
    network, optimizer = _trained()
    save_checkpoint(tmp_path / "state.safetensors", network, optimizer, Position())
    other, again = _trained()
    load_checkpoint(tmp_path / "state.safetensors", other, again)
    picture = torch.rand(2, 3, 8, 8)
    for model, steps in ((network, optimizer), (other, again)):
        steps.zero_grad()
        model(picture).mean().backward()
        steps.step()
    for one, two in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_weights_alone_come_back(tmp_path: Path) -> None:
    network, _ = _trained()
    save_weights(tmp_path / "best.safetensors", network)
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    load_weights(tmp_path / "best.safetensors", other)
    assert torch.equal(network.state_dict()["0.weight"], other.state_dict()["0.weight"])


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"\x10\0\0\0\0\0\0\0{}"])
def test_something_else_is_refused_and_never_unpickled(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.safetensors"
    path.write_bytes(content)
    network, optimizer = _trained()
    with pytest.raises(DataError, match="checkpoint cannot be used"):
        load_checkpoint(path, network, optimizer)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    network, optimizer = _trained()
    save_checkpoint(tmp_path / "state.safetensors", network, optimizer, Position())
    other = nn.Sequential(nn.Conv2d(3, 8, 3))
    with pytest.raises(DataError, match="cannot be used"):
        load_checkpoint(tmp_path / "state.safetensors", other, torch.optim.AdamW(other.parameters()))


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.safetensors"
    network, optimizer = _trained()
    save_checkpoint(path, network, optimizer, Position(epoch=1))

    def full(*args: object, **kwargs: object) -> None:
        Path(str(args[1])).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("maskwright.training.checkpoint.save_file", full)
    with pytest.raises(OutputError, match="No space left"):
        save_checkpoint(path, network, optimizer, Position(epoch=2))
    assert read_position(path).epoch == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.safetensors"]
