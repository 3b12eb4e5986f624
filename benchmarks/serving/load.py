"""Load: requests a second, and how long they take, of `maskwright serve` and of the ordinary script.

    python benchmarks/serving/load.py RUN PICTURES [--seconds 20] [--clients 1 8 64] [--rounds 2]
    python benchmarks/serving/load.py RUN PICTURES --memory 10000
    python benchmarks/serving/load.py RUN PICTURES --overload 20

Both serve the same network; each client sends a picture, waits for its mask, and sends the next one. They take turns,
in processes of their own; clients are threads of this one. --memory: the service's memory after so many requests.
--overload: for so many seconds twice the clients that fill the queue; what is answered, then whether it recovers.
"""

import argparse
import collections
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
PORT = 8765


@contextlib.contextmanager
def served(command: Sequence[str], run: Path) -> Iterator[int]:
    """Start a service and wait until it answers; yield its process number."""
    process = subprocess.Popen(
        command, env={**os.environ, "RUN": str(run)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
                connection.request("GET", "/openapi.json")
                if connection.getresponse().status == 200:
                    break
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(f"it did not start: {' '.join(command)}")
            time.sleep(0.2)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def ours(run: Path) -> list[str]:
    """The command of our side."""
    return [sys.executable, "-m", "maskwright", "serve", str(run), "--port", str(PORT), "--quiet"]


def ordinary() -> list[str]:
    """The command of the other side."""
    return [
        sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "ordinary:app", "--port", str(PORT),
        "--log-level", "warning",
    ]  # fmt: skip


def load(pictures: Sequence[bytes], clients: int, seconds: float) -> tuple[list[float], collections.Counter[int]]:
    """Return the seconds of each request that was answered within `seconds`, and how often each status came."""
    times: list[float] = []
    statuses: collections.Counter[int] = collections.Counter()
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        at = number
        while time.monotonic() < end:
            at += 1
            begun = time.monotonic()
            try:
                connection.request("POST", "/predict", pictures[at % len(pictures)])
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                statuses[0] += 1
                connection.close()
                continue
            statuses[response.status] += 1
            if response.status == 200 and time.monotonic() < end:
                times.append(time.monotonic() - begun)
            elif response.status == 429:
                time.sleep(0.1)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, statuses


def figures(times: Sequence[float], seconds: float) -> dict[str, float]:
    """Return requests a second, and percentiles of their milliseconds."""
    ordered = sorted(times)
    at = {f"p{share}": 1000 * ordered[min(len(ordered) - 1, int(share / 100 * len(ordered)))] for share in (50, 95, 99)}
    return {"per_second": len(times) / seconds, **at}


def compare(run: Path, pictures: Sequence[bytes], clients: Sequence[int], seconds: float, rounds: int) -> None:
    """Print a line for each number of clients, both sides in turn."""
    found: dict[tuple[int, str], list[dict[str, float]]] = collections.defaultdict(list)
    for _ in range(rounds):
        for side, command in (("maskwright", ours(run)), ("ordinary", ordinary())):
            with served(command, run):
                load(pictures, 2, 2.0)  # the first ones warm it up
                for number in clients:
                    times, statuses = load(pictures, number, seconds)
                    found[number, side].append(figures(times, seconds))
                    if set(statuses) - {200}:
                        print(f"{side}, {number} clients: {dict(statuses)}")
    print("clients  side        per s    p50    p95    p99 ms")
    for (number, side), rows in sorted(found.items()):
        row = {name: statistics.median(one[name] for one in rows) for name in rows[0]}
        print(f"{number:7}  {side:10} {row['per_second']:6.1f} {row['p50']:6.0f} {row['p95']:6.0f} {row['p99']:6.0f}")
    print(json.dumps({f"{number} {side}": rows for (number, side), rows in found.items()}))


def memory(run: Path, pictures: Sequence[bytes], requests: int) -> None:
    """Print the service's memory as requests go on."""
    with served(ours(run), run) as process:
        done = 0
        while done < requests:
            times, _ = load(pictures, 8, 15.0)
            done += len(times)
            status = Path(f"/proc/{process}/status").read_text()
            resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
            print(f"{done:6} requests: {int(resident) / 1024:.0f} MB", flush=True)


def overload(run: Path, pictures: Sequence[bytes], seconds: float) -> None:
    """Send more than is taken, then as much as is taken."""
    with served([*ours(run), "--queue", "16"], run):
        for clients in (8, 32, 8):
            times, statuses = load(pictures, clients, seconds)
            print(f"{clients} clients, queue of 16: {dict(statuses)}, {figures(times, seconds)}", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--memory", type=int, metavar="REQUESTS")
    parser.add_argument("--overload", type=float, metavar="SECONDS")
    given = parser.parse_args()
    pictures = [path.read_bytes() for path in sorted(given.pictures.iterdir())[:64] if path.is_file()]
    if given.memory:
        memory(given.run, pictures, given.memory)
    elif given.overload:
        overload(given.run, pictures, given.overload)
    else:
        compare(given.run, pictures, given.clients, given.seconds, given.rounds)


if __name__ == "__main__":
    main()
