"""Masks that were spoilt are found by models trained for the purpose, and by a run's own folds."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskwright
from maskwright.data.dataset import Dataset
from maskwright.progress import Step
from maskwright.recipe import build_recipe
from maskwright.runs import outsiders
from maskwright.runs.suspects import find_suspects

pytestmark = pytest.mark.slow
SPOILT = {"pebbles_0004", "pebbles_0011", "pebbles_0017"}
SMALL = build_recipe(
    {
        "model": {"encoder": "none", "weights": "none", "size": [64, 96]},
        "training": {"batch_size": 8, "precision": "fp32", "phases": [{"epochs": 40, "learning_rate": 4e-3}]},
    }
)


@pytest.fixture(scope="module")
def pebbles(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Thirty pictures of pebbles, three of them with a mask that lacks all of them."""
    folder = maskwright.make_pebbles(tmp_path_factory.mktemp("pebbles"), 30, size=(96, 144), seed=3)
    for name in SPOILT:
        path = folder / "masks" / f"{name}.png"
        Image.fromarray(np.zeros_like(np.asarray(Image.open(path)))).save(path)
    return maskwright.read_dataset(folder)


def test_cheap_folds_find_masks_that_were_emptied(
    pebbles: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(outsiders, "FROM_SCRATCH", 75)
    found = find_suspects(pebbles, recipe=SMALL)
    assert SPOILT <= {str(one.sample) for one in found[:5]}
    assert {one.evidence["model"] for one in found} == {"cheap folds"}
    assert all(one.evidence["objects"][0]["kind"] == "missing" for one in found if one.sample in SPOILT)
    monkeypatch.setattr(outsiders, "_train_fold", None)
    assert find_suspects(pebbles, recipe=SMALL) == found


def test_a_run_with_folds_knows_its_suspects_without_any_more_training(
    pebbles: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[Step] = []
    run = maskwright.train(
        pebbles.root, recipe=SMALL, folds=3, output=tmp_path / "run", pictures=False, progress=said.append
    ).run
    kept = json.loads((run / "suspects.json").read_text())
    assert SPOILT <= {one["sample"] for one in kept["findings"]} and kept["schema_version"] == 1
    (line,) = [step.text for step in said if step.stage == "suspects"]
    assert line.startswith(f"labels {len(kept['findings'])} masks are suspect: pebbles_00")
    monkeypatch.setattr(outsiders, "_train_fold", None)
    (run / "suspects.json").unlink()
    assert [one.sample for one in find_suspects(pebbles, run)] == [one["sample"] for one in kept["findings"]]
