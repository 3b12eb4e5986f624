"""A plan forecasts and writes nothing; a training with minutes takes what fits, or says that nothing does."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import maskwright
from maskwright.data.pebbles import make_pebbles
from maskwright.errors import ConfigError
from maskwright.planning.candidates import CANDIDATES
from maskwright.planning.costs import Costs
from maskwright.planning.facts import Facts
from maskwright.planning.plan import View
from maskwright.recipe import Recipe, build_recipe
from maskwright.runs import survey, timekeeping
from maskwright.runs.choosing import build, choose_unloaded
from maskwright.runs.folder import RunFolder
from maskwright.runs.rehearsal import Rehearsed, Stage, rehearse_once
from maskwright.runs.rehearsal_file import FileCosts
from maskwright.runs.survey import KEPT, Setting
from maskwright.runs.work import Work

TINY = {
    "model.encoder": "none", "model.weights": "none", "model.size": 64, "model.decoder_channels": [8, 8, 8, 8],
    "training.precision": "fp32",
}  # fmt: skip


FREE = FileCosts(0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "pebbles"
    make_pebbles(folder, 60, size=(64, 96), seed=5)
    return folder


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the plan had taken nearly all of the time: one epoch is what is left."""
    monkeypatch.setattr(timekeeping, "seconds_left", lambda *_: 0.0)


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def test_a_plan_of_a_stated_network_has_one_set_up_and_its_terms_add_up(data: Path) -> None:
    result = maskwright.plan(data, overrides={**TINY, "training.phases.0.epochs": 7})
    (line,) = result.options
    assert (line.name, result.taken, line.epochs, line.size) == ("as the recipe says",) * 2 + ((7,), (64, 64))
    assert line.seconds == pytest.approx(sum(line.terms.values()))
    assert line.terms["fit"] == pytest.approx(7 * line.epoch_seconds[0])
    assert (line.fits, line.weights_at_hand) == (None, True)
    assert sum(result.parts.values()) == 60 and result.folds == 0


def test_a_plan_writes_nothing_beside_the_data_or_where_it_is_called(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = _digest(data)
    maskwright.plan(data, overrides=TINY)
    assert _digest(data) == before and not list(tmp_path.iterdir())


def test_a_frozen_phase_is_timed_by_itself(data: Path) -> None:
    phases = [{"epochs": 2, "encoder": "frozen"}, {"epochs": 3}]
    recipe = build_recipe({"model": {"encoder": "none", "weights": "none", "size": 64}, "training": {"phases": phases}})
    (line,) = maskwright.plan(data, recipe=recipe).options
    assert len(line.step_seconds) == len(line.epoch_seconds) == 2
    assert line.epochs == (2, 3)


def test_a_plan_with_folds_reckons_with_every_training(data: Path) -> None:
    overrides = {**TINY, "training.phases.0.epochs": 2}
    folded = maskwright.plan(data, overrides=overrides, folds=3)
    (line,) = folded.options
    assert folded.folds == 3 and folded.parts["test"] == 20
    assert line.terms["fit"] == pytest.approx(4 * 2 * line.epoch_seconds[0])


def test_minutes_that_are_too_few_for_anything_are_told_before_training(data: Path, tmp_path: Path) -> None:
    result = maskwright.plan(data, overrides=TINY, minutes=0.001)
    assert (result.taken, result.options[0].fits) == (None, False)
    assert result.least_minutes > 0.001
    with pytest.raises(ConfigError, match=r"0.001 minutes are too few: one epoch .* the whole command at least"):
        maskwright.train(data, output=tmp_path / "run", overrides=TINY, minutes=0.001)
    assert not (tmp_path / "run").exists()


def test_a_training_with_minutes_keeps_the_stated_network_and_notes_what_it_took(
    data: Path, tmp_path: Path, no_time: None
) -> None:
    maskwright.train(data, output=tmp_path / "run", overrides=TINY, minutes=60)
    run = RunFolder(tmp_path / "run")
    plan = json.loads(run.plan.read_text())
    assert (plan["encoder"], plan["candidate"], plan["size"]) == ("none", "as the recipe says", [64, 64])
    assert plan["epochs"][0] > 1 and len(run.events.of_kind("epoch")) == 1
    noted = run.events.of_kind("forecast")[0]
    assert noted["expected"] == plan["forecast"] and noted["taken"].keys() == plan["forecast"].keys()
    always = ("begin", "fit", "export", "score", "report")  # a pack may be there already
    assert min(noted["taken"][term] for term in always) > 0
    assert "<td>forecast</td>" in (run.path / "report.html").read_text()


def test_folds_share_the_minutes_and_all_end(data: Path, tmp_path: Path, no_time: None) -> None:
    result = maskwright.train(data, output=tmp_path / "run", overrides=TINY, minutes=60, folds=2)
    run = RunFolder(tmp_path / "run")
    assert result.scores["images"] == 60
    assert [len(one.events.of_kind("epoch")) for one in (run.fold(1), run.fold(2), run)] == [1, 1, 1]


def test_a_rehearsal_leaves_the_network_as_it_was(data: Path) -> None:
    recipe = build_recipe({"model": {"encoder": "none", "weights": "none"}, "training": {"phases": [
        {"epochs": 1, "encoder": "frozen"}, {"epochs": 1},
    ]}})  # fmt: skip
    work = Work(maskwright.read_dataset(data), recipe, "cpu", None, lambda _: None)
    choice = choose_unloaded(work)
    before = {name: tensor.clone() for name, tensor in choice.network.state_dict().items()}
    stage = Stage(View("whole", (64, 64), 1.0, 0, {}), 4, "fp32", 255.0)
    found = rehearse_once(work, choice.network, choice.facts, stage, np.arange(20))
    assert all(torch.equal(tensor, before[name]) for name, tensor in choice.network.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in choice.network.parameters())
    assert len(found.costs.steps) == 2 and min(*found.costs.steps, found.costs.pack, found.costs.measure) > 0
    assert min(found.costs.export, found.costs.prove, found.costs.predict) > 0
    assert found.packed == 64 * 64 * 4  # three bands and a mask
    assert found.memory is None or found.memory > 1e7


def test_tiles_are_rehearsed_to_the_model_file(data: Path) -> None:
    recipe = build_recipe({"model": {"encoder": "none", "weights": "none"}})
    work = Work(maskwright.read_dataset(data), recipe, "cpu", None, lambda _: None)
    choice = choose_unloaded(work)
    stage = Stage(View("tile", (32, 32), 1.0, 8, {}), 4, "fp32", 255.0)
    found = rehearse_once(work, choice.network, choice.facts, stage, np.arange(20))
    assert min(found.costs.export, found.costs.prove, found.costs.predict, found.costs.validate) > 0


def test_a_plan_of_the_default_recipe_lists_every_candidate_that_the_pictures_allow(data: Path) -> None:
    result = maskwright.plan(data)
    assert [line.name for line in result.options] == [one.name for one in CANDIDATES if not one.finer]
    assert result.taken in {line.name for line in result.options}
    assert not any(line.weights_at_hand for line in result.options)  # an empty cache


def test_a_candidate_s_decoder_is_what_is_built(data: Path) -> None:
    work = Work(maskwright.read_dataset(data), Recipe(), "cpu", None, lambda _: None)
    wide, narrow = (
        sum(p.numel() for p in build(work, "none", "none", decoder=width, load=False)[0].parameters())
        for width in (None, (8, 8, 8, 8))
    )
    assert narrow < wide


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_memory_on_a_cpu_is_the_rehearsal_s_with_what_is_kept_and_the_pack_s_pages(data: Path, device: str) -> None:
    work = Work(maskwright.read_dataset(data), Recipe(), device, None, lambda _: None)
    facts = Facts(20, 64, 96, True, 30.0, "pebble", 255.0, 3)
    setting = Setting(facts, View("whole", (64, 64), 1.0, 0, {}), 4, np.arange(20), np.arange(20, 30))
    found = Rehearsed(Costs(0.1, (0.1,), 0.1, 0.1, 0.1), memory=1_000_000_000, packed=1000.0, file=FREE)
    option = survey._option(work, setting, CANDIDATES[0], "none", ("fp32", "stated"), found)
    assert option.memory == (KEPT * 1e9 + 30 * 1000 if device == "cpu" else 1e9)


@pytest.mark.slow
def test_a_training_with_minutes_takes_a_candidate_and_goes_on_with_it(
    data: Path, tmp_path: Path, no_time: None
) -> None:
    options: dict[str, Any] = {"output": tmp_path / "run", "minutes": 120, "overrides": {"training.precision": "fp32"}}
    maskwright.train(data, **options)
    run = RunFolder(tmp_path / "run")
    plan = json.loads(run.plan.read_text())
    taken = next(one for one in CANDIDATES if one.name == plan["candidate"])
    assert plan["encoder"] == taken.encoder
    assert plan["decoder_channels"] == (None if taken.decoder_channels is None else list(taken.decoder_channels))
    assert f"'{taken.name}' of " in plan["reasons"]["encoder"]
    again = maskwright.train(data, **options)  # finished: nothing is done, with the same minutes
    assert again.scores == json.loads(run.evaluation.read_text())
