"""The pictures and masks that a run was trained on, read again as `train` read them."""

from pathlib import Path

from maskwright.data.dataset import Dataset
from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.runs.folder import RunFolder


def own_data(folder: RunFolder) -> Dataset:
    """Read the data that a run was trained on. Raises DataError where it is gone, or is no longer the same."""
    started = folder.start_record()
    path = Path(started["data"])
    if not path.exists():
        raise DataError(
            "The run's data is no longer there.",
            where=str(path),
            fix="bring it back to where it was, or name what to score: evaluate RUN DATA",
        )
    dataset = read_dataset(path, folder.read_recipe().data, tolerant=True)  # as `train` read it
    if dataset.fingerprint() != started["fingerprint"]:
        raise DataError(
            "The data has changed since the run was trained: its parts may no longer be those.",
            where=str(path),
            fix="put the old data back, train anew, or name the data to score: evaluate RUN DATA",
        )
    return dataset
