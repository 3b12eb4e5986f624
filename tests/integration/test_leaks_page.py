"""The leak experiment: its page is what its results say, and it runs on a small set of the same form."""

import json
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from maskwright.data.pebbles import make_pebbles
from maskwright.images.formats import read_image

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "leaks"


@pytest.fixture(scope="module")
def experiment() -> Iterator[ModuleType]:
    """The experiment's script, with the page's beside it as it is when it is started."""
    spec = spec_from_file_location("leaks_run", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, str(FOLDER))
    sys.modules["leaks_run"] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("leaks_run", "leaks_page", "leaks_words"):
            sys.modules.pop(name, None)


def test_the_page_is_what_the_results_say(experiment: ModuleType) -> None:
    results = json.loads((FOLDER / "results.json").read_text())
    assert (ROOT / "docs" / "leaks.md").read_text() == experiment.make_page(results)


def test_a_difference_is_taken_picture_by_picture_with_an_interval_over_cars(experiment: ModuleType) -> None:
    page = sys.modules["leaks_page"]

    def row(third: int, kind: str, scores: dict[str, float]) -> object:
        return page.Scored(0, third, "picture", kind, None, {name: [dice, 0.0] for name, dice in scores.items()})

    rows = [
        row(0, "printed", {"a_1": 0.1}),
        row(1, "printed", {"a_1": 0.9}),
        row(2, "printed", {"a_1": 0.8, "b_1": 0.6}),
    ]
    rows += [row(3, "folds", {"a_1": 0.7}), row(1, "folds", {"b_1": 0.55})]
    found = page.difference(rows, ("printed", "picture"), ("folds", "picture"), 0)
    assert found.value == pytest.approx((0.15 + 0.05) / 2)
    assert found.low < found.value < found.high


@pytest.mark.slow
def test_the_experiment_runs_on_a_small_set(experiment: ModuleType, tmp_path: Path) -> None:
    data = cars(tmp_path / "cars", number=6, views=2)
    setup = experiment.Setup(2, 1, 4, (32, 32), 48, "none", "none", "fp32")
    (results,) = experiment.run(setup, data, [0])
    rows = {(row["third"], row["way"], row["kind"]): row for row in results["rows"]}
    assert len(rows) == 2 * (1 + 3 * 4)
    assert (rows[0, "car", "printed"]["groups"], rows[0, "picture", "printed"]["groups"]) == (6, None)
    for third in (1, 2, 3):
        trained, away = rows[third, "car", "printed"]["scores"], rows[third, "car", "folds"]["scores"]
        assert (len(trained), len(away)) == (8, 4)
        assert not {name.partition("_")[0] for name in trained} & {name.partition("_")[0] for name in away}
    experiment.make_page(results)


def cars(folder: Path, *, number: int, views: int) -> Path:
    """Pebbles under the names of cars' views, in Carvana's layout."""
    make_pebbles(folder / "made", number * views, size=(64, 96), seed=1)
    pairs = list(
        zip(sorted((folder / "made" / "images").iterdir()), sorted((folder / "made" / "masks").iterdir()), strict=True)
    )
    for name in ("train", "train_masks"):
        (folder / "data" / name).mkdir(parents=True)
    for at, (image, mask) in enumerate(pairs):
        stem = f"{at // views:012x}_{at % views + 1:02}"
        Image.fromarray(read_image(image)).save(folder / "data" / "train" / f"{stem}.jpg")
        values = np.array(Image.open(mask))
        Image.fromarray((values > 0).astype(np.uint8) * 255).save(folder / "data" / "train_masks" / f"{stem}_mask.gif")
    return folder / "data"
