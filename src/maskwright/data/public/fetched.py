"""What fetching a set brought: for programs, and as SOURCE.txt for people."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from maskwright.data.public.catalogue import PublicSet


@dataclass(frozen=True)
class Item:
    """One archive of a fetched set. there: its folders were there already, and nobody compared them.

    checksum: sha256 of what arrived. compared: with a published checksum. links: left out of the archive.
    """

    name: str
    address: str = ""
    size: int = 0
    checksum: str = ""
    compared: bool = False
    there: bool = False
    links: int = 0


@dataclass(frozen=True)
class Fetched:
    """entry: the set; folder: where it lies now."""

    entry: PublicSet
    folder: Path
    items: tuple[Item, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for the document of `maskwright fetch`."""
        archives = [
            {"name": item.name, "address": item.address or None, "bytes": item.size or None,
             "checksum": item.checksum or None, "compared": item.compared, "there": item.there}
            for item in self.items
        ]  # fmt: skip
        return {**self.entry.to_json(), "citation": self.entry.citation, "folder": str(self.folder),
                "archives": archives}  # fmt: skip


def source_text(entry: PublicSet, items: tuple[Item, ...]) -> str:
    """Return where the set comes from, for people."""
    lines = [
        f"{entry.title}: {entry.task}", f"home      {entry.home}", f"licence   {entry.licence}",
        f"cite      {entry.citation}", f"fetched   {date.today().isoformat()} by maskwright fetch {entry.name}", "",
    ]  # fmt: skip
    published = {archive.name: archive.checksum_by for archive in entry.archives}
    for item in items:
        if item.there:
            lines.append(f"{item.name}: its folders were there already and were not compared")
            continue
        lines.append(f"{item.name}: {item.size:,} bytes, {item.checksum}")
        lines.append(f"  from {item.address or 'a file that was put there by hand'}")
        by = f" by {published[item.name]}" if published[item.name] else ""
        lines.append(f"  equal to the checksum published{by}" if item.compared else "  no checksum is published")
        if item.links:
            lines.append(f"  {item.links} links or devices in it were left out")
    return "\n".join(lines) + "\n"
