"""The audit of a data set: every picture and mask is read once, and everything found is returned as values."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.audit.classes import class_findings
from maskwright.audit.comparisons import kept_comparisons
from maskwright.audit.facts import MaskFacts, PairFacts, look_at_pair
from maskwright.audit.families import find_families
from maskwright.audit.findings import Finding, limited, worst_first
from maskwright.audit.groups import group_findings
from maskwright.audit.leaks import leak_findings
from maskwright.audit.masks import mask_findings
from maskwright.audit.outliers import outlier_findings
from maskwright.audit.pairs import leftover_findings, size_findings
from maskwright.audit.pictures import picture_findings
from maskwright.audit.reading import Look, read_facts
from maskwright.audit.relatives import relative_findings
from maskwright.audit.rings import ring_findings
from maskwright.audit.shifted import shift_findings
from maskwright.audit.store import KeptFacts
from maskwright.audit.tiny import tiny_findings
from maskwright.audit.values import value_findings
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown
from maskwright.data.read import read_dataset
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding
from maskwright.progress import Progress, ignore
from maskwright.recipe import DataOptions


@dataclass(frozen=True)
class CheckReport:
    """pairs: pictures with masks. images, masks: files, those left over too. notes: what was guessed, in words.

    shares: class name -> (least, median, largest) share of a mask, over the masks that show it.
    dataset, facts: what was read, and what was seen of each of its rows. families: rows of pictures that are the same
    or nearly so. planned: how a training would look at the pictures (mode, size, scale, reasons), where that is known.
    """

    pairs: int
    images: int
    masks: int
    classes: Classes
    encoding: MaskEncoding
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    grouping: str = ""
    groups: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    bands: int = 3
    dtype: str = "uint8"
    dataset: Dataset | None = field(default=None, compare=False, repr=False)
    facts: Sequence[PairFacts] = field(default=(), compare=False, repr=False)
    families: tuple[tuple[int, ...], ...] = ()
    planned: Mapping[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that would make a training wrong."""
        return tuple(found for found in self.findings if found.level == "error")

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for the document of `maskwright check`."""
        return {
            "pairs": self.pairs,
            "images": self.images,
            "masks": self.masks,
            "classes": list(self.classes.names),
            "colours": [list(colour) for colour in self.classes.colours],
            "exclusive": self.classes.exclusive,
            "encoding": self.encoding.to_dict(),
            "bands": self.bands,
            "dtype": self.dtype,
            "grouping": self.grouping,
            "groups": self.groups,
            "parts": dict(self.parts),
            "shares": {name: list(values) for name, values in self.shares.items()},
            "notes": list(self.notes),
            "planned": dict(self.planned) or None,
            "findings": [found.to_json() for found in self.findings],
        }


def check_dataset(
    data: Dataset | str | Path,
    options: DataOptions | None = None,
    *,
    size: tuple[int, int] | None = None,
    look: Look = look_at_pair,
    progress: Progress = ignore,
) -> CheckReport:
    """Read every picture and mask of a set once and return all that is found, worst first.

    data: a data set, or the path of one, which is read with `options`. size: (height, width) that a whole picture
    will have in training, if it is planned already. look: reads one row, given the set and the row's number.
    What an earlier check has read, and what has not changed since, comes from the cache.

    Raises DataError only where the set as such cannot be read; a picture or mask that cannot be read is a finding.
    """
    dataset = data if isinstance(data, Dataset) else read_dataset(data, options, tolerant=True, progress=progress)
    facts = read_facts(dataset, look=look, progress=progress)
    pictures, masks = facts.pictures, facts.masks
    compared = kept_comparisons(facts.owner)
    families = find_families(dataset, facts.digests, facts.prints, facts.printed, progress, compared)
    compared.keep()
    sizes = size_findings(dataset, pictures, masks)
    other_size = frozenset(found.sample for found in sizes if found.level == "error" and found.sample is not None)
    findings = chain(
        picture_findings(dataset, pictures),
        sizes,
        mask_findings(dataset, masks),
        value_findings(dataset, masks),
        shift_findings(dataset, pictures, masks, without=other_size),
        ring_findings(dataset, masks),
        class_findings(dataset, masks),
        tiny_findings(dataset, masks, size),
        relative_findings(dataset, families, pictures, masks),
        leak_findings(dataset, families.same, families.all()),
        group_findings(dataset, pictures),
        outlier_findings(dataset, facts.prints, facts.printed),
        leftover_findings(dataset),
    )
    return _report(dataset, facts, _at_pictures(dataset, worst_first(limited(findings))), families.all())


def _at_pictures(dataset: Dataset, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return findings that name the picture's file where they name a mask in the cache, drawn from outlines."""
    if not dataset.drawn:
        return findings
    images = dict(zip(dataset.columns.ids, dataset.columns.images, strict=True))
    return tuple(_at_picture(dataset, images, found) for found in findings)


def _at_picture(dataset: Dataset, images: Mapping[str, str], found: Finding) -> Finding:
    image = images.get(found.sample or "")
    if image is None or not found.where or Path(found.where).is_relative_to(dataset.root):
        return found
    return replace(found, where=shown(str(dataset.root / image), 500))


def _report(
    dataset: Dataset, facts: KeptFacts, findings: tuple[Finding, ...], families: tuple[tuple[int, ...], ...]
) -> CheckReport:
    columns = dataset.columns
    pairs = sum(bool(row) for row in columns.masks)
    parts = {part: columns.parts.count(part) for part in ("train", "val", "test", "") if part in columns.parts}
    return CheckReport(
        pairs=pairs,
        images=len(dataset) + len(dataset.leftovers.images),
        masks=_distinct(path for row in columns.masks for path in row) + len(dataset.leftovers.masks),
        classes=dataset.classes,
        encoding=dataset.encoding,
        findings=findings,
        notes=dataset.notes,
        grouping=dataset.grouping,
        groups=_distinct(columns.groups),
        parts={part or "none": count for part, count in parts.items()} if set(parts) != {""} else {},
        shares=_shares(dataset, facts.masks),
        bands=dataset.bands,
        dtype=dataset.dtype,
        dataset=dataset,
        facts=facts,
        families=families,
    )


def _distinct(names: Iterable[str]) -> int:
    """Count names that differ, by their hashes: eight bytes each, since there may be millions."""
    return int(np.unique(np.fromiter(map(hash, names), np.int64)).size)


def _shares(dataset: Dataset, masks: Iterable[MaskFacts]) -> dict[str, tuple[float, float, float]]:
    found: dict[int, array[float]] = {}
    for mask in masks:
        counts = mask.counts or {}
        total = mask.height * mask.width - counts.get(IGNORE, 0)
        for label, pixels in counts.items():
            if label != IGNORE and pixels and total:
                found.setdefault(label, array("d")).append(pixels / total)
    return {
        name: (round(min(values), 6), round(float(np.median(values)), 6), round(max(values), 6))
        for label, name in enumerate(dataset.classes.names)
        if (values := found.get(label))
    }
