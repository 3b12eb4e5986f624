"""The product as a user runs it: `python -m maskwright ...` in a process of its own, and what it leaves in a run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def maskwright(*arguments: str) -> dict[str, Any]:
    """Run a command with --json and return its document. Raises SystemExit with its error."""
    command = [sys.executable, "-m", "maskwright", *arguments, "--json", "--quiet"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    if not document["ok"]:
        raise SystemExit(f"{' '.join(command)}: {document['error']}")
    return document


def events_of(run: Path, kind: str) -> list[dict[str, Any]]:
    """Return a run's events of one kind, oldest first."""
    lines = (run / "events.jsonl").read_text("utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]
