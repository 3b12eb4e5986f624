"""Run the recipes of the write-ups on the pictures that stand for theirs, and note what came out.

    python benchmarks/recipes/run.py 'isic-unet' 'carvana-unet' --data ../shared/data --weights ../shared/weights

Each case of cases.yaml is one training, in a process of its own, scored once on its test part (or out of fold).
The figures go to results/CASE.json, from which docs/recipes/README.md is made (docs/recipes/make_pages.py).
`--choose` leaves the test part alone: the case is trained and scored within its training part, to settle a setting.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CASES = HERE / "cases.yaml"
RESULTS = HERE / "results"
PICTURES = HERE.parents[1] / "docs" / "recipes" / "images"


def main() -> None:
    """Read the command line and run the cases one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="names of cases.yaml; all of them if none is given")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", type=Path, default=Path("../shared/weights"))
    parser.add_argument("--runs", type=Path, help="keep the runs here instead of in a temporary folder")
    parser.add_argument("--choose", action="store_true", help="score within the training part, and note nothing")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="with --choose: try a setting")
    parser.add_argument("--precision", default="auto", help="state bf16 where other work would disturb the probe")
    given = parser.parse_args()
    known = yaml.safe_load(CASES.read_text())
    for name in given.cases or known:
        case = known[name]
        case["set"] = {
            **case.get("set", {}),
            **{k: yaml.safe_load(v) for k, _, v in (s.partition("=") for s in given.set)},
        }
        case["set"]["precision"] = given.precision
        runs = given.runs or Path(tempfile.mkdtemp())
        row = run_case(name, case, given.data, given.weights, runs, choose=given.choose)
        print(json.dumps(row, indent=1), flush=True)
        if not given.choose:
            RESULTS.mkdir(exist_ok=True)
            PICTURES.mkdir(exist_ok=True)
            (RESULTS / f"{name.replace(' ', '-')}.json").write_text(json.dumps(row, indent=1) + "\n")
            if name == row["recipe"]:
                shutil.copyfile(runs.resolve() / name / "curves.svg", PICTURES / f"{name}.svg")


def run_case(name: str, case: dict[str, Any], data: Path, weights: Path, runs: Path, *, choose: bool) -> dict[str, Any]:
    """Train and score one case; return its row of the table."""
    from maskwright.data.read import read_dataset
    from maskwright.data.splits import split_dataset, write_split
    from maskwright.runs.recipes import dump_recipe

    recipe = settle(name, case, weights)
    folder, run = (data / case["data"]).resolve(), runs.resolve() / name.replace(" ", "-")
    work = Path(tempfile.mkdtemp())
    settings: list[str] = []
    begun = time.monotonic()
    if case.get("doubled"):
        call("augment", folder, "-o", work / "doubled", "--copies", "1", "--set", "augmentation.noise=0.02")
        folder = work / "doubled"
    if shares := case.get("shares"):
        dataset = read_dataset(folder, recipe.data)
        write_split(split_dataset(dataset, method="hash", seed=0, shares=tuple(shares)), dataset, work / "split.csv")
        settings += ["--set", f"data.split={work / 'split.csv'}"]
    if choose:
        folder, settings = inner_part(folder, recipe, work, settings), []
    (work / "recipe.yaml").write_text(dump_recipe(recipe))
    folds = ["--folds", case["folds"]] if case.get("folds") else []
    call("train", folder, "--recipe", work / "recipe.yaml", "-o", run, "--quiet", *settings, *folds)
    return row_of(name, case, recipe, run, time.monotonic() - begun)


def settle(name: str, case: dict[str, Any], weights: Path) -> Any:
    """Return the recipe with the case's settings."""
    from maskwright.runs.recipes import load_recipe

    recipe = load_recipe(name.split()[0])
    phases = [phase.model_dump() for phase in recipe.training.phases]
    if case.get("frozen"):
        phases = [phase for phase in phases if phase["encoder"] == "frozen"]
    if case.get("tuned"):
        phases = [phase for phase in phases if phase["encoder"] == "trained"]
    overrides: dict[str, Any] = {"training.phases": phases}
    for key in ("encoder", "weights"):
        if case.get(key):
            overrides[f"model.{key}"] = case[key]
    if case.get("weights", "none") != "none":
        overrides["model.weights"] = str((weights / case["weights"]).resolve())
    for key, value in case["set"].items():
        overrides[key if key.startswith(("model.", "augmentation.", "loss")) else f"training.{key}"] = value
    return load_recipe(recipe, overrides)


def inner_part(folder: Path, recipe: Any, work: Path, settings: list[str]) -> Path:
    """Write a manifest without the test part: what was to validate is scored, and a part of the rest validates."""
    import csv

    from maskwright.data.read import read_dataset
    from maskwright.data.splits import read_split, split_dataset

    dataset = read_dataset(folder, recipe.data)
    stated = [Path(s.partition("=")[2]) for s in settings if s.startswith("data.split=")]
    split = read_split(stated[0], dataset) if stated else split_dataset(dataset, method=None, seed=0)
    rest = split.indices("train")
    inner = split_dataset(dataset.select(rest), method="hash", seed=0, shares=(0.85, 0.15, 0.0))
    parts = {int(i): "test" for i in split.indices("val")}
    parts |= {int(rest[i]): part for part in ("train", "val") for i in inner.indices(part)}
    path = work / "inner.csv"
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["image", "mask", "group", "part"])
        for i, part in sorted(parts.items()):
            columns = dataset.columns
            lines.writerow([folder / columns.images[i], folder / columns.masks[i][0], columns.groups[i], part])
    return path


def call(*words: object) -> None:
    """Run `maskwright` as a user would; stop here if it fails."""
    subprocess.run([sys.executable, "-m", "maskwright", *map(str, words)], check=True)


def row_of(name: str, case: dict[str, Any], recipe: Any, run: Path, seconds: float) -> dict[str, Any]:
    """Collect the case's figures from what the run wrote."""
    import maskwright
    from maskwright.runs.recipes import recipe_facts

    evaluation = json.loads((run / "evaluation.json").read_text())
    plan = json.loads((run / "plan.json").read_text())
    facts = recipe_facts(recipe)
    return {
        "schema_version": 1,
        "case": name,
        "recipe": recipe.name,
        "data": case["data"],
        "network": facts.network,
        "parameters": facts.parameters,
        "trainable": facts.trainable,
        "weights": Path(recipe.model.weights).name,
        "size": plan["size"],
        "epochs": plan["epochs"],
        "batch_size": plan["batch_size"],
        "precision": plan["precision"],
        "seconds": round(seconds),
        "part": evaluation["part"],
        "pictures": evaluation["images"],
        "per_image": evaluation["per_image"],
        "pooled": evaluation["pooled"],
        "differs": case["differs"],
        "maskwright": maskwright.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    main()
