"""`predict` in a pipe: one picture, and one file made of it, whose content is handed back instead of being kept."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from maskwright.errors import ConfigError, DataError
from maskwright.images.cleaning import Cleaning
from maskwright.progress import Progress, ignore
from maskwright.runs.predict import predict_files
from maskwright.runs.predict_kinds import GATHERED, MASK, wanted_kinds
from maskwright.runs.predict_listing import Input, list_pictures


def predict_piped(
    model: str | Path,
    given: Input,
    *,
    write: str = MASK,
    simplify: float = 0.0,
    clean: str | Cleaning | None = None,
    runtime: str | None = None,
    precision: str | None = None,
    progress: Progress = ignore,
) -> bytes:
    """Return the content of the file that `predict_files` makes of one picture. write: which, one kind alone.

    Raises ConfigError for several pictures, or several files; DataError for a picture that cannot be read.
    """
    kinds = [kind for kind in wanted_kinds(write) if kind != MASK] or [MASK]
    if len(kinds) > 1:
        raise ConfigError(
            "Standard output takes one file.", where=f"--write {write}", fix="name one kind, or a folder with -o"
        )
    with TemporaryDirectory(prefix="maskwright-") as folder:
        with ExitStack() as held:
            listed, problems = list_pictures([given], Path(folder), held)
        if len(listed) + len(problems) != 1:
            raise ConfigError(
                f"Standard output takes the mask of one picture; these are {len(listed) + len(problems)}.",
                where="-o -", fix="name a folder with -o",
            )  # fmt: skip
        result = predict_files(
            model, [given], Path(folder) / "out", write=write, simplify=simplify, clean=clean, runtime=runtime,
            precision=precision, progress=progress,
        )  # fmt: skip
        if result.failures:
            error = result.failures[0]["error"]
            raise DataError(error["what"], where=error["where"], fix=error["fix"])
        return _only_file(kinds[0], result.outputs[0], result.files).read_bytes()


def _only_file(kind: str, output: dict[str, Any], gathered: Mapping[str, str]) -> Path:
    """Return the file of a kind. Raises ConfigError where there is one for each class."""
    if kind in GATHERED:
        return Path(gathered[kind])
    files = output.get("masks", [output["mask"]]) if kind == MASK else output.get("files", {}).get(kind)
    files = files or [output[kind]]
    if len(files) > 1:
        raise ConfigError(
            f"There are {len(files)} files, one for each class; standard output takes one.", where="-o -",
            fix="name a folder with -o",
        )  # fmt: skip
    return Path(files[0])
