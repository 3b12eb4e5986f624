"""The reference page is made from the program, and the pages name every command and public name."""

import importlib.util
from pathlib import Path

import pytest

import maskwright
from maskwright.cli.documents import DOCUMENTS

DOCS = Path(__file__).parents[2] / "docs"
README = (DOCS.parent / "README.md").read_text(encoding="utf-8")


def test_the_reference_is_fresh() -> None:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    held = (DOCS / "reference.md").read_text(encoding="utf-8")
    assert held == module.make_reference(), "run `make schemas`"


@pytest.mark.parametrize("command", sorted(DOCUMENTS))
def test_the_readme_names_every_command(command: str) -> None:
    named = (f"maskwright {command}", f"make {command}", f"--{command}")  # the last: an option with its own document
    assert any(words in README for words in named)


@pytest.mark.parametrize("name", ["read_dataset", "check", "train", "evaluate", "load", "MaskwrightError"])
def test_the_readme_shows_the_public_names(name: str) -> None:
    assert f"maskwright.{name}" in README
    assert name in maskwright.__all__


def test_every_link_of_the_pages_leads_to_a_file() -> None:
    for page in (DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", *DOCS.rglob("*.md")):
        for part in page.read_text(encoding="utf-8").split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"
