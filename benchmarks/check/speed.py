"""How fast `check` reads, how much memory it takes, and how soon a second check of an unchanged set is done.

    python benchmarks/check/speed.py --data ../shared/data
    python benchmarks/check/speed.py --cases listing --rows 2000000 --json speed.json

Cases: `pets` (real pictures), `pebbles` (generated pairs), `listing` (names and headers of a set that is not there:
nothing is decoded). Each check runs in a process of its own, so that its peak of memory is its own; pebbles are drawn
beforehand and kept in the folder given by --work, if one is given.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maskwright.audit.check import check_dataset
from maskwright.audit.facts import MaskFacts, PairFacts, PictureFacts
from maskwright.data.dataset import Columns, Dataset
from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.images.classes import Classes
from maskwright.images.formats import ImageInfo
from maskwright.images.masks import MaskEncoding
from maskwright.progress import Step

CASES = ("pets", "pebbles", "listing")
SIDES = (96, 128)  # height and width of a pebble picture


@dataclass(frozen=True)
class Measured:
    """One check. listed, read, found: seconds of each; cpu: seconds of all cores in all. peak, before: megabytes."""

    case: str
    check: str
    pairs: int
    listed: float
    read: float
    found: float
    cpu: float
    peak: int
    before: int
    findings: int

    @property
    def rate(self) -> float:
        """Return pairs a second, over all."""
        return self.pairs / (self.listed + self.read + self.found)


def main() -> None:
    """Run the cases, print a table, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--pairs", type=int, default=10_000, help="of pebbles")
    parser.add_argument("--rows", type=int, default=2_000_000, help="of the simulated listing")
    parser.add_argument("--work", type=Path, help="where pebbles are kept; a temporary folder if it is left out")
    parser.add_argument("--json", type=Path, help="a file for the figures; - prints them")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # case, which check, where: in a process of its own
    given = parser.parse_args()
    if given.one:
        print(json.dumps(asdict(measure(given.one[0], given.one[1], given.one[2]))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        results = [result for case in given.cases for result in run(case, given, work, Path(scratch))]
    for line in table(results):
        print(line)
    content = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version(),
               "results": [{**asdict(result), "rate": round(result.rate, 1)} for result in results]}  # fmt: skip
    if given.json is not None:
        text = json.dumps(content, indent=2) + "\n"
        _ = print(text) if str(given.json) == "-" else given.json.write_text(text, encoding="utf-8")


def run(case: str, given: argparse.Namespace, work: Path, scratch: Path) -> list[Measured]:
    """Check a set twice, with a cache that is empty at first."""
    if case == "listing":
        return [alone(case, "simulated", str(given.rows), scratch / case)]
    folder = given.data / "pets" if case == "pets" else pebbles(work / f"pebbles-{given.pairs}", given.pairs)
    return [alone(case, which, str(folder), scratch / case) for which in ("first", "second")]


def pebbles(folder: Path, pairs: int) -> Path:
    """Draw the pairs that are not there yet."""
    if not (folder / "masks" / f"pebbles_{pairs - 1:04d}.png").exists():
        make_pebbles(folder, pairs, size=SIDES)
    return folder


def alone(case: str, which: str, where: str, cache: Path) -> Measured:
    """Measure one check in a process of its own."""
    command = [sys.executable, __file__, "--one", case, which, where]
    done = subprocess.run(
        command, env={**os.environ, "MASKWRIGHT_CACHE": str(cache)}, check=True, capture_output=True, text=True
    )
    return Measured(**json.loads(done.stdout))


def measure(case: str, which: str, where: str) -> Measured:
    """Check one set, here and now."""
    begin, worked = time.monotonic(), time.process_time()
    dataset = listing(int(where)) if case == "listing" else read_dataset(where)
    before, listed = megabytes(), time.monotonic()
    ends = Counter({"check": listed})

    def note(step: Step) -> None:
        ends[step.stage] = time.monotonic()

    options: dict[str, Any] = {"look": header_only} if case == "listing" else {}
    report = check_dataset(dataset, progress=note, **options)
    end = time.monotonic()
    return Measured(
        case, which, len(dataset), round(listed - begin, 2), round(ends["check"] - listed, 2),
        round(end - ends["check"], 2), round(time.process_time() - worked, 2), megabytes(), before,
        len(report.findings),
    )  # fmt: skip


def listing(rows: int) -> Dataset:
    """Make a data set of names; there are no files."""
    names = tuple(f"{i // 10_000:04d}/{i:08d}" for i in range(rows))
    columns = Columns(
        names, tuple(f"images/{name}.jpg" for name in names), tuple((f"masks/{name}.png",) for name in names),
        names, ("",) * rows,
    )  # fmt: skip
    encoding = MaskEncoding("binary", ((0, 0), (255, 1)))
    return Dataset(Path("/no/such/folder"), columns, Classes(("background", "foreground")), encoding)


def header_only(dataset: Dataset, row: int) -> PairFacts:
    """Make up what the headers of a picture and a mask say: now and then something odd."""
    height = 480 if row % 1000 else 481
    picture = PictureFacts(
        dataset.root / dataset.columns.images[row],
        ImageInfo(
            480, 640, 3, "uint8", "PNG" if row % 500 == 7 else "JPEG", "RGB", 6 if row % 50 == 3 else 1, 1, False
        ),
    )
    mask = MaskFacts(
        (dataset.root / dataset.columns.masks[row][0],), height, 640,
        (ImageInfo(height, 640, 1, "uint8", "PNG", "L", 1, 1, False),),
        counts={0: height * 640 - row % 7 * 100, 1: row % 7 * 100} if row % 7 else {0: height * 640},
    )  # fmt: skip
    return PairFacts(picture, mask)


def megabytes() -> int:
    """Return the most memory that this process has used so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def table(results: list[Measured]) -> list[str]:
    """Return the figures as lines of text."""
    lines = [
        f"{'case':<9}{'check':<11}{'pairs':>9}{'list':>8}{'read':>9}{'find':>8}{'cpu':>9}{'pairs/s':>10}{'peak':>9}{'before':>9}"
    ]
    for r in results:
        times = f"{r.listed:>6.1f} s{r.read:>7.1f} s{r.found:>6.1f} s{r.cpu:>7.1f} s"
        lines.append(f"{r.case:<9}{r.check:<11}{r.pairs:>9}{times}{r.rate:>10.0f}{r.peak:>6} MB{r.before:>6} MB")
    return lines


if __name__ == "__main__":
    main()
