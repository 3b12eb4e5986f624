"""report.html: one page that holds everything, asks the network for nothing and runs no script.

Every text is escaped by the template engine; only the charts and thumbnails made here are marked as safe.
"""

import base64
import heapq
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.files import write_text
from maskwright.images.classes import Classes
from maskwright.report.charts import histogram, interval_chart, line_chart
from maskwright.report.curves import epoch_charts
from maskwright.report.facts import Example, ReportFacts
from maskwright.report.more import (
    calibration_charts,
    confusion_rows,
    factor_charts,
    further_parts,
    known_of_pictures,
)
from maskwright.report.pixels import EXTRA, MISSED, RIGHT, WRONG, error_thumbnail, thumbnail, tinted_thumbnail
from maskwright.report.wording import (
    LABELS,
    MEASURES,
    harmless,
    interval_text,
    label,
    plain,
    score_rows,
    score_text,
    times,
    trivial_answers,
    value_text,
)

SIDE = 240  # the longer side of an embedded thumbnail, in pixels


def write_report(
    path: Path, facts: ReportFacts, classes: Classes, *, examples: Iterable[Example] = (), pictures: bool = True
) -> None:
    """Write report.html, whole or not at all.

    examples: pictures for the gallery, taken one at a time; only thumbnails of at most 240 pixels are embedded, made
        anew from the pixels, so no metadata of the files comes along. pictures=False leaves them out (and the page
        says so); names and scores of pictures stay.
    """
    gallery = [_embedded(example, classes) for example in examples] if pictures else []
    write_text(path, render_report(facts, classes, gallery, pictures=pictures))


def render_report(facts: ReportFacts, classes: Classes, gallery: list[dict[str, Any]], *, pictures: bool = True) -> str:
    """Return the page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("maskwright.report")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=harmless,
    )
    environment.filters |= {
        "plain": plain, "label": label, "score": score_text, "value": value_text, "interval": interval_text,
        "times": times,
    }  # fmt: skip
    template = environment.get_template("report.html.j2")
    return template.render(
        facts=facts, evaluation=facts.evaluation, charts=_charts(facts), gallery=_by_label(gallery),
        pictures=pictures,
        measures=MEASURES, labels=LABELS, score_rows=score_rows(facts.evaluation), legend=_legend(classes),
        known=known_of_pictures(facts.evaluation), several=not classes.binary,
        worst=_worst(facts.evaluation), parts=further_parts(facts.evaluation),
        factors=_safe(factor_charts(facts.evaluation)), confusion=confusion_rows(facts.evaluation),
    )  # fmt: skip


def _charts(facts: ReportFacts) -> dict[str, Any]:
    """Return SVG marked as safe: `charts` escapes every text it is given."""
    from markupsafe import Markup

    evaluation = facts.evaluation
    rows = [("this model", evaluation["per_image"]["dice"])]
    rows += [(who, answer["per_image"]["dice"]) for who, _, answer in trivial_answers(evaluation)]
    values = [row["dice"] for row in evaluation.get("pictures", ()) if row["dice"] is not None]
    drawn = {
        "beside": interval_chart(
            "Dice per picture, beside simple answers",
            [(name, s["value"], s["low"], s["high"]) for name, s in rows],
        ),
        "spread": histogram("How many pictures have which Dice", values, x="Dice"),
        **epoch_charts(facts.history, facts.phases, facts.best_epoch),
        "threshold": _threshold_chart(facts.threshold),
        **calibration_charts(evaluation, facts.calibration),
    }
    return {name: Markup(svg) for name, svg in drawn.items() if svg}


def _safe(charts: list[str]) -> list[Any]:
    from markupsafe import Markup

    return [Markup(chart) for chart in charts]


def _threshold_chart(choice: Mapping[str, Any] | None) -> str:
    if not choice or "curve" not in choice:
        return ""
    name = LABELS.get(choice["measure"], choice["measure"])
    points = list(zip(choice["curve"]["threshold"], choice["curve"]["value"], strict=True))
    title = f"{name} on validation, by threshold"
    return line_chart(title, {name: points}, x="threshold", mark=choice["threshold"], unit_range=True)


def _worst(evaluation: Mapping[str, Any], number: int = 10) -> list[Mapping[str, Any]]:
    rows = (row for row in evaluation.get("pictures", ()) if row["dice"] is not None)
    return heapq.nsmallest(number, rows, key=lambda row: row["dice"])


def _embedded(example: Example, classes: Classes) -> dict[str, Any]:
    ground = _plain_grey(example.truth) if example.image is None else example.image
    panels = {} if example.image is None else {"picture": thumbnail(ground, SIDE)}
    panels |= {
        "truth": tinted_thumbnail(ground, example.truth, classes, SIDE),
        "prediction": tinted_thumbnail(ground, example.prediction, classes, SIDE),
        "errors": error_thumbnail(ground, example.truth, example.prediction, classes, SIDE),
    }
    from markupsafe import Markup  # base64 needs no escaping, and is too long for a text

    return {
        "label": example.label, "name": example.name, "score": example.score,
        "panels": [(name, Markup(_data_uri(panel)), panel.width, panel.height) for name, panel in panels.items()],
    }  # fmt: skip


def _plain_grey(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a grey ground (H, W, 1) for masks that came without their picture."""
    return np.full((*mask.shape[:2], 1), 128, np.uint8)


def _by_label(gallery: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the gallery under its labels, both in the order given."""
    labels = dict.fromkeys(item["label"] for item in gallery)
    return [(name, [item for item in gallery if item["label"] == name]) for name in labels]


def _data_uri(picture: Image.Image) -> str:
    buffer = BytesIO()
    picture.save(buffer, format="JPEG", quality=85, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _legend(classes: Classes) -> list[tuple[str, str]]:
    """Return (CSS colour, name) of all that the thumbnails show."""
    first = 1 if classes.exclusive else 0
    entries = list(zip(classes.colours[first:], classes.names[first:], strict=True))
    entries += [(RIGHT, "right"), (MISSED, "missed"), (EXTRA, "extra")]
    if not classes.binary:
        entries.append((WRONG, "wrong class"))
    return [(f"rgb({int(r)}, {int(g)}, {int(b)})", name) for (r, g, b), name in entries]
