"""Turns the document of `check` into what a person reads: what is there, what is wrong, what to do first and next.

Takes the JSON values that --json prints. Lines are wrapped to a width, with what follows set under its column.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from maskwright.audit.advice import touched

Content = Mapping[str, Any]
_LABEL = 7  # characters of "data   " and the like
_TOLD = {"error": 3, "warning": 3, "note": 2}  # findings of one kind that are told in full
_NARROW = 44  # a column of text narrower than this goes under its heading


def check_text(content: Content, *, width: int = 100) -> str:
    """Tell what a folder holds, what was found, the three things to do, and the next commands."""
    lines = [*_set_lines(content, width), *_finding_lines(content, width)]
    for number, advice in enumerate(content.get("to_do", ()), start=1):
        lines += _labelled("to do" if number == 1 else "", f"{number}. {_advice(advice)}", width)
    lines += [f"wrote  {content[key]}" for key in ("written", "page") if key in content]
    if mended := content.get("mended"):
        lines += _mended_lines(mended, width)
    for number, command in enumerate(content.get("next", ())):
        lines.append(f"{'next:' if number == 0 else '':<{_LABEL}}{command}")  # a command that is cut cannot be copied
    return "\n".join(lines)


# --- what is there --------------------------------------------------------------------------------------------------


def _set_lines(content: Content, width: int) -> Iterator[str]:
    pairs = count(content["pairs"], "pair")
    notes = [" ".join(note.split()) for note in content.get("notes", ())]
    layout = next((note for note in notes if note.startswith(f"{pairs}: ")), "")
    masks = next((note for note in notes if note.startswith("masks ")), "")
    rest = [note for note in notes if note not in (layout, masks)]
    counts = (("picture", content["images"]), ("mask", content["masks"]))
    counted = [pairs, *(count(number, noun) for noun, number in counts if number != content["pairs"])]
    yield from _labelled("data", f"{content.get('data', 'DATA')}   {', '.join(counted)}", width)
    for note in ([layout.removeprefix(f"{pairs}: ")] if layout else []) + rest:
        yield from _labelled("", note, width)
    yield from _labelled("masks", masks.removeprefix("masks ").removeprefix("are ") or _encoding(content), width)
    names = content["classes"]
    yield from _labelled("", f"{count(len(names), 'class')}: {', '.join(names)}", width)
    for name, share in _foreground_shares(content):
        yield from _labelled("", f"{name} covers {_share(share)}", width)
    if parts := content.get("parts"):
        yield from _labelled("parts", ", ".join(f"{number} {part}" for part, number in parts.items()), width)
    if planned := content.get("planned"):
        yield from _labelled("plan", _planned(planned), width)


def _planned(planned: Content) -> str:
    """How a training would look at the pictures, and why."""
    height, wide = planned["size"]
    tiles = planned["mode"] == "tile"
    reason = planned["reasons"]["mode" if tiles else "size"]
    return f"{height}x{wide} {'tiles' if tiles else 'whole picture'} ({reason})"


def _encoding(content: Content) -> str:
    encoding = content["encoding"]
    return str(encoding.get("kind", encoding)) if isinstance(encoding, Mapping) else str(encoding)


def _foreground_shares(content: Content) -> Iterable[tuple[str, Sequence[float]]]:
    """The classes besides the background, each with (least, median, largest) share of a mask."""
    shares: Mapping[str, Sequence[float]] = content.get("shares", {})
    first = content["classes"][0] if content.get("exclusive", True) and len(content["classes"]) == 2 else None
    return ((name, share) for name, share in shares.items() if name != first)


def _share(share: Sequence[float]) -> str:
    least, median, largest = (f"{100 * value:.3g}" for value in share)
    return f"{least} % of a mask" if least == largest else f"{least}-{largest} % of a mask (median {median} %)"


# --- what was found -------------------------------------------------------------------------------------------------


def _finding_lines(content: Content, width: int) -> Iterator[str]:
    """One block for each level and kind, worst first: how many pictures, and the first few findings in full."""
    findings: Sequence[Content] = content["findings"]
    if not findings:
        yield from _labelled("found", "nothing to find fault with", width)
        return
    kinds: dict[tuple[str, str], list[Content]] = {}
    for finding in findings:
        kinds.setdefault((finding["level"], finding["kind"]), []).append(finding)
    numbers = {key: sum(touched(one["evidence"]) for one in same) for key, same in kinds.items()}
    digits = max(5, *(len(f"{number:,}") for number in numbers.values()))
    longest = max(len(kind) for _, kind in kinds)
    to_do = {advice["action"] for advice in content.get("to_do", ())}
    order = sorted(kinds, key=lambda key: (list(_TOLD).index(key[0]), -numbers[key]))
    for level, kind in order:
        same = kinds[level, kind]
        heading = f"  {level:<7} {numbers[level, kind]:>{digits},}  {kind:<{longest}}  "
        told = _told(same, content)
        if same[0]["fix"] and not any(finding["fix"] in to_do for finding in same):
            told.append(_fix(same[0]["fix"]))
        yield from _block(heading, told, width)


def _told(same: Sequence[Content], content: Content) -> list[str]:
    """Return the first few findings of a kind; those that say the same of several pictures are one sentence."""
    few = _TOLD[same[0]["level"]]
    root = content.get("root", "")
    if len(same) > 1 and len({finding["what"] for finding in same}) == 1 and all(one["sample"] for one in same):
        more = f" and {len(same) - few:,} more" if len(same) > few else ""
        places = (_place(finding, root) or finding["sample"] for finding in same[:few])
        return [f"{same[0]['what'].removesuffix('.')}: {', '.join(places)}{more}"]
    told = [_finding(finding, root) for finding in same[:few]]
    if len(same) > few:
        told.append(f"and {len(same) - few:,} more (--json or --html list all)")
    return told


def _finding(finding: Content, root: str) -> str:
    """Say where and what; a sentence that names its pictures itself needs no place before it."""
    what, inside = str(finding["what"]), _place(finding, root)
    if finding["sample"] is None or "samples" in finding["evidence"] or (inside and inside in what):
        return what
    return f"{inside or finding['sample']}: {what}"


def _place(finding: Content, root: str) -> str:
    """Return the file that a finding is about, below the folder where it lies there."""
    where = str(finding["where"])
    return where.removeprefix(root).lstrip("/\\") if root and where.startswith(root) else where


def _fix(fix: str) -> str:
    return fix if fix.startswith("nothing to do") else f"fix: {fix}"


def _advice(advice: Content) -> str:
    return f"{', '.join(advice['kinds'])} ({advice['pictures']:,}): {advice['action']}"


def _mended_lines(mended: Content, width: int) -> Iterator[str]:
    """Tell where the mended copy is, what was done for it, and what is still found in it."""
    left = f"; {count(mended['left_out'], 'pair')} of the source left out" if mended["left_out"] else ""
    yield from _labelled("fixed", f"{mended['folder']}   {count(mended['pairs'], 'pair')}{left}", width)
    if kinds := mended["kinds"]:
        yield from _labelled(
            "", f"put right: {', '.join(f'{kind} ({number:,})' for kind, number in kinds.items())}", width
        )
    yield from _labelled("", f"each change is a line of {mended['changes']}", width)
    found = ", ".join(count(number, level) for level, number in mended["remaining"].items())
    yield from _labelled("", f"the copy was checked in its turn: {found or 'nothing to find fault with'}", width)


# --- lines ----------------------------------------------------------------------------------------------------------


def _labelled(label: str, text: str, width: int) -> list[str]:
    return _wrapped(f"{label:<{_LABEL}}", text, width, " " * _LABEL)


def _block(heading: str, told: Sequence[str], width: int) -> Iterator[str]:
    """Set texts beside a heading, or under it where little room is left beside."""
    if width - len(heading) < _NARROW:
        yield heading.rstrip()
        heading = " " * 10
    for text in told:
        yield from _wrapped(heading, text, width, " " * len(heading))
        heading = " " * len(heading)


def _wrapped(first: str, text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [first.rstrip()]


def count(number: int, noun: str) -> str:
    """Write how many there are: "1 class", "2,000 pictures"."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"
