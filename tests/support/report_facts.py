"""A small run's facts, as a report is told them."""

import numpy as np

from maskwright.evaluation.picture_scores import PictureScore, ScoreTable
from maskwright.evaluation.summary import summarise
from maskwright.evaluation.threshold import best_cut
from maskwright.images.classes import Classes
from maskwright.metrics.counts import count
from maskwright.report.facts import Example, PlanLine, ReportFacts

LESION = Classes(("background", "lesion"))
CROPS = Classes(("soil", "crop", "weed"), ignored="unclear")


def disc(size, row, column, radius):
    rows, columns = np.ogrid[: size[0], : size[1]]
    return (((rows - row) ** 2 + (columns - column) ** 2) < radius**2).astype(np.uint8)


def example(label="worst", name="p0", score=0.5, size=(60, 80)):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    return Example(label, name, score, image, disc(size, 30, 40, 15), disc(size, 34, 40, 15))


def evaluation(names=("p0", "p1", "p2"), classes=LESION):
    truth = disc((60, 80), 30, 40, 15)
    scores = [
        PictureScore(name, "", count(truth, disc((60, 80), 30 + i, 40, 15), len(classes.names)), (60, 80), (32, 32))
        for i, name in enumerate(names)
    ]
    table = ScoreTable(scores)
    return summarise(table, classes, groups=False, runtime="onnxruntime", precision="fp32", threshold=0.47).to_json()


def facts(**changes):
    values = {
        "name": "lesions-1",
        "evaluation": evaluation(),
        "task": "Marks lesions.",
        "made": "2025-01-31",
        "times_read": 1,
        "data": {"folder": "lesions", "classes": ["background", "lesion"]},
        "network": {"encoder": "mobilenetv2_035", "parameters": 1234567},
        "training": {"epochs": 2},
        "parts": {"train": 600, "test": 75},
        "history": [
            {"epoch": 1, "loss": 0.9, "validation_dice": 0.5},
            {"epoch": 2, "loss": 0.4, "validation_dice": 0.8},
        ],
        "threshold": best_cut(1 - (np.linspace(0, 1, 1023) - 0.4) ** 2, "dice", 75).to_json(),
        "parity": [{"runtime": "onnxruntime", "max_difference": 3e-7, "passed": True}],
        "plan": [PlanLine("size", "192x192", "objects stay at least 14 px wide")],
        "findings": [
            {
                "level": "error",
                "kind": "truncated",
                "what": "The file ends too early.",
                "where": "a.jpg",
                "fix": "copy it",
            }
        ],
        "versions": {"maskwright": "0.1.0"},
        "licences": {"ImageNet weights": "Apache-2.0"},
        "limits": ["Trained on squashed pictures."],
        "next": ["maskwright predict runs/lesions-1 photo.jpg"],
    }
    return ReportFacts(**(values | changes))
