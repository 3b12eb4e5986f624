"""Findings about single masks: readable, values that are classes, blurred, empty, constant."""

from collections.abc import Iterator, Mapping, Sequence

from maskwright.audit.facts import MaskFacts
from maskwright.audit.findings import LISTED, Finding, Level, Many, together
from maskwright.audit.pictures import broken, file_findings
from maskwright.audit.values import stray_values
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown
from maskwright.images.classes import IGNORE

_SOFT_SHARE = 0.25  # a mask with more pixels in the middle between its two values is no mask with blurred borders


def mask_findings(dataset: Dataset, masks: Sequence[MaskFacts]) -> Iterator[Finding]:
    """Yield what is found about each mask."""
    soft, empty = Many(), Many()
    for name, mask in zip(dataset.columns.ids, masks, strict=True):
        if not mask.paths:
            continue
        for info, path in zip(mask.infos, mask.paths, strict=False):
            yield from file_findings(name, info, path, "mask")
        if mask.error is not None:
            yield _undecodable(dataset, name, mask)
        elif mask.soft:
            blurred = _soft(name, mask)
            if blurred.level == "error":
                yield blurred
            elif not stray_values(mask):
                soft.append(blurred)
        for finding in _without_foreground(dataset, name, mask) if mask.counts is not None else ():
            if finding.kind == "mask-empty":
                empty.append(finding)
            else:
                yield finding
    yield from together(soft, len(dataset), "{count} masks have blurred or lossy borders, which are cut at half")
    yield from _level_of_empty(dataset, empty)


def _where(mask: MaskFacts) -> str:
    return shown(str(mask.paths[0]), 500)


def _undecodable(dataset: Dataset, name: str, mask: MaskFacts) -> Finding:
    error = mask.error
    if error is None:
        raise ValueError("the mask has no error")
    if mask.height == 0 and "palette" not in error.what:
        return broken(name, error, mask.paths[min(len(mask.infos), len(mask.paths)) - 1], "mask")
    kind = "size-mismatch" if "differ in size" in error.what else "mask-values"
    evidence = {"values": mask.unknown or {}, "encoding": dataset.encoding.kind}
    what = error.what
    if mask.unknown and len(mask.unknown) > 1:
        pixels = sum(mask.unknown.values())
        what = f"{what[:-1]}; {len(mask.unknown)} such values or more in {pixels} pixels."
    return Finding(kind, "error", name, what, shown(error.where or str(mask.paths[0]), 500), error.fix, evidence)


def _soft(name: str, mask: MaskFacts) -> Finding:
    share = mask.soft / max(1, mask.height * mask.width)
    evidence = {"pixels": mask.soft, "share": round(share, 6)}
    undecided = mask.undecided / max(1, mask.height * mask.width)
    if undecided > _SOFT_SHARE:
        return Finding(
            "mask-values", "error", name,
            f"{undecided:.0%} of the mask lies between background and foreground: that is more than blurred borders.",
            _where(mask), "see whether this is a mask, or state the encoding in dataset.yaml", evidence,
        )  # fmt: skip
    pixels = f"{mask.soft} pixel{'s' if mask.soft != 1 else ''}"
    return Finding(
        "mask-antialiased", "note", name,
        f"The mask has blurred or lossy borders ({pixels}, {share:.2%}); they are cut at half.",
        _where(mask), "nothing to do; for exact borders save masks without anti-aliasing, as PNG", evidence,
    )  # fmt: skip


def _without_foreground(dataset: Dataset, name: str, mask: MaskFacts) -> list[Finding]:
    counts = mask.counts or {}
    shown_labels = [label for label, pixels in counts.items() if pixels and label != IGNORE]
    evidence = {"labels": shown_labels}
    if mask.raw_constant is not None and dataset.encoding.kind == "trimap" or not shown_labels and counts.get(IGNORE):
        value = f"{mask.raw_constant} throughout" if mask.raw_constant is not None else "ignored pixels only"
        what = f"The mask holds {value}."
        return [_constant(name, mask, what, {**evidence, "value": mask.raw_constant})]
    if not dataset.classes.exclusive:
        return [] if shown_labels else [_empty(name, mask)]
    if shown_labels == [0] and (dataset.classes.binary or dataset.classes.names[0] == "background"):
        return [_empty(name, mask)]
    if len(shown_labels) == 1 and not counts.get(IGNORE):
        what = f"The mask is {dataset.classes.names[shown_labels[0]]} throughout."
        return [_constant(name, mask, what, evidence)]
    return []


def _empty(name: str, mask: MaskFacts) -> Finding:
    return Finding(
        "mask-empty", "note", name, "The mask shows no foreground.", _where(mask),
        "nothing to do if the picture really shows none; otherwise draw its mask", {},
    )  # fmt: skip


def _constant(name: str, mask: MaskFacts, what: str, evidence: Mapping[str, object]) -> Finding:
    return Finding(
        "mask-constant", "warning", name, what, _where(mask),
        "see whether the picture really shows one class only; otherwise correct or remove the pair", evidence,
    )  # fmt: skip


def _level_of_empty(dataset: Dataset, empty: Many) -> list[Finding]:
    """Empty masks are normal, unless all of them are."""
    level: Level = "error" if len(empty) == len(dataset) else "warning" if len(empty) * 2 > len(dataset) else "note"
    if level == "note":
        return empty.singly()
    said = f"{len(empty)} of {len(dataset)} masks show no foreground."
    fix = "see whether the right files are taken for masks (--masks FOLDER), and what their values mean (values: ...)"
    samples = [finding.sample for finding in empty.first[:LISTED]]
    return [Finding("mask-empty", level, None, said, "", fix, {"count": len(empty), "samples": samples})]
