"""docs/leaks.md, made from results.json: every figure in it comes from there (its words: leaks_words.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from leaks_words import FILES, INTRODUCTION, MEANING, TRUE, WHOLE

from maskwright.metrics.intervals import Score, mean_interval
from maskwright.metrics.paired import Difference, difference_interval

Row = Mapping[str, Any]
Kind = tuple[str, str]  # kind of scores, way of splitting
WAYS = ("picture", "car")
MEASURES = {"dice": "Dice", "iou": "IoU"}
MODELS = {"folds": "the folds' single models", "final": "`model.onnx`", "ensemble": "`ensemble.onnx`"}


@dataclass(frozen=True)
class Scored:
    """The scores of one run. third: that was taken away; 0: none. scores: picture -> a value for each measure."""

    seed: int
    third: int
    way: str
    kind: str
    groups: int | None
    scores: Mapping[str, Sequence[float]]


def car_of(name: str) -> str:
    """Return the car of a picture."""
    return name.partition("_")[0]


def make_page(results: Row) -> str:
    """Return the page."""
    rows = [Scored(**row) for row in results["rows"]]
    setup, seeds = results["setup"], results["seeds"]
    height, width = setup["size"]
    first = next(row for row in rows if row.third == 0)
    text = INTRODUCTION.format(
        pictures=len(first.scores), cars=len({car_of(name) for name in first.scores}), encoder=setup["encoder"],
        weights=setup["weights"], height=height, width=width, epochs=setup["epochs"], batch_size=setup["batch_size"],
        folds=setup["folds"], seeds=f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}",
        picture_width=setup["width"], minutes=results["processor_seconds"] / 60 / len(seeds),
        machine=results["machine"],
    )  # fmt: skip
    text += WHOLE.format(pictures=len(first.scores), folds=setup["folds"], table=whole_table(rows))
    text += TRUE.format(thirds=thirds_table(rows), optimism=optimism_table(rows), between=between_table(rows))
    return text + FILES.format(table=models_table(rows)) + MEANING.format(**figures(rows))


def score_of(row: Scored, at: int) -> Score:
    """Return the mean of a measure with its interval, as maskwright prints it: over groups where there are any."""
    names = sorted(row.scores)
    groups = None if row.groups is None else [car_of(name) for name in names]
    return mean_interval([row.scores[name][at] for name in names], groups)


def interval(row: Scored, at: int) -> str:
    """Tell the mean of a measure with its interval."""
    found = score_of(row, at)
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def difference(rows: Sequence[Scored], one: Kind, other: Kind, at: int) -> Difference:
    """Return the mean over pictures of one kind of scores less another, with its interval over cars.

    A picture's score is the mean of all that it got of that kind.
    """
    first, second = means(rows, one, at), means(rows, other, at)
    names = sorted(first)
    return difference_interval([first[name] - second[name] for name in names], [car_of(name) for name in names])


def means(rows: Sequence[Scored], kind: Kind, at: int) -> dict[str, float]:
    """Return each picture's mean score of a kind, cars having been taken away."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.third and (row.kind, row.way) == kind:
            for name, scores in row.scores.items():
                found.setdefault(name, []).append(scores[at])
    return {name: fmean(values) for name, values in found.items()}


def whole_table(rows: Sequence[Scored]) -> str:
    """Tell what each way prints of all pictures."""
    lines = [
        [str(row.seed), f"by {row.way}", *(interval(row, at) for at in range(len(MEASURES)))]
        for row in rows
        if row.third == 0
    ]
    return table(["seed", "split", *MEASURES.values()], lines)


def thirds_table(rows: Sequence[Scored]) -> str:
    """Tell printed and true scores of each third."""
    kind_of = {(row.seed, row.third, row.way, row.kind): row for row in rows if row.third}
    lines = []
    for seed, third, way in dict.fromkeys(key[:3] for key in kind_of):
        both = [kind_of[seed, third, way, kind] for kind in ("printed", "folds")]
        cells = [interval(row, at) for at in range(len(MEASURES)) for row in both]
        lines.append([str(seed), f"{both[1].groups} cars, {len(both[1].scores)} pictures", f"by {way}", *cells])
    titles = [f"{name}, {kind}" for name in MEASURES.values() for kind in ("printed", "true")]
    return table(["seed", "taken away", "split", *titles], lines)


def optimism_table(rows: Sequence[Scored]) -> str:
    """Tell by how much each way's printed scores are above the true ones."""
    lines = [[f"by {way}", *differences(rows, ("printed", way), ("folds", way))] for way in WAYS]
    return table(["split", *(f"{name}, printed less true" for name in MEASURES.values())], lines)


def between_table(rows: Sequence[Scored]) -> str:
    """Tell by how much the scores by picture are above those by car."""
    kinds = {"printed": "printed", "true": "folds"}
    lines = [[said, *differences(rows, (kind, "picture"), (kind, "car"))] for said, kind in kinds.items()]
    return table(["scores", *(f"{name}, by picture less by car" for name in MEASURES.values())], lines)


def models_table(rows: Sequence[Scored]) -> str:
    """Tell what the files of such runs score on the cars taken away."""
    lines = [
        [f"by {way}", said, *(f"{fmean(means(rows, (kind, way), at).values()):.3f}" for at in range(len(MEASURES)))]
        for way in WAYS
        for kind, said in MODELS.items()
    ]
    return table(["split of the folds", "model", *MEASURES.values()], lines)


def differences(rows: Sequence[Scored], one: Kind, other: Kind) -> list[str]:
    """Tell a difference in each measure."""
    return [signed(difference(rows, one, other, at)) for at in range(len(MEASURES))]


def signed(found: Difference) -> str:
    """Tell a difference with its interval."""
    value, low, high = (round(one or 0.0, 3) + 0.0 for one in (found.value, found.low, found.high))  # + 0.0: no -0.000
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def table(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (titles, ["---"] * len(titles), *lines))


def figures(rows: Sequence[Scored]) -> dict[str, Any]:
    """Return the figures that the page's last words name, all of Dice."""
    between = difference(rows, ("printed", "picture"), ("printed", "car"), 0)
    kind_of = {(row.seed, row.third, row.way, row.kind): row for row in rows}
    runs = sorted({key[:2] for key in kind_of})
    thirds = [run for run in runs if run[1]]
    bounds = {way: [score_of(kind_of[*run, way, "printed"], 0) for run in runs] for way in WAYS}
    pairs = zip(*bounds.values(), strict=True)
    return {
        "by_picture": signed(difference(rows, ("printed", "picture"), ("folds", "picture"), 0)),
        "by_car": signed(difference(rows, ("printed", "car"), ("folds", "car"), 0)),
        "true": signed(difference(rows, ("folds", "picture"), ("folds", "car"), 0)),
        "between": signed(between),
        "settled": "leaves zero out, though" if between.told_apart else "includes zero",
        "cars": len({car_of(name) for name in rows[0].scores}),
        "runs": len(runs),
        "higher": sum(_value(one) > _value(other) for one, other in pairs),
        "narrow": fmean(_width(one) for one in bounds["picture"]),
        "wide": fmean(_width(one) for one in bounds["car"]),
        "trials": len(thirds),
        **{f"within_{way}": sum(_holds(kind_of, *run, way) for run in thirds) for way in WAYS},
        **{name: fmean(means(rows, (kind, "car"), 0).values()) for name, kind in _MODELS.items()},
    }


_MODELS = {"ensemble": "ensemble", "single": "folds", "final": "final"}


def _holds(kind_of: Mapping[tuple[int, int, str, str], Scored], seed: int, third: int, way: str) -> bool:
    """Tell whether the printed interval holds the true value."""
    printed, true = (score_of(kind_of[seed, third, way, kind], 0) for kind in ("printed", "folds"))
    return bool((printed.low or 0) <= _value(true) <= (printed.high or 1))


def _width(score: Score) -> float:
    return (score.high or 1) - (score.low or 0)


def _value(score: Score) -> float:
    return score.value or 0.0
