"""Make the pages of this folder, and its table, from sources.yaml and the figures in benchmarks/recipes/results.

    python docs/recipes/make_pages.py            # writes README.md and a page a recipe
    python docs/recipes/make_pages.py --check    # ends with 1 where a page is not what it would write

A figure that was not measured is a dash; nothing is typed in by hand.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from maskwright.recipe import Recipe
from maskwright.runs.recipes import RecipeFacts, load_recipe, recipe_facts

HERE = Path(__file__).parent
CASES = HERE.parents[1] / "benchmarks" / "recipes" / "cases.yaml"
RESULTS = CASES.parent / "results"
INTRODUCTION = """# The systems of five write-ups, as recipes

Each row is a recipe that comes with maskwright: `maskwright train DATA --recipe NAME`. The figures are from
`benchmarks/recipes/run.py`: real pictures that stand for the write-up's own set, few epochs, two processor cores; each
page says more of what differs. Scores are means over pictures, at the masks' own size, with 95 % intervals; where there
are more than two classes, means over the classes too. *Published* figures were mostly taken at the network's size.
Frozen: the encoder keeps its ImageNet weights. Seconds are those of all commands, from reading the folder to the
report.
"""


def main() -> int:
    """Write the pages, or compare them; return the exit code."""
    pages = make_pages()
    if "--check" in sys.argv[1:]:
        stale = [path.name for path, text in pages.items() if not path.exists() or path.read_text() != text]
        print("\n".join(f"{name} is not what make_pages.py writes" for name in stale))
        return 1 if stale else 0
    for path, text in pages.items():
        path.write_text(text)
    return 0


def make_pages() -> dict[Path, str]:
    """Return each page's path and text."""
    sources: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "sources.yaml").read_text())
    cases = yaml.safe_load(CASES.read_text())
    found = [
        {**json.loads(result_path(name).read_text()), "differs": case["differs"]}
        for name, case in cases.items()
        if result_path(name).exists()
    ]
    pages, rows = {}, []
    for name, source in sources.items():
        recipe = load_recipe(name)
        facts = recipe_facts(recipe)
        results = {row["case"].removeprefix(name).strip(): row for row in found if row["recipe"] == name}
        pages[HERE / f"{name}.md"] = page(recipe, facts, source, results)
        rows += table_rows(facts, source, results)
    pages[HERE / "README.md"] = table(rows)
    return pages


def result_path(case: str) -> Path:
    """Where a case's figures are, once it was run."""
    return RESULTS / f"{case.replace(' ', '-')}.json"


# --- the table ---


def table(rows: list[list[str]]) -> str:
    """Return the overview's text."""
    head = [
        "recipe", "network", "parameters", "published", "IoU frozen", "Dice frozen", "s", "IoU", "Dice", "s",
        "accuracy", "what differs from the source",
    ]  # fmt: skip
    return f"{INTRODUCTION}\n{markdown(head, rows)}\n\n{directions()}"


def table_rows(facts: RecipeFacts, source: dict[str, Any], results: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Return a recipe's rows: its own, and one for each variant that was measured."""
    rows = []
    for variant in dict.fromkeys(["", *(key.replace("frozen", "").strip() for key in results)]):
        said = source["published"] if not variant else source.get("variants", {}).get(variant, {})
        tuned, frozen = results.get(variant), results.get(f"{variant} frozen".strip())
        if tuned is not None and facts.name == "pets-mobilenet-pix2pix":
            tuned, frozen = None, tuned  # its encoder is never trained
        any_of = tuned or frozen
        rows.append([
            f"[{facts.name}]({facts.name}.md) {variant}".strip(),
            any_of["network"] if any_of else facts.network,
            f"{any_of['parameters'] if any_of else facts.parameters:,}",
            published(said),
            score(frozen, "iou"), score(frozen, "dice"), seconds(frozen),
            score(tuned, "iou"), score(tuned, "dice"), seconds(tuned), score(any_of, "accuracy"),
            any_of["differs"] if any_of else "not run",
        ])  # fmt: skip
    return rows


def published(said: dict[str, float]) -> str:
    """Return the source's figures in words, frozen first where it gives both."""
    stages = [("frozen_", "frozen "), ("", "")]
    shown = []
    for key, word in stages:
        found = [
            f"{name} {said[key + short]:g}" for short, name in (("iou", "IoU"), ("dice", "Dice")) if key + short in said
        ]
        shown += [word + ", ".join(found)] if found else []
    if "accuracy" in said:
        shown.append(f"accuracy {said['accuracy']:g}")
    return "; ".join(shown) or "–"


def directions() -> str:
    """Return the sentences on which of two is better, as measured."""
    return (HERE / "directions.md").read_text() if (HERE / "directions.md").exists() else ""


# --- a page ---


def page(recipe: Recipe, facts: RecipeFacts, source: dict[str, Any], results: dict[str, dict[str, Any]]) -> str:
    """Return a recipe's page."""
    counted = "moving averages included" if facts.count == "keras" else "moving averages not included"
    fetch = f"\n$ maskwright fetch {recipe.needs.fetch} -o pictures" if recipe.needs.fetch else ""
    figures = [["published", source["said"], source["protocol"], "", ""]]
    figures += [measured(case, row) for case, row in results.items()]
    picture = f"\n![Loss, score and rate, epoch by epoch](images/{recipe.name}.svg)\n"
    has_picture = (HERE / "images" / f"{recipe.name}.svg").exists()
    return f"""# {recipe.name}

{recipe.task}

Source: {recipe.source}.

## Network

{source["network"]}

`{facts.network}`: {facts.parameters:,} parameters ({counted}), {facts.trainable:,} of them trained.

## Train it

```console{fetch}
$ maskwright train pictures --recipe {recipe.name} -o runs/{recipe.name}
```

It is for {recipe.needs.set}. Other data is refused before anything starts: fewer than {recipe.needs.pictures} pictures,
or other than {recipe.needs.classes} classes. Every setting: `src/maskwright/recipes/{recipe.name}.yaml`.

{source["own"]}
{more(source)}
## Figures

{markdown(["run", "scores", "protocol", "pictures scored", "seconds"], figures)}
{picture if has_picture else ""}"""


def more(source: dict[str, Any]) -> str:
    """Return what else a reader may want to type."""
    if "also" not in source:
        return ""
    lines = "\n".join(f"$ {line}" for line in source["also"]["commands"])
    return f"\n{source['also']['what']}\n\n```console\n{lines}\n```\n"


def measured(case: str, row: dict[str, Any]) -> list[str]:
    """Return a run's row on its page."""
    names = ("iou", "dice", "precision", "recall", "accuracy")
    shown = "; ".join(f"{name} {score(row, name)}" for name in names if row["per_image"].get(name))
    pooled = ", ".join(f"{name} {row['pooled'][name]['value']:.3f}" for name in ("iou", "dice", "accuracy"))
    size = "x".join(map(str, row["size"]))
    epochs = " + ".join(map(str, row["epochs"]))
    protocol = f"{row['differs']}; {size}, {epochs} epochs, batch {row['batch_size']}, {row['precision']}"
    return [case or "ours", f"{shown}; pooled: {pooled}", protocol, str(row["pictures"]), str(row["seconds"])]


def score(row: dict[str, Any] | None, name: str) -> str:
    """Return a mean over pictures with its interval."""
    if row is None or not (found := row["per_image"].get(name)):
        return "–"
    low, high = found["low"], found["high"]
    return f"{found['value']:.3f}" + ("" if low is None else f" [{low:.3f}, {high:.3f}]")


def seconds(row: dict[str, Any] | None) -> str:
    """Return a run's seconds."""
    return "–" if row is None else f"{row['seconds']:,}"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


if __name__ == "__main__":
    sys.exit(main())
