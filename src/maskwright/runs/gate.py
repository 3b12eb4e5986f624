"""No training on data that would spoil it: errors found by the check stop it, unless they are accepted knowingly.

What is found in the files is looked for; suspect labels, which need a model, are not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from maskwright.audit.check import CheckReport, check_dataset
from maskwright.audit.findings import KINDS, LEVELS, Finding
from maskwright.data.dataset import Dataset
from maskwright.errors import ConfigError, DataError
from maskwright.progress import Progress, Step


def known_kinds(accept: Sequence[str]) -> tuple[str, ...]:
    """Return kinds of findings to accept, sorted. Raises ConfigError for one that there is not."""
    for kind in accept:
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, n=1)
            fix = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(KINDS)}"
            raise ConfigError(f"There is no kind of finding '{kind}'.", where="--accept", fix=fix)
    return tuple(sorted(set(accept)))


def check_before_training(dataset: Dataset, accept: Sequence[str], progress: Progress) -> CheckReport:
    """Check the data and return what was found; raise DataError for errors whose kind is not in `accept`."""
    accepted = known_kinds(accept)
    report = check_dataset(dataset, progress=progress)
    for note in report.notes:
        progress(Step("check", text=f"data   {note}"))
    errors = [found for found in report.findings if found.level == "error" and found.kind not in accepted]
    if errors:
        raise _refusal(dataset, errors)
    if report.findings:
        levels = count_levels(Counter(found.level for found in report.findings))
        told = f"check  {levels}; `maskwright check {dataset.root}` tells them"
        progress(Step("check", text=told))
    return report


def count_levels(levels: Mapping[str, int]) -> str:
    """Say how many findings of each level there are: "2 errors, 1 warning, 8 notes"; nothing for none."""
    said = [f"{number} {level}{'s' * (number != 1)}" for level in LEVELS if (number := levels.get(level, 0))]
    return ", ".join(said)


def _refusal(dataset: Dataset, errors: Sequence[Finding]) -> DataError:
    """Return the error that names the first finding, counts all, and says how to go on in spite of them."""
    first, kinds = errors[0], Counter(found.kind for found in errors)
    what = f"The data has an error: {first.what}"
    if len(errors) > 1:
        what = f"The data has {len(errors)} errors ({', '.join(f'{n} {kind}' for kind, n in kinds.items())}). "
        what += f"The first: {first.what}"
    accept = " ".join(f"--accept {kind}" for kind in sorted(kinds))
    return DataError(
        what,
        where=first.where or str(dataset.root),
        fix=f"{first.fix}; `maskwright check {dataset.root}` tells all. To train in spite of it: {accept}",
    )
