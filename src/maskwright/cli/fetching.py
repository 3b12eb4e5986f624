"""`maskwright fetch`: what there is to fetch, or one set fetched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import maskwright
from maskwright.cli import options as opt
from maskwright.cli.check_text import count
from maskwright.cli.output import finish
from maskwright.cli.show import show_progress
from maskwright.files import size_in_words

Content = Mapping[str, Any]


def fetch(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The set; without it, all are listed.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where it goes (default: NAME).")
    ] = None,
    keep_archives: Annotated[
        bool, typer.Option("--keep-archives", help="Leave the archives beside what they unpack to.")
    ] = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Fetch a public picture set from its official place.

    Shows licence and citation, compares checksums where they are published, and unpacks into the official layout,
    which `check` and `train` read as it is. Given again, a fetch that broke off goes on where it was.
    """
    if name is None:
        content = {"sets": [entry.to_json() for entry in maskwright.public_sets()]}
        finish("fetch", content, sets_text, as_json=json)
        return
    with show_progress(quiet=quiet) as progress:
        result = maskwright.fetch(name, output, keep_archives=keep_archives, progress=progress)
    finish("fetch", {"fetched": result.to_json()}, fetched_text, as_json=json)


def sets_text(content: Content) -> str:
    """Tell name, size, pictures, what for and licence of each set."""
    rows = [
        (entry["name"], f"{entry['pictures']:,}", _size(entry), entry["task"],
         entry["licence"] + (f" (needs a {entry['account'].capitalize()} token)" if entry["account"] else ""))
        for entry in content["sets"]
    ]  # fmt: skip
    titles = ("set", "pictures", "download", "what", "licence")
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:<{widths[3]}}  {row[4]}"
        for row in (titles, *rows)
    ]
    return "\n".join([*lines, "next: maskwright fetch NAME -o FOLDER"])


def fetched_text(content: Content) -> str:
    """Tell where the set lies now and what was compared."""
    found = content["fetched"]
    lines = [f"{found['folder']}   {found['title']}: {count(found['pictures'], 'picture')}"]
    if all(archive["there"] for archive in found["archives"]):
        lines.append("everything is there already, and was left as it is")
    for archive in found["archives"]:
        if not archive["there"]:
            compared = "equal to the published checksum" if archive["compared"] else "no checksum is published"
            lines.append(f"  {archive['name']}   {archive['bytes'] / 1e6:,.1f} MB   {compared}")
    return "\n".join([*lines, f"next: maskwright check {found['folder']}"])


def _size(entry: Content) -> str:
    return ("" if entry["exact"] else "about ") + size_in_words(entry["bytes"])
