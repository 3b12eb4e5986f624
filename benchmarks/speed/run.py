"""Our side against the script that a competent user writes today: same network, batch, pictures and machine.

    python benchmarks/speed/run.py [ROW ...] [--rounds 3] [--data FOLDER] [--weights FOLDER]

Each row runs two programs in turn, A B A B A B, each as a process of its own, and prints a line when it is done; rows
that take minutes have fewer rounds. Every measurement goes into results.json; rows that are run alone are merged into
it. `page.py` then rewrites the tables of docs/performance.md. `--list` names the rows. The pictures laid out and the
model trained to predict with are made anew each time, unless --work names a folder for them.
"""

import argparse
import contextlib
import os
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from machine import describe_machine
from measuring import Measurement, compile_modules, measure
from results import Document, read_results, write_results
from rows import ROWS, NotHere, Place, Row
from words import line_of

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def main() -> None:
    """Measure the rows asked for, one after another."""
    options = parse()
    if options.list:
        print("\n".join(f"{row.name:<10} {row.title}" for row in ROWS.values()))
        return
    compile_modules()
    results = read_results(options.output, describe_machine())
    with contextlib.ExitStack() as stack:
        temporary = options.work or stack.enter_context(tempfile.TemporaryDirectory(prefix="maskwright-bench-"))
        place = Place(options.data, options.weights, Path(temporary), results, options.keras)
        for name in options.rows or ROWS:
            begun = time.monotonic()
            row = run_row(ROWS[name], place, options.rounds)
            row["minutes"] = round((time.monotonic() - begun) / 60, 1)
            measured = {**results["rows"], name: row}
            results["rows"] = {known: measured[known] for known in ROWS if known in measured}
            write_results(options.output, results)
            print(line_of(row), flush=True)


def parse() -> argparse.Namespace:
    """Read the command line. Raises SystemExit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=_outside("MASKWRIGHT_DATA", "data"))
    parser.add_argument("--weights", type=Path, default=_outside("MASKWRIGHT_WEIGHTS", "weights"))
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    parser.add_argument(
        "--work",
        type=Path,
        help="an existing folder for pictures and runs, kept for the next time; by default one that is removed",
    )
    parser.add_argument("--keras", type=Path, default=ROOT / ".venv-bench-keras" / "bin" / "python")
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    options = parser.parse_args()
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}: {', '.join(ROWS)}")
    return options


def _outside(variable: str, name: str) -> Path:
    return Path(os.environ.get(variable) or ROOT.parent / "shared" / name)


def run_row(row: Row, place: Place, rounds: int) -> Document:
    """Measure both sides in turn."""
    about: Document = {
        "title": row.title, "aim": row.aim.to_json(), "unit": row.unit, "compared": row.compared,
        "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
    try:
        prepared = row.prepare(place)
        most = row.most_rounds or (rounds, rounds)
        times = {"ours": min(rounds, most[0]) if row.ours else 0, "ordinary": min(rounds, most[1])}
        sides: dict[str, list[Measurement]] = {"ours": [], "ordinary": []}
        for turn in range(rounds):
            for side, taken in sides.items():
                if turn < times[side]:
                    taken.append(_measure_once(row, side, place, prepared))
        return about | row.summarise(place, *([one.to_json() for one in sides[side]] for side in sides))
    except NotHere as absent:
        return about | {"absent": str(absent)}


def _measure_once(row: Row, side: str, place: Place, prepared: Path) -> Measurement:
    """Run one program once, with a cache and a work folder of its own."""
    work = place.work / "turn"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    command = row.command(side)(place, prepared, work)
    taken = measure(command, {"MASKWRIGHT_CACHE": str(work / "cache"), "HF_HUB_OFFLINE": "1"})
    print(f"  {row.name:<10} {side:<9} {taken.value:10.3f} {row.unit}   {taken.wall_seconds:6.1f} s in all", flush=True)
    return taken


if __name__ == "__main__":
    main()
