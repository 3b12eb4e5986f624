"""The program in this process, and stand-ins for what it calls."""

from typing import Any

import pytest

import maskwright
from maskwright.cli.main import main
from support.workflows import Calls, Run, Workflow


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the program in this process; return (exit code, stdout, stderr)."""
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ending:
            main(arguments)
        written = capsys.readouterr()
        return int(ending.value.code or 0), written.out, written.err

    return call


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """Put a stand-in for the workflow of that public name."""

    def replace(name: str, answer: Any) -> Calls:
        calls = Calls(answer)
        monkeypatch.setitem(vars(maskwright), name, calls)
        return calls

    return replace
