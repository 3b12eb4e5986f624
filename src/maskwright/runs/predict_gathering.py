"""Files of all pictures together, made from the masks on disk: outlines for annotation tools, and a table of areas.

Each mask is read once for all files, and each file is written as pictures come: memory holds a few pictures, however
many there are, and the same masks give the same bytes, whenever and in however many goes they were made.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO, cast

import numpy as np

from maskwright.data.annotations.written.coco import CocoFile
from maskwright.data.annotations.written.cvat import CvatFile
from maskwright.data.annotations.written.label_studio import LabelStudioFile, interface
from maskwright.data.annotations.written.shapes import Drawn, Shape, outlined
from maskwright.errors import DataError
from maskwright.files import whole_file, write_text
from maskwright.images.classes import Classes
from maskwright.images.regions import foreground, layers
from maskwright.runs.predict_areas import AreasFile
from maskwright.runs.predict_jobs import Job
from maskwright.runs.predict_kinds import GATHERED, INTERFACE, PROBABILITIES
from maskwright.runs.predict_pictures import read_masks

_OUTLINED, _COUNTED = ("coco", "cvat"), ("areas",)
_WHOLE = 65535  # of a probability of 1 in its file


class GatheredFile(Protocol):
    """A file of all pictures, open for writing."""

    def part(self, drawn: Drawn) -> Any:
        """Return what is to be written of a picture; may be called in any thread."""

    def put(self, part: Any) -> None:
        """Write a picture."""

    def end(self) -> None:
        """Write the rest."""


@dataclass(frozen=True)
class Gathering:
    """Which files of all pictures are made of which jobs. simplify: how far outlines may leave the masks'."""

    jobs: Sequence[Job]
    kinds: tuple[str, ...]
    target: Path
    classes: Classes
    simplify: float = 0.0

    def path(self, kind: str) -> Path:
        """Return where a file lies."""
        return self.target / GATHERED[kind]

    def is_there(self, kind: str) -> bool:
        """Whether a file is there, with what belongs to it."""
        beside = [self.target / INTERFACE] if kind == "label-studio" else []
        return all(path.exists() for path in (self.path(kind), *beside))

    def digest(self, kind: str) -> str:
        """Return a digest of all that a file depends on. Raises DataError for a mask that is gone."""
        simplify = self.simplify if kind in _OUTLINED else 0.0
        digest = hashlib.sha256(json.dumps([kind, simplify, self.classes.names, self.classes.colours]).encode())
        for job in self.jobs:
            files = [*job.masks, *(self._scored(job) if kind == "coco" else ())]
            digest.update(json.dumps([job.called, [_state(file) for file in files]]).encode())
        return digest.hexdigest()

    def parts(self, writers: dict[str, GatheredFile], job: Job) -> dict[str, Any]:
        """Return what each file is to hold of a picture. Raises DataError for a mask that cannot be read."""
        mask = read_masks(job)
        regions = tuple(layers(mask, self.classes)) if writers.keys() & {*_OUTLINED, *_COUNTED} else ()
        shapes = outlined(regions, self.simplify) if writers.keys() & {*_OUTLINED} else []
        scores = self._scores(job, shapes) if "coco" in writers and self._scored(job) else None
        drawn = Drawn(job.called, mask, regions, shapes, scores)
        return {kind: writer.part(drawn) for kind, writer in writers.items()}

    def write(self, kinds: Sequence[str], in_order: Callable[[Callable[[Job], Any]], Iterator[Any]]) -> None:
        """Write files whole, or none. in_order: yields what a function gives for each job, in order.

        Raises OutputError, DataError for a mask that cannot be read.
        """
        with ExitStack() as stack:
            writers = {kind: stack.enter_context(self._opened(kind)) for kind in kinds}
            for parts in in_order(lambda job: self.parts(writers, job)):
                for kind, part in parts.items():
                    writers[kind].put(part)
            for writer in writers.values():
                writer.end()
        if "label-studio" in kinds:
            write_text(self.target / INTERFACE, interface(self.classes))

    @contextmanager
    def _opened(self, kind: str) -> Iterator[GatheredFile]:
        with whole_file(self.path(kind)) as temporary, ExitStack() as stack:
            file = stack.enter_context(open(temporary, "w", encoding="utf-8", newline="\n"))
            if kind == "coco":
                aside = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=self.target)
                yield CocoFile(file, cast(TextIO, stack.enter_context(aside)), self.classes)
            elif kind == "cvat":
                yield CvatFile(file, self.classes, len(self.jobs))
            elif kind == "label-studio":
                yield LabelStudioFile(file, self.classes)
            else:
                yield AreasFile(file, self.classes)

    def _scored(self, job: Job) -> list[Path]:
        """Return the files of probabilities, where they are wanted too."""
        return job.files(PROBABILITIES) if PROBABILITIES in job.kinds else []

    def _scores(self, job: Job, shapes: Sequence[Shape]) -> list[float]:
        """Return the mean probability of each shape's pixels."""
        from maskwright.images.formats import read_labels

        planes = [read_labels(file) for file in self._scored(job)]
        first = 0 if len(planes) == len(self.classes.names) else foreground(self.classes).start
        scores = []
        for shape in shapes:
            left, top, width, height = shape.box
            values = planes[shape.kind - first][top : top + height, left : left + width][shape.inside]
            scores.append(round(float(np.mean(values)) / _WHOLE, 4))
        return scores


def _state(file: Path) -> list[int]:
    """Return what tells whether a file was changed. Raises DataError where it is gone."""
    try:
        found = os.stat(file)
    except OSError as error:
        raise DataError("A file that was made is gone.", where=str(file), fix="predict once more") from error
    return [found.st_size, found.st_mtime_ns]
