"""Which measurements are taken of scored pictures, and what the classical answers learn their rules from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from maskwright.data.dataset import Dataset
from maskwright.data.predictions import find_predictions
from maskwright.data.threads import spread
from maskwright.errors import ConfigError
from maskwright.evaluation.agreement import AgreementMeter, ReadMask
from maskwright.evaluation.boundary import BoundaryMeter
from maskwright.evaluation.calibration import CalibrationMeter
from maskwright.evaluation.classical import LEARN_FROM, ClassicalMeter, ClassicalRules, choose_rules
from maskwright.evaluation.confusion import ConfusionMeter
from maskwright.evaluation.facts import FactsMeter
from maskwright.evaluation.meters import Meter
from maskwright.evaluation.saliency import SaliencyMeter
from maskwright.recipe import EvaluationOptions, parse_pixel_size
from maskwright.runs.opening import ReadImage
from maskwright.runs.work import Indices

DECODED = (512, 512)  # the least size at which these are decoded


@dataclass(frozen=True)
class Measures:
    """What to measure besides what follows from counts of pixels.

    counts_only: nothing. saliency: also as papers on salient objects do (two classes). tolerance: how many pixels a
    boundary may be off; None: a share of the diagonal. pixel_size: "0.65 um", where the set does not say it itself.
    annotators: folders with further people's masks of the pictures.
    """

    counts_only: bool = False
    saliency: bool = False
    tolerance: float | None = None
    pixel_size: str | None = None
    annotators: tuple[str | Path, ...] = ()

    def with_recipe(self, options: EvaluationOptions) -> "Measures":
        """Return what a run's recipe asks for too."""
        tolerance = options.tolerance if self.tolerance is None else self.tolerance
        return replace(self, saliency=self.saliency or options.saliency, tolerance=tolerance)


@dataclass(frozen=True)
class AtHand:
    """What there is to measure on.

    learn_from: rows of the set that the model was trained on; None where they are not known. learnt_in: what these are
    called, where they are no training part. read_image: reads a picture as it is scored. pictures, probabilities:
    whether there are any. masks_alone: the set's pictures are its masks.
    """

    learn_from: Indices | None = None
    learnt_in: str = ""
    read_image: ReadImage | None = None
    pictures: bool = True
    probabilities: bool = True
    masks_alone: bool = False


def meters_for(dataset: Dataset, measures: Measures, at_hand: AtHand) -> tuple[Meter, ...]:
    """Return what measures the pictures of a set. Raises ConfigError or DataError where that cannot be done."""
    classes = dataset.classes
    if measures.saliency and not at_hand.probabilities:
        raise ConfigError(
            "The measures of salient objects need maps of probabilities, not masks.", where="--saliency",
            fix="give maps (--probabilities), or leave --saliency out",
        )  # fmt: skip
    meters: list[Meter] = []
    if not measures.counts_only:
        size, unit = _pixel_size(measures.pixel_size or dataset.options.pixel_size)
        meters += [
            BoundaryMeter(classes, tolerance=measures.tolerance, pixel_size=size, unit=unit),
            ConfusionMeter(classes), FactsMeter(classes),
        ]  # fmt: skip
        if at_hand.probabilities:
            meters.append(CalibrationMeter(classes))
        if at_hand.pictures:
            meters.append(ClassicalMeter(classes, _rules(dataset, at_hand), learnt_in=at_hand.learnt_in))
    if measures.saliency:
        meters.append(SaliencyMeter(classes))
    if measures.annotators:
        meters.append(AgreementMeter(classes, _people(dataset, measures, at_hand)))
    return tuple(meters)


def _pixel_size(text: str | None) -> tuple[float | None, str]:
    """Return a pixel's side and its unit. Raises ConfigError."""
    try:
        return parse_pixel_size(text)
    except ValueError as error:
        raise ConfigError(f"{error}.", where="--pixel-size", fix="such as --pixel-size '0.65 um'") from None


def _rules(dataset: Dataset, at_hand: AtHand) -> ClassicalRules | None:
    """Choose the rules of the classical answers on some training pictures, read as those that are scored."""
    if at_hand.learn_from is None or not len(at_hand.learn_from) or not dataset.classes.exclusive:
        return None
    rows = spread([int(row) for row in at_hand.learn_from], LEARN_FROM)
    read = at_hand.read_image or partial(dataset.read_image, at_least=DECODED)
    return choose_rules(((read(row), dataset.read_mask(row)) for row in rows), dataset.classes)


def _people(dataset: Dataset, measures: Measures, at_hand: AtHand) -> Mapping[str, ReadMask]:
    """Return what reads the masks of each further person. Raises DataError where a folder fits no picture."""
    row_of = {name: row for row, name in enumerate(dataset.columns.ids)}

    def reader(folder: Path) -> ReadMask:
        found = find_predictions(dataset, folder, masks_alone=at_hand.masks_alone)
        return lambda name: found.read(row_of[name]) if found.files[row_of[name]] else None

    people: dict[str, ReadMask] = {}
    for folder in map(Path, measures.annotators):
        name = folder.name if folder.name not in people else f"{folder.resolve().parent.name}/{folder.name}"
        people[name if name not in people else str(folder)] = reader(folder)
    return people
