"""Every command and every Python line of the pages runs, in order, in a folder with a small picture set.

So that they end within seconds, `train` and `plan` lines get a tiny network, and one epoch in place of minutes; nothing
else is changed. What minutes do is tested elsewhere.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import maskwright

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(console|bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUICK = {"model.encoder": "none", "model.weights": "none", "model.size": 64}
MINUTES = re.compile(r"minutes([= ])\d+")
WELL = (0, 3)  # `check` may find errors


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return (language, text) of what a reader is told to run."""
    return [(found[1], found[2]) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def lines(text: str) -> list[list[str]]:
    """Return the commands of a console block ("$ ..."), split into words."""
    told = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True) for line in told]


def quick(words: list[str]) -> list[str]:
    """Make a `maskwright train` or `maskwright plan` end within seconds."""
    if words[:2] not in (["maskwright", "train"], ["maskwright", "plan"]):
        return words
    shortened = words if words[1] == "plan" else shlex.split(MINUTES.sub(r"epochs\g<1>1", shlex.join(words)))
    return [*shortened, *(f"--set={key}={value}" for key, value in QUICK.items())]


def run(words: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in WELL, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"


def quick_python(text: str) -> str:
    """Make `maskwright.train` in a Python block end within seconds."""
    prelude = (
        f"import functools, maskwright\nmaskwright.train = functools.partial(maskwright.train, overrides={QUICK})\n"
    )
    return prelude + MINUTES.sub(r"epochs\g<1>1", text)


def test_the_readme_holds_commands_and_python_lines() -> None:
    assert {language for language, _ in blocks(ROOT / "README.md")} == {"console", "python"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_told_command_is_one_of_ours(page: Path) -> None:
    told = [words for language, text in blocks(page) if language != "python" for words in lines(text)]
    assert all(words[0] == "maskwright" for words in told)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_the_pages_run(page: Path, tmp_path: Path) -> None:
    maskwright.make_pebbles(tmp_path / "lesions", 60, size=(72, 96), seed=1)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for language, text in blocks(page):
        if language == "python":
            run_python(text, tmp_path, environment)
        for words in lines(text):
            run(quick(words), tmp_path, environment)


def run_python(text: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", quick_python(text)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
