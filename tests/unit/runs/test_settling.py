"""Temperature and threshold of a model file: chosen on validation pictures, measured with the file itself."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import maskwright
from maskwright.errors import ConfigError
from maskwright.evaluation.score import LoadedPicture
from maskwright.evaluation.temperature import Fit, FitTally
from maskwright.models.build import NetworkFacts
from maskwright.planning.plan import Plan
from maskwright.progress import Step
from maskwright.recipe import DataOptions, build_recipe
from maskwright.runs.delivery import deliver
from maskwright.runs.fitting import Fitted, Work
from maskwright.runs.folder import RunFolder
from maskwright.runs.settling import MIN_GAIN
from maskwright.runtime.predictor import load_model
from maskwright.training.loop import FitResult

SIZE, PICTURES = 48, 10
SPREAD = 4.0  # of the logits by which the masks were drawn: -4 ... 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise whose brightness gives the probability with which each pixel was drawn into its mask."""
    folder, rng = tmp_path_factory.mktemp("brightness"), np.random.default_rng(0)
    for kind in ("images", "masks", "several"):
        (folder / kind).mkdir()
    for number in range(PICTURES):
        grey = rng.integers(0, 256, (SIZE, SIZE), dtype=np.uint8)
        p = 1 / (1 + np.exp(-SPREAD * (grey / 127.5 - 1)))
        Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(folder / "images" / f"p{number}.png")
        Image.fromarray(((rng.random(p.shape) < p) * 255).astype(np.uint8)).save(folder / "masks" / f"p{number}.png")
        Image.fromarray(rng.integers(0, 3, p.shape, dtype=np.uint8)).save(folder / "several" / f"p{number}.png")
    return folder


def brightness(factor: float, outputs: int = 1) -> nn.Conv2d:
    """A network whose logits are `factor` times those by which the masks were drawn."""
    network = nn.Conv2d(3, outputs, 1)
    with torch.no_grad():
        network.weight.fill_(2 * SPREAD * factor / 3)
        network.bias.fill_(-SPREAD * factor)
    return network


class Delivery:
    """A network that counts as trained, and what is delivered of it."""

    def __init__(self, folder: Path, out: Path, *, masks: str = "masks") -> None:
        self.dataset = maskwright.read_dataset(folder, DataOptions(images="images", masks=masks))
        self.run, self.steps = RunFolder(out), []
        self.run.checkpoint.mkdir(parents=True)

    def __call__(self, network: nn.Module, *, pictures: int = PICTURES, settled: Any = None, **options: Any) -> Any:
        facts = NetworkFacts("brightness", "none", "none", "same", "", (0.0,) * 3, (1.0,) * 3, "")
        plan = Plan("whole", (SIZE, SIZE), 1.0, 0, "none", "none", 4, (1,), 1, 0, "fp32", "cpu", 255.0, 0.1, 1.0, {})
        fitted = Fitted(network, facts, plan, FitResult(0, 0.5, (0.5,), 1, 1.0), PICTURES)
        work = Work(self.dataset, build_recipe({"evaluation": options}), "cpu", None, self.steps.append)
        rows = np.arange(PICTURES)
        return deliver(work, self.run, fitted, choose_on=rows[:pictures], compare_on=rows[:4], **(settled or {}))

    def read(self, name: str) -> dict[str, Any]:
        return json.loads((self.run.path / name).read_text())

    def looks(self) -> int:
        """How many times the validation pictures were looked at."""
        return sum(step.stage == "calibrate" and step.done == step.total for step in self.steps)


@pytest.fixture
def delivery(folder: Path, tmp_path: Path) -> Delivery:
    return Delivery(folder, tmp_path / "run")


def fit_of(delivery: Delivery) -> Any:
    """How the delivered file's probabilities fit, from the file alone."""
    predictor, tally = load_model(delivery.run.model), FitTally()
    for index in range(PICTURES):
        truth, image = delivery.dataset.read_mask(index), delivery.dataset.read_image(index)
        tally.add(tally.measure(LoadedPicture("", "", image, truth), predictor.probabilities(image)))
    return tally.fit().to_json()


def test_an_over_confident_network_gets_its_temperature_and_is_calibrated_better(delivery: Delivery) -> None:
    description = delivery(brightness(3.0))
    assert description.temperature == pytest.approx(3.0, rel=0.05)
    assert load_model(delivery.run.model).description == description
    document = delivery.read("calibration.json")
    assert document["kept"] and document["temperature"] == document["tried"] == description.temperature
    assert document["after"]["ece"] < 0.02 < 0.08 < document["before"]["ece"]
    assert document["after"]["nll_per_image"] < 0.8 * document["before"]["nll_per_image"]
    assert document["why"].startswith("with 3")
    assert document["pictures"] == PICTURES


def test_what_is_said_of_the_file_is_what_the_file_does(delivery: Delivery) -> None:
    delivery(brightness(3.0))
    found, said = fit_of(delivery), delivery.read("calibration.json")["after"]
    for of_file, told in zip(found.pop("bins"), said.pop("bins"), strict=True):
        assert of_file == pytest.approx(told)
    assert found == pytest.approx(said)


def test_an_under_confident_network_gets_one_below_one(delivery: Delivery) -> None:
    assert delivery(brightness(0.5)).temperature == pytest.approx(0.5, rel=0.05)


def test_a_well_calibrated_network_keeps_one_and_says_so(delivery: Delivery) -> None:
    description = delivery(brightness(1.0))
    document = delivery.read("calibration.json")
    assert description.temperature == document["temperature"] == 1
    assert not document["kept"]
    assert document["after"] is None
    assert document["before"]["ece"] < 0.02
    assert document["proven_gain"] < MIN_GAIN == document["least_gain"]
    assert document["why"].startswith("no temperature from 0.25 to 8 lowers the negative log-likelihood by 1% or more")
    assert delivery.looks() == 1


def test_a_temperature_that_does_not_help_in_the_file_itself_is_not_kept(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Worse(FitTally):
        """Stands in for pictures on which the file does worse than its probabilities promised."""

        def fit(self) -> Fit:
            fit = super().fit()
            return replace(fit, nll_per_image=2 * fit.nll_per_image)

    monkeypatch.setattr("maskwright.runs.settling.FitTally", Worse)
    description = delivery(brightness(3.0))
    document = delivery.read("calibration.json")
    assert description.temperature == 1
    assert (document["kept"], document["tried"]) == (False, pytest.approx(3.0, rel=0.05))
    assert document["why"].endswith("not lower by 1%, so it stays 1")


def test_two_looks_at_the_pictures_are_enough(delivery: Delivery) -> None:
    delivery(brightness(3.0))
    assert delivery.looks() == 2


def test_the_threshold_is_that_of_the_file_with_its_temperature(delivery: Delivery) -> None:
    description = delivery(brightness(3.0))
    choice = delivery.read("threshold.json")
    assert description.threshold == choice["threshold"]
    logit = np.log(choice["threshold"] / (1 - choice["threshold"]))
    assert abs(logit) < 1.5  # as the masks were drawn; before the temperature it stood at three times that
    assert choice["measure"] == "dice"


@pytest.mark.parametrize("measure", ["iou", "f_beta"])
def test_the_threshold_is_chosen_for_the_measure_that_the_recipe_names(delivery: Delivery, measure: str) -> None:
    delivery(brightness(1.0), choose_by=measure)
    assert delivery.read("threshold.json")["measure"] == measure


def test_few_pictures_choose_nothing(delivery: Delivery) -> None:
    description = delivery(brightness(3.0), pictures=7)
    assert (description.temperature, description.threshold) == (1, 0.5)
    document = delivery.read("calibration.json")
    assert document["why"] == "7 validation pictures are too few to choose by"
    assert document["before"] is document["after"] is None
    assert delivery.looks() == 0
    assert not (delivery.run.path / "threshold.json").exists()


def test_a_stated_temperature_is_taken_and_measured_along_with_the_threshold(delivery: Delivery) -> None:
    assert delivery(brightness(3.0), temperature=2.0).temperature == 2.0
    document = delivery.read("calibration.json")
    assert (document["why"], document["before"]) == ("stated in the recipe", None)
    assert document["after"]["ece"] > 0
    assert delivery.looks() == 1


def test_stated_temperature_and_threshold_need_no_look_at_all(delivery: Delivery) -> None:
    description = delivery(brightness(3.0), temperature=1, threshold=0.4)
    assert (description.temperature, description.threshold) == (1, 0.4)
    assert delivery.looks() == 0


def test_with_a_stated_threshold_the_temperature_is_still_chosen(delivery: Delivery) -> None:
    description = delivery(brightness(3.0), threshold=0.4)
    assert description.temperature == pytest.approx(3.0, rel=0.05)
    assert description.threshold == 0.4
    assert not (delivery.run.path / "threshold.json").exists()


def test_what_was_settled_elsewhere_is_taken_without_a_look(delivery: Delivery) -> None:
    description = delivery(brightness(3.0), pictures=0, settled={"temperature": 1.8, "threshold": 0.3})
    assert (description.temperature, description.threshold) == (1.8, 0.3)
    assert delivery.read("calibration.json")["why"] == "taken from the models of the folds"


def test_several_classes_get_a_temperature_and_no_threshold(folder: Path, tmp_path: Path) -> None:
    delivery = Delivery(folder, tmp_path / "run", masks="several")
    network = brightness(1.0, outputs=3)
    with torch.no_grad():
        network.weight *= torch.tensor([1.0, 2.0, -1.0]).view(-1, 1, 1, 1)
    description = delivery(network)  # it is sure of itself, and the masks are noise
    document = delivery.read("calibration.json")
    assert description.threshold is None
    assert description.temperature == pytest.approx(8, rel=0.3)
    assert document["after"]["ece"] < document["before"]["ece"] / 2


def test_the_figures_name_no_picture(delivery: Delivery) -> None:
    delivery(brightness(3.0))
    assert "p0" not in (delivery.run.path / "calibration.json").read_text()


def test_progress_tells_each_picture(delivery: Delivery) -> None:
    delivery(brightness(1.0))
    told = [step for step in delivery.steps if step.stage == "calibrate"]
    assert told[0] == Step("calibrate", 1, PICTURES)


@pytest.mark.parametrize("options", [{"temperature": 0}, {"temperature": 50}, {"choose_by": "accuracy"}])
def test_a_recipe_that_states_what_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="evaluation"):
        build_recipe({"evaluation": options})
