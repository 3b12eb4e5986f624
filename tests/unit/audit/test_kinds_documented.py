"""Every kind of finding has its section in docs/check.md, in the order of the list, with its picture."""

import re
from pathlib import Path

import pytest
from PIL import Image

from maskwright.audit.findings import KINDS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "check.md").read_text(encoding="utf-8")
KINDS_PART = PAGE.partition("\n## The kinds\n")[2]
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", KINDS_PART, re.DOTALL | re.MULTILINE))
LARGEST = 25_000  # bytes of a picture


def test_the_sections_are_the_kinds_in_their_order() -> None:
    assert list(SECTIONS) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_explained_with_its_level(kind: str) -> None:
    for told in ("- Why it hurts: ", "- How it is found: ", "- How to put it right: "):
        assert told in SECTIONS[kind]
    assert re.search(r"\*\*(error|warning|note)\*\*", SECTIONS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_small_picture(kind: str) -> None:
    assert re.search(rf"!\[.+\]\(images/check/{kind}\.png\)", SECTIONS[kind])
    path = DOCS / "images" / "check" / f"{kind}.png"
    assert path.stat().st_size < LARGEST
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"


def test_there_is_no_picture_of_a_kind_that_is_gone() -> None:
    assert {path.stem for path in (DOCS / "images" / "check").iterdir()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_begins_with_a_link_to_each_kind(kind: str) -> None:
    assert f"[{kind}](#{kind})" in PAGE.partition("\n## ")[0]


@pytest.mark.parametrize(
    "heading", ["What it reads", "Levels and exit codes", "Mending: --fix", "Suspect labels: --with RUN",
                "Nothing leaves the machine"]
)  # fmt: skip
def test_the_page_tells_what_check_does(heading: str) -> None:
    assert f"\n## {heading}\n" in PAGE
