"""What is settled on validation pictures before a model file is written: first the temperature, then the threshold.

One pass over the pictures with temperature 1 chooses a temperature, a threshold, and says how well probabilities fit.
Only where a temperature promises something a second pass measures it with the very file, and chooses its threshold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from maskwright.evaluation.looking import look_at
from maskwright.evaluation.temperature import HIGHEST, LOWEST, Fit, FitTally, TemperatureChoice, TemperatureFit
from maskwright.evaluation.threshold import ThresholdChoice, ThresholdFit
from maskwright.metrics.calibration import DEFINITION
from maskwright.runs.fitting import MIN_VALIDATION, Indices, Work
from maskwright.runs.opening import picture_reader
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import load_model

# A temperature is kept only if it lowers the mean negative log-likelihood per picture by this share, both on pictures
# that it was not chosen on and with the file itself. Less is not seen in any probability. The pictures it was chosen on
# prove nothing where they are few: of a calibrated network 8 skin photographs promised 1 % in 59 of 100 draws, at the
# cost of 5 % on others; judged on others, in 24.
MIN_GAIN = 0.01
CALLERS = 2  # pictures under way: each comes with its probabilities, which may be large


@dataclass(frozen=True)
class Settled:
    """description: with temperature and threshold. calibration, threshold: what the run's JSON files are to hold."""

    description: ModelDescription
    calibration: Mapping[str, Any]
    threshold: Mapping[str, Any] | None


@dataclass(frozen=True)
class Trial:
    """A traced network, the file that it is written to in order to be tried, and the pictures it is tried on."""

    work: Work
    core: bytes
    candidate: Path
    choose_on: Indices

    @property
    def enough(self) -> bool:
        """Whether there are pictures enough to choose by."""
        return len(self.choose_on) >= MIN_VALIDATION


def settle(
    trial: Trial, description: ModelDescription, *, temperature: float | None, threshold: float | None
) -> Settled:
    """Choose temperature and threshold, unless they are handed in, stated in the recipe, or pictures are too few."""
    options = trial.work.recipe.evaluation
    stated, why = _known(temperature, options.temperature, 1.0, trial)
    to_cut = False
    if description.thresholded:
        cut, _ = _known(threshold, options.threshold, 0.5, trial)
        to_cut = cut is None
        description = replace(description, threshold=0.5 if cut is None else cut)
    if stated is None:
        return _choose(trial, description, to_cut=to_cut)
    description, fit, choice = replace(description, temperature=stated), None, None
    if to_cut:
        tally = FitTally()
        choice = _look(trial, description, tally, to_cut=True)
        fit = tally.fit()
    return _settled(description, choice, _document(stated, why, None, fit))


def _known(handed: float | None, stated: float | str, default: float, trial: Trial) -> tuple[float | None, str]:
    """Return the value that needs no choice, and why; None where it is to be chosen."""
    if handed is not None:
        return handed, "taken from the models of the folds"
    if not isinstance(stated, str):
        return stated, "stated in the recipe"
    if not trial.enough:
        return default, f"{len(trial.choose_on)} validation pictures are too few to choose by"
    return None, ""


def _choose(trial: Trial, description: ModelDescription, *, to_cut: bool) -> Settled:
    """Look with temperature 1, and once more where another one promises to help; keep it where it does."""
    fit = TemperatureFit(trial.work.dataset.classes)
    cut = _look(trial, description, fit, to_cut=to_cut)
    choice = fit.choice()
    if choice.proven_gain < MIN_GAIN:
        why = (
            f"no temperature from {LOWEST:g} to {HIGHEST:g} lowers the negative log-likelihood by {MIN_GAIN:.0%} or "
            "more on validation pictures that it was not chosen on: the probabilities stay as they are"
        )
        return _settled(description, cut, _document(1.0, why, choice.fit, None, choice.proven_gain))
    warmer, tally = replace(description, temperature=choice.temperature), FitTally()
    cut_after = _look(trial, warmer, tally, to_cut=to_cut)
    after = tally.fit()
    kept = 1 - after.nll_per_image / choice.fit.nll_per_image >= MIN_GAIN
    why, temperature = _verdict(choice, after, kept), choice.temperature if kept else 1.0
    document = _document(temperature, why, choice.fit, after, choice.proven_gain)
    tried = {**document, "tried": choice.temperature}
    return _settled(warmer, cut_after, tried) if kept else _settled(description, cut, tried)


def _look(
    trial: Trial, description: ModelDescription, tally: FitTally | TemperatureFit, *, to_cut: bool
) -> ThresholdChoice | None:
    """Write the file, show it the pictures once, and choose a threshold where one is to be chosen."""
    from maskwright.export.graph import write_model

    work = trial.work
    write_model(trial.core, description, trial.candidate)
    predictor = load_model(trial.candidate, masks_only=True, callers=CALLERS)
    cut = ThresholdFit(work.dataset.classes, work.recipe.evaluation.choose_by) if to_cut else None
    look_at(
        work.dataset,
        trial.choose_on,
        predictor.native_probabilities,
        [tally] if cut is None else [tally, cut],
        stage="calibrate",
        callers=CALLERS,
        read_image=picture_reader(work.dataset, predictor),
        progress=work.progress,
    )
    return None if cut is None else cut.choice()


def _settled(description: ModelDescription, cut: ThresholdChoice | None, calibration: Mapping[str, Any]) -> Settled:
    if cut is None:
        return Settled(description, calibration, None)
    return Settled(replace(description, threshold=cut.threshold), calibration, cut.to_json())


def _verdict(choice: TemperatureChoice, after: Fit, kept: bool) -> str:
    """Say what a second pass found."""
    old, new = choice.fit.nll_per_image, after.nll_per_image
    change = f"the mean negative log-likelihood per picture goes from {old:.4g} to {new:.4g}"
    end = ", the end of what is tried" if choice.at_end else ""
    figures = f"with {choice.temperature:.3g}{end}, {change} on {after.pictures} validation pictures"
    return figures if kept else f"{figures}: not lower by {MIN_GAIN:.0%}, so it stays 1"


def _document(
    temperature: float, why: str, before: Fit | None, after: Fit | None, proven_gain: float | None = None
) -> dict[str, Any]:
    """Return what calibration.json holds."""
    measured = after or before
    return {
        "temperature": temperature,
        "kept": temperature != 1,
        "why": why,
        "tried": None,
        "pictures": measured.pictures if measured else 0,
        "before": before.to_json() if before else None,
        "after": after.to_json() if after else None,
        "proven_gain": proven_gain,
        "least_gain": MIN_GAIN,
        "definition": DEFINITION,
    }
