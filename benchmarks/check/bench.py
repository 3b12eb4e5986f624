"""The fault bench: what of the faults that are brought into clean sets does `maskwright check` find, and what else?

    python benchmarks/check/bench.py --data ../shared/data
    python benchmarks/check/bench.py --sets pebbles-2 ecssd --kinds near-duplicate mask-shifted --output /tmp/some.json

Each clean set is checked as it is (whatever is found there is a false alarm, or an oddity that the set really has),
and then once for every few faults: a tenth of its pairs is damaged at each strength, at least 3, at most 12 and never
more than a third. A fault counts as found where a finding of its kind names the damaged picture.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from copies import CleanSet, Copy
from faultkind import Damage, Expected, Fault, bring_in, how_many
from faults import FAULTS
from tables import print_tables

from maskwright.audit.check import check_dataset
from maskwright.audit.findings import KINDS, Finding
from maskwright.data.dataset import Dataset
from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.errors import MaskwrightError
from maskwright.images.formats import read_info
from maskwright.recipe import DataOptions

HERE = Path(__file__).parent
SETS = {  # name -> (folder, pairs that are damaged, at most)
    "pebbles-2": ("", 48), "pebbles-3": ("", 48), "pets": ("pets", 60), "isic": ("isic/train", 60),
    "carvana": ("carvana", 16), "ecssd": ("ecssd", 60), "rocks": ("rocks", 20), "membrane": ("membrane", 30),
    "stone_garden": ("stone_garden", 60), "sandstone": ("sandstone", 5), "cwfid": ("cwfid", 6),
}  # fmt: skip
MOST_PIXELS = 3_000_000
TRAINED = ("suspect-label",)  # kinds that need a trained network: `benchmarks/check/suspects.py`
Key = tuple[str, frozenset[str]]


def main() -> None:
    """Read the command line, run the bench and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--kinds", nargs="+", choices=[kind for kind in KINDS if kind not in TRAINED])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="20 pairs a set and the mildest strength of each kind")
    parser.add_argument("--work", type=Path, help="a folder for the copies; a temporary one if it is left out")
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    given = parser.parse_args()
    kinds = given.kinds or [kind for kind in KINDS if kind not in TRAINED]
    begun = time.monotonic()
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    result: dict[str, Any] = {"schema_version": 1, "seed": given.seed, "seconds": 0, "machine": machine}
    result |= {"clean": {}, "faults": []}
    with tempfile.TemporaryDirectory(dir=given.work) as work:
        for name in given.sets:
            os.environ["MASKWRIGHT_CACHE"] = str(Path(work, "cache"))
            source = open_set(name, given.data, Path(work), given.seed)
            result["clean"][name] = whole_set(source)
            rng = np.random.default_rng([given.seed, *name.encode()])
            chosen = choose(source, 20 if given.quick else SETS[name][1], rng)
            subset = CleanSet(name, source, chosen, Path(work, name, "clean"))
            for row in run_set(
                subset, mildest(FAULTS) if given.quick else FAULTS, kinds, rng, Path(work, name, "copy")
            ):
                result["faults"].append(row)
                print(json.dumps(row), file=sys.stderr, flush=True)
            result["seconds"] = round(time.monotonic() - begun)
            given.output.write_text(json.dumps(result, indent=1) + "\n")
    print_tables(result)


def open_set(name: str, data: Path, work: Path, seed: int) -> Dataset:
    """Read a clean set; pebbles are made first."""
    folder = data / SETS[name][0]
    if name.startswith("pebbles"):
        folder = make_pebbles(work / name / "made", SETS[name][1], seed=seed + 1, classes=int(name[-1]))
    return read_dataset(folder.resolve(), DataOptions(masks="annotations") if name == "cwfid" else None)


def mildest(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """Return the first strength of each kind."""
    seen: dict[str, Fault] = {}
    for fault in faults:
        seen.setdefault(fault.kind, fault)
    return tuple(seen.values())


def choose(dataset: Dataset, most: int, rng: np.random.Generator) -> list[int]:
    """Return at most so many rows, at random, ascending; no pictures that take a second to read."""
    rows: list[int] = []
    for row in map(int, rng.permutation(len(dataset))):
        info = read_info(dataset[row].image)
        if len(rows) < most and info.height * info.width <= MOST_PIXELS:
            rows.append(row)
    return sorted(rows)


def whole_set(dataset: Dataset) -> dict[str, Any]:
    """Check a whole set as it is: findings by level and kind, and each one that is no note."""
    begun = time.monotonic()
    report = check_dataset(dataset)
    counts = Counter(f"{found.level} {found.kind}" for found in report.findings)
    listed = [f"{found.level} {found.kind}: {found.what}" for found in report.findings if found.level != "note"]
    return {"pairs": report.pairs, "findings": dict(counts), "listed": listed,
            "seconds": round(time.monotonic() - begun, 2)}  # fmt: skip


# --- one set ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Brought:
    """A fault that is in the copy now."""

    fault: Fault
    damage: Damage


def run_set(
    clean: CleanSet, faults: Iterable[Fault], kinds: Sequence[str], rng: np.random.Generator, folder: Path
) -> Iterator[dict[str, Any]]:
    """Damage, check and restore a copy of a set until all faults had their turn; yield a row for each."""
    copy, cache, kept = Copy(clean, folder), folder.with_name("cache"), folder.with_name("kept")
    shutil.rmtree(cache, ignore_errors=True)
    os.environ["MASKWRIGHT_CACHE"] = str(cache)
    before = check_dataset(copy.folder).findings
    put_folder(cache, kept)
    waiting = [fault for fault in faults if fault.kind in kinds]
    for fault in waiting:
        if why := fault.suits(clean):
            yield {"set": clean.name, "kind": fault.kind, "strength": fault.strength, "left_out": why}
    waiting = [fault for fault in waiting if not fault.suits(clean)]
    while waiting:
        copy.restore()
        put_folder(kept, cache)  # so that only damaged files are read anew
        brought, done = damage_some(copy, waiting, before, rng)
        waiting = [fault for fault in waiting if fault not in done]
        for fault in done:
            if not any(fault is there.fault for there in brought):
                yield {"set": clean.name, "kind": fault.kind, "strength": fault.strength,
                       "left_out": "no pair can have it"}  # fmt: skip
        if brought:
            yield from judge(clean.name, copy, brought, before)
    copy.restore()


def put_folder(source: Path, place: Path) -> None:
    """Copy a folder in place of what was there."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source, place)


def damage_some(
    copy: Copy, waiting: Sequence[Fault], before: Sequence[Finding], rng: np.random.Generator
) -> tuple[list[Brought], list[Fault]]:
    """Bring in the next fault, and others of its kind while no more than a third of the pairs is damaged."""
    brought: list[Brought] = []
    done: list[Fault] = []
    used: set[int] = set()
    for fault in waiting:
        if done and (fault.kind != done[0].kind or fault.whole or done[0].whole or fault.alone):
            break
        if done and len(used) + how_many(len(copy.pairs), fault.most) > len(copy.pairs) / 3:
            break
        odd = {name for found in before if found.kind in fault.kinds for name in names_of(found)}
        free = [pair for pair in copy.pairs if pair.row not in used and short(pair.id) not in odd]
        damage, pairs = bring_in(fault, copy, rng, free)
        used |= {pair.row for pair in pairs}
        done.append(fault)
        if damage is not None:
            brought.append(Brought(fault, damage))
    return brought, done


def judge(name: str, copy: Copy, brought: list[Brought], before: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    """Check a damaged copy; yield for each fault what was found of it, and what else was."""
    known = {key_of(found) for found in before}
    begun = time.monotonic()
    first = brought[0].damage
    refused, findings = "", ()
    try:
        findings = check_dataset(copy.folder, first.options, size=first.size).findings
    except MaskwrightError as error:
        refused = str(error)
    seconds = round(time.monotonic() - begun, 2)
    new = [found for found in findings if key_of(found) not in known]
    extras = [f"{found.level} {found.kind}: {found.what}" for found in unexplained(new, before, brought)]
    for there in brought:
        yield {"set": name, **row_of(there, new), "others": extras, "refused": refused, "seconds": seconds}
        extras, seconds = [], 0.0


def unexplained(new: Sequence[Finding], before: Sequence[Finding], brought: list[Brought]) -> list[Finding]:
    """Return new findings that no damage caused.

    Findings of the whole set that were there before may count anew, and where a set was laid out anew, all may.
    """
    damaged = [names for there in brought for expected in there.damage.expected for names in expected]
    touched = shorts(name for names in damaged for name in names)
    caused = {kind for there in brought for kind in (*there.fault.kinds, *there.fault.also)}
    anew = any(there.fault.whole for there in brought)
    there_before = {found.kind for found in before if anew or found.sample is None}
    return [
        found for found in new
        if not names_of(found) & touched and found.kind not in caused
        and not (found.kind in there_before and (anew or found.sample is None))
    ]  # fmt: skip


def row_of(there: Brought, new: Sequence[Finding]) -> dict[str, Any]:
    """Return what was found of a fault."""
    fault, expected = there.fault, there.damage.expected
    right = [found for found in new if found.kind in fault.kinds]
    hits = {i: found for i, one in enumerate(expected) for found in right if names_one(found, one)}
    missed = [one for i, one in enumerate(expected) if i not in hits]
    instead = Counter(found.kind for one in missed for found in new if any(names_of(found) & shorts(n) for n in one))
    return {
        "kind": fault.kind, "strength": fault.strength, "damaged": len(expected), "found": len(hits),
        "levels": dict(Counter(found.level for found in hits.values())),
        "as": dict(Counter(found.kind for found in hits.values() if found.kind != fault.kind)),
        "missed": [sorted(one[0]) for one in missed], "instead": dict(instead),
    }  # fmt: skip


# --- whom a finding names ---------------------------------------------------------------------------------------------


def short(name: str) -> str:
    """Return the last part of an id or path, without the suffix of a picture file."""
    last = name.rpartition("/")[2]
    stem, dot, suffix = last.rpartition(".")
    return stem if dot and 2 <= len(suffix) <= 4 and suffix.isalpha() else last


def shorts(names: Iterable[str]) -> frozenset[str]:
    """Return the last parts."""
    return frozenset(short(name) for name in names)


def names_of(found: Finding) -> frozenset[str]:
    """Return all that a finding names: its sample, and the samples, files and groups in its evidence."""
    names = {found.sample} if found.sample is not None else set()
    for key in ("samples", "files", "groups"):
        listed = found.evidence.get(key)
        names |= set(listed) if isinstance(listed, list | tuple) else set()
    return shorts(str(name) for name in names)


def names_one(found: Finding, expected: Expected) -> bool:
    """Whether a finding names all of one alternative; nothing asked for is named by a finding of the whole set."""
    return any(shorts(names) <= names_of(found) if names else found.sample is None for names in expected)


def key_of(found: Finding) -> Key:
    """Return what tells a finding from others, whatever its words."""
    return found.kind, names_of(found)


if __name__ == "__main__":
    main()
