"""What models say to masks that they have not seen, listened to while pictures are scored, and the file it ends in.

`suspects.json` lies in the run, or in the cache: whole or not at all, with a digest of what it was made from.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from maskwright.audit.disagreement import Floats, disagreement
from maskwright.audit.findings import Finding
from maskwright.audit.suspects import Opinion, suspect_findings
from maskwright.data.dataset import Dataset
from maskwright.errors import DataError
from maskwright.evaluation.score import LoadedPicture
from maskwright.files import write_json
from maskwright.recipe import Recipe
from maskwright.runs.folder import read_json
from maskwright.runs.recipes import dump_recipe
from maskwright.runs.work import Indices

SUSPECTS = "suspects.json"
SCHEMA_VERSION = 1
FOLD_MODELS = "the run's folds"
METHOD = 1  # rises when the same models would give other findings
NAMED = 3  # masks that are named when a training ends


class Hearing:
    """Collects opinions on the masks of a set. model: who speaks, as findings call it; it may be changed."""

    def __init__(self, dataset: Dataset, model: str = "") -> None:
        self.model = model
        self._dataset = dataset
        columns = dataset.columns
        files = [(image,) for image in columns.images] if dataset.drawn else columns.masks
        self._files = dict(zip(columns.ids, files, strict=True))
        self.opinions: list[Opinion] = []

    def hear(self, loaded: LoadedPicture, probabilities: Floats) -> None:
        """Take in what a model says: probabilities (K, h, w) of any size for a picture with its mask."""
        where = str(self._dataset.root / self._files[loaded.id][0])
        said = disagreement(probabilities, loaded.truth, self._dataset.classes)
        self.opinions.append(Opinion(loaded.id, where, self.model, said))

    def findings(self) -> tuple[Finding, ...]:
        """Return the suspect masks, most suspect first."""
        return suspect_findings(self.opinions, self._dataset.classes)


def digest_of(dataset: Dataset, rows: Sequence[int] | Indices, recipe: Recipe | None = None) -> str:
    """Return a digest of the pictures at some rows and the recipe by which models are trained, if they are."""
    digest = hashlib.sha256(f"{METHOD} {dataset.fingerprint()} {[int(row) for row in rows]}".encode())
    digest.update(dump_recipe(recipe).encode() if recipe is not None else b"")
    return digest.hexdigest()


def write_suspects(path: Path, of: str, findings: Sequence[Finding]) -> None:
    """Write findings, whole or not at all. of: the digest of what they were made from. Raises OutputError."""
    content = [finding.to_json() for finding in findings]
    write_json(path, {"schema_version": SCHEMA_VERSION, "of": of, "findings": content})


def read_suspects(path: Path, of: str | None = None) -> tuple[Finding, ...] | None:
    """Return the findings that were kept; None where there are none, or none of `of`. Raises DataError."""
    if not path.is_file():
        return None
    content = read_json(path)
    if content.get("schema_version") != SCHEMA_VERSION or of not in (None, content.get("of")):
        return None
    try:
        return tuple(Finding(**one) for one in content["findings"])
    except (KeyError, TypeError) as error:
        raise DataError(f"The file cannot be used: {error}.", where=str(path), fix="delete it") from error


def in_words(findings: Sequence[Finding]) -> str:
    """Say in a line which masks are suspect, the worst few by name."""
    names = ", ".join(str(finding.sample) for finding in findings[:NAMED])
    more = f" and {len(findings) - NAMED} more" if len(findings) > NAMED else ""
    masks = "1 mask is" if len(findings) == 1 else f"{len(findings)} masks are"
    return f"labels {masks} suspect: {names}{more}"
