"""No training on data that would spoil it: errors found by the check stop it, unless they are accepted knowingly."""

from collections.abc import Sequence
from typing import Any

from maskwright.audit.check import check_dataset
from maskwright.data.dataset import Dataset
from maskwright.errors import DataError
from maskwright.progress import Progress, Step


def check_before_training(dataset: Dataset, accept: Sequence[str], progress: Progress) -> list[dict[str, Any]]:
    """Check the data and return its findings; raise DataError for errors whose kind is not in `accept`."""
    report = check_dataset(dataset, progress=progress)
    for note in report.notes:
        progress(Step("check", text=f"data   {note}"))
    errors = [f for f in report.findings if f.level == "error" and f.kind not in accept]
    if not errors:
        return [finding.to_json() for finding in report.findings]
    first = errors[0]
    more = f" (and {len(errors) - 1} more errors)" if len(errors) > 1 else ""
    kinds = " ".join(f"--accept {kind}" for kind in sorted({f.kind for f in errors}))
    raise DataError(
        f"The data has an error: {first.what}{more}",
        where=first.where or str(dataset.root),
        fix=f"{first.fix}; `maskwright check {dataset.root}` lists all. To train in spite of it: {kinds}",
    )
