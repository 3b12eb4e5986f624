"""One measurement: a program as a process of its own, the JSON that it prints, the memory that its tree takes.

Memory is read from /proc (Linux); elsewhere it is None.
"""

import json
import os
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SAMPLE_SECONDS = 0.5
PROC = Path("/proc")


@dataclass(frozen=True)
class Measurement:
    """value: what the program printed, in the row's unit. wall_seconds: of the whole process.

    memory_bytes: the larger of the highest VmHWM of any process of the tree, and the largest sum of their proportional
    shares (PSS) at one of the moments looked at; None where there is no /proc. details: whatever else was printed.
    """

    value: float
    wall_seconds: float
    memory_bytes: int | None
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "value": self.value,
            "wall_seconds": round(self.wall_seconds, 2),
            "memory_bytes": self.memory_bytes,
            "details": dict(self.details),
        }


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measurement:
    """Run a program to its end and return what it printed last, a JSON object with "value".

    environment: added to this process's own, but for what keeps Python from storing compiled modules: no user has
    that set. Raises RuntimeError where the program fails or prints no such object.
    """
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**own, **environment}
    ) as process:
        watch = MemoryWatch(process.pid)
        watch.start()
        said, complaint = process.communicate()
    seconds = time.monotonic() - begun
    memory = watch.stop()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{complaint[-4000:]}")
    content = read_answer(said)
    return Measurement(content.pop("value"), seconds, memory, content)


def compile_modules() -> None:
    """Compile what is installed beside this interpreter, as pip does when it installs."""
    command = (sys.executable, "-m", "compileall", "-q", "-j", "0", sysconfig.get_path("purelib"))
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # some packages ship files for other Pythons


def read_answer(said: str) -> dict[str, Any]:
    """Return the JSON object of the last line. Raises RuntimeError."""
    try:
        content = json.loads(said.strip().splitlines()[-1])
        if isinstance(content["value"], int | float):
            return dict(content)
    except (IndexError, ValueError, KeyError, TypeError):
        pass
    raise RuntimeError(f"the last line is no JSON object with a number 'value':\n{said[-2000:]}")


class MemoryWatch(threading.Thread):
    """Looks at a process and its descendants now and then, until it is stopped."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.highest, self.together = process, 0, 0
        self._ended = threading.Event()

    def run(self) -> None:
        """Look, wait, look."""
        while not self._ended.wait(SAMPLE_SECONDS):
            self.look()

    def look(self) -> None:
        """Take one look at the tree."""
        if not PROC.is_dir() or sys.platform != "linux":
            return
        tree = descendants(self.process)
        self.highest = max([self.highest, *(_bytes(PROC / str(one) / "status", "VmHWM") for one in tree)])
        self.together = max(self.together, sum(_bytes(PROC / str(one) / "smaps_rollup", "Pss") for one in tree))

    def stop(self) -> int | None:
        """End and return the peak in bytes, None if nothing could be seen."""
        self._ended.set()
        self.join()
        return max(self.highest, self.together) or None


def descendants(process: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent(entry), []).append(int(entry.name))
    found = [process]
    for one in found:
        found += children.get(one, [])
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0  # it has ended meanwhile


def _bytes(file: Path, key: str) -> int:
    """Read a line such as "VmHWM:   123 kB"; 0 for a process that has ended."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), 0)
