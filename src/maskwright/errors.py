"""Errors a user can put right: each says what is wrong, where, and how to fix it.

Knows nothing of files, pictures or networks. The edge (`cli/`) turns these into text and exit code 1;
any other exception is a bug of ours and keeps its traceback.
"""

from importlib import import_module
from types import ModuleType


class MaskwrightError(Exception):
    """Base of everything a user can put right.

    what: one sentence, the finding. where: file, row, key or part concerned. fix: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Copy across processes without losing `where` and `fix` (worker pools send errors back)."""
        return _rebuild, (type(self), self.what, self.where, self.fix)


def _rebuild(kind: type[MaskwrightError], what: str, where: str, fix: str) -> MaskwrightError:
    return kind(what, where=where, fix=fix)


class DataError(MaskwrightError, ValueError):
    """A picture, mask, folder or table that cannot be used as it is."""


class ShapeError(MaskwrightError, ValueError):
    """Arrays whose shapes do not belong together."""


class ConfigError(MaskwrightError, ValueError):
    """A recipe, option or name that is not valid."""


class OutputError(MaskwrightError, OSError):
    """A result that cannot be written: disk full, read-only, already there."""


class TrainingError(MaskwrightError, RuntimeError):
    """A training that cannot go on, such as a loss that is not finite."""


class ExportError(MaskwrightError, RuntimeError):
    """A model file that does not equal the trained network."""


class MissingDependency(MaskwrightError, ImportError):
    """An optional package that this work needs and that is not installed."""


def need(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional module, or raise MissingDependency with the line that installs it.

    purpose: what needs it, as the subject of a sentence ("ONNX export").
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # it is installed; something inside it is missing, so say that
        raise MissingDependency(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed.",
            fix=f"pip install 'maskwright[{extra}]'",
        ) from None
