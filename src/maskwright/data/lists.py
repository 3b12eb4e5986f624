"""Official parts: train, validation and test, from lists of names or from folders."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maskwright.data.names import PARTS, SUFFIXES, folder_of, folder_part, shown, some, stem_of, suffix_of, words
from maskwright.errors import DataError

_LARGEST = 200_000_000  # bytes of one list
_PLAIN_WORDS = frozenset("list lists id ids file files filenames names name split set images image pairs".split())


@dataclass(frozen=True)
class Clash:
    """Pictures that two lists name, which stand for different parts. files: the lists. ids: of the pictures."""

    files: tuple[str, str]
    ids: tuple[str, ...]

    @property
    def what(self) -> str:
        """The clash in a sentence."""
        many = "1 picture is" if len(self.ids) == 1 else f"{len(self.ids)} pictures are"
        return f"{many} in two lists, {shown(self.files[0])} and {shown(self.files[1])}: {some(list(self.ids))}."


CLASH_FIX = "take each picture out of one list, or state split: hash"


@dataclass(frozen=True)
class Parts:
    """parts: for each picture "train", "val", "test", or "" where nothing says. how: in words, "" without parts.

    unused: what looks like an official part and was not used, in words. clashes: pictures that two lists name; they
    are in the part that is held out longer.
    """

    parts: tuple[str, ...]
    how: str = ""
    unused: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()


def official_parts(
    root: Path, images: Sequence[str], ids: Sequence[str], others: Sequence[str], stated: str | None
) -> Parts:
    """Return the parts that lists or folders give.

    stated: "lists", "folders", "hash" (none are wanted), or None: lists if there are any, else folders.
    Raises DataError where stated parts are not there.
    """
    none = Parts(("",) * len(images))
    if stated == "hash":
        return none
    by_lists = none if stated == "folders" else _from_lists(root, images, ids, others)
    if by_lists.how or stated == "lists":
        if not by_lists.how:
            raise DataError(
                "No lists of names were found.", where=str(root),
                fix="put train.txt and test.txt there, one picture's name a line, or state split: hash")  # fmt: skip
        return by_lists
    by_folders = _from_folders(images)
    by_folders = replace(by_folders, unused=(*by_lists.unused, *by_folders.unused))
    if stated == "folders" and not by_folders.how:
        raise DataError(
            "The folders name no parts.", where=str(root), fix="name folders train, val and test, or state split: hash"
        )
    return by_folders


def _from_folders(images: Sequence[str]) -> Parts:
    parts = tuple(folder_part(folder_of(image)) for image in images)
    count = Counter(parts)
    named = {part for part in count if part}
    if named and "train" not in named and count[""]:
        parts, rest = _others_train(parts)
        return Parts(parts, f"folders {_counted(Counter(parts))}{rest}")
    if len(named) < 2:
        alone = f"only the part {named.pop()} is named by a folder, so it is not kept apart" if named else ""
        return Parts(("",) * len(images), unused=(alone,) if alone and count[""] else ())
    return Parts(parts, f"folders {_counted(count)}")


def _others_train(parts: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Make train of what is in no part, where only validation or test pictures are named."""
    return tuple(part or "train" for part in parts), " (train is what no other part names)"


def _counted(count: Counter[str]) -> str:
    said = ", ".join(f"{part} {count[part]}" for part in ("train", "val", "test") if count[part])
    return said + (f" ({count['']} in none)" if count[""] else "")


def _from_lists(root: Path, images: Sequence[str], ids: Sequence[str], others: Sequence[str]) -> Parts:
    none = Parts(("",) * len(images))
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    for path in others:
        if suffix_of(path) in (".txt", ".lst"):
            name = _list_name(stem_of(path))
            if name:
                folders[folder_of(path)][name] = path
    everything = [path for paths in folders.values() for path in paths.values()]
    best: tuple[int, str, dict[str, set[int]]] | None = None
    index = _Index(images, ids)
    lines: dict[str, int] = {}
    for folder, paths in sorted(folders.items()):
        found = {}
        for name, path in paths.items():
            content = _read_lines(root / path)
            lines[path] = sum(bool(line.strip()) and not line.startswith("#") for line in content)
            found[name] = index.rows(content)
        found = {name: rows for name, rows in found.items() if rows}
        covered = len(set().union(*found.values())) + ("segmentation" in folder.casefold())
        if found and (best is None or covered > best[0]):
            best = (covered, folder, found)
    if best is None:
        return replace(none, unused=_not_used(everything, "name no picture of this data"))
    files = {name: folders[best[1]][name] for name in best[2]}
    others = [path for path in everything if path not in files.values()]
    only_held_out = not best[2].keys() & {"train", "trainval"}
    if only_held_out and any(len(rows) * 2 < lines[files[name]] for name, rows in best[2].items()):
        return replace(none, unused=_not_used(everything, "name mostly other pictures"))
    if not only_held_out and best[0] * 2 < len(images):
        return replace(none, unused=_not_used(everything, "name fewer than half of the pictures"))
    chosen, clashes = _resolve(best[2], files, ids)
    parts = [""] * len(images)
    for part, rows in chosen.items():
        for row in rows:
            parts[row] = part
    rest = ""
    if only_held_out and "" in parts:
        filled, rest = _others_train(parts)
        parts = list(filled)
    if len(set(parts) - {""}) < 2 or (only_held_out and not rest):
        return replace(none, unused=_not_used(everything, "name no second part"))
    names = ", ".join(sorted(files.values()))
    how = f"lists {shown(names)}: {_counted(Counter(parts))}{rest}"
    return Parts(tuple(parts), how, _not_used(others, "are not those of the parts"), clashes)


def _not_used(files: Sequence[str], why: str) -> tuple[str, ...]:
    return (f"lists not used: {some(sorted(files))}, which {why}",) if files else ()


def _list_name(stem: str) -> str:
    """Return train, trainval, val or test if a list's name says just that."""
    found = [word for word in words(stem) if word not in _PLAIN_WORDS]
    if found == ["train", "val"]:
        return "trainval"
    if len(found) != 1 or found[0] not in PARTS:
        return ""
    return "trainval" if found[0] == "trainval" else PARTS[found[0]]


def _resolve(
    found: dict[str, set[int]], files: dict[str, str], ids: Sequence[str]
) -> tuple[dict[str, set[int]], tuple[Clash, ...]]:
    """Turn lists into parts that do not overlap; trainval counts as train where nothing says which is which."""
    lists = dict(found)
    whole = lists.pop("trainval", set())
    if whole:
        known = lists.get("train", set()) | lists.get("val", set())
        missing = "train" if "train" not in lists else "val" if "val" not in lists else ""
        rest = whole - known
        if missing and rest:
            lists[missing] = rest
        elif rest:
            lists["train"] = lists["train"] | rest
        files = {**files, missing or "train": files["trainval"]}
    clashes = []
    for first, second in (("train", "test"), ("val", "test"), ("train", "val")):
        both = lists.get(first, set()) & lists.get(second, set())
        if both:
            lists[first] = lists[first] - both
            clashes.append(Clash((files[first], files[second]), tuple(ids[i] for i in sorted(both))))
    return lists, tuple(clashes)


def _read_lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LARGEST:
            return []
        return path.read_text("utf-8-sig", errors="surrogateescape").splitlines()
    except OSError as error:
        raise DataError(
            f"The list cannot be read: {error.strerror}.", where=str(path), fix="check that it is there and may be read"
        ) from error


class _Index:
    """Finds rows by path, path without suffix, id, file name or stem; names that several pictures share find none."""

    def __init__(self, images: Sequence[str], ids: Sequence[str]) -> None:
        self._exact: dict[str, int] = {}
        self._loose: dict[str, int] = {}
        for row, (image, name) in enumerate(zip(images, ids, strict=True)):
            for text in (image, name):
                self._exact.setdefault(text, row)
            for text in {image.rpartition("/")[2], stem_of(image)}:
                self._loose[text] = -1 if self._loose.get(text, row) != row else row

    def rows(self, lines: Sequence[str]) -> set[int]:
        """Return the rows that the lines name: a whole line, or its first word."""
        found = set()
        for line in lines:
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            row = self._row(text)
            if row < 0 and any(c.isspace() or c in ",;" for c in text):
                row = self._row(text.replace(",", " ").replace(";", " ").split()[0])
            if row >= 0:
                found.add(row)
        return found

    def _row(self, text: str) -> int:
        path = text.replace("\\", "/").lstrip("./")
        name = path.rpartition("/")[2]
        for table, key in (
            (self._exact, path), (self._exact, path.rpartition(".")[0] if suffix_of(path) in SUFFIXES else path),
            (self._loose, name), (self._loose, stem_of(name) if suffix_of(name) in SUFFIXES else name),
        ):  # fmt: skip
            row = table.get(key, -1)
            if row >= 0:
                return row
        return -1
