"""Which annotation files lie in a folder, and of which format they are: by content, not by name alone.

Large files are parsed once; of many in a folder a few are looked at, and all where one of these is of a format.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.data.annotations import coco, cvat, label_studio, labelme, supervisely, yolo
from maskwright.data.annotations.brush_files import is_brush_file
from maskwright.data.annotations.documents import Documents
from maskwright.data.annotations.model import Annotations
from maskwright.data.annotations.pictures import Pictures
from maskwright.data.names import folder_of, shown, some, suffix_of
from maskwright.data.scan import Listing
from maskwright.data.threads import spread
from maskwright.errors import DataError
from maskwright.recipe import DataOptions

_SAMPLED = 6  # files of one folder that are looked at, where there are many
_FEW = 24
_QUICK = 5_000_000  # bytes: larger files are not parsed just to mention them
_HEAD = 4096

Reader = Callable[[Documents, Sequence[str], Pictures], Annotations]
FORMATS: dict[str, tuple[str, Reader]] = {
    "coco": (coco.TITLE, coco.read),
    "labelme": (labelme.TITLE, labelme.read),
    "yolo": (yolo.TITLE, yolo.read),
    "cvat": (cvat.TITLE, cvat.read),
    "label-studio": (label_studio.TITLE, label_studio.read),
    "supervisely": (supervisely.TITLE, supervisely.read),
}
_JSON: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("coco", coco.is_coco), ("labelme", labelme.is_labelme), ("supervisely", supervisely.is_supervisely),
    ("label-studio", label_studio.is_export),
)  # fmt: skip
_OWN_FILE_A_PICTURE = ("labelme", "supervisely")
_IN_JSON = tuple(name for name, _ in _JSON)


@dataclass(frozen=True)
class Found:
    """Annotation files of one format, and what parsed them to find out."""

    format: str
    files: tuple[str, ...]
    documents: Documents

    @property
    def title(self) -> str:
        """The format's name for people."""
        return FORMATS[self.format][0]

    def read(self, pictures: Pictures) -> Annotations:
        """Read the files. Raises DataError."""
        return FORMATS[self.format][1](self.documents, self.files, pictures)


def find_annotations(
    root: Path, pictures: Sequence[str], others: Sequence[str], *, wanted: str | None = None, quick: bool = False
) -> Found | None:
    """Return the annotation files below a folder; None where there are none.

    pictures, others: relative paths, as listed. wanted: a format. quick: pass over what takes long to look into.

    Raises DataError where files of several formats are there, or where files that could be annotations are broken:
    the only ones, or some beside others in JSON.
    """
    documents = Documents(root)
    files: dict[str, list[str]] = defaultdict(list)
    problems = _look_into_json(documents, [path for path in others if suffix_of(path) == ".json"], files, quick)
    files["cvat"] = _cvat_files(documents, [path for path in others if suffix_of(path) == ".xml"])
    if "supervisely" in files:
        files["supervisely"] += [path for path in others if path.rpartition("/")[2] == "meta.json"]
    files["yolo"] = _yolo_files(documents, pictures, others)
    brushes = [path for path in (*pictures, *others) if is_brush_file(path)]
    if brushes:
        files["label-studio"] += brushes
    found = {name: paths for name, paths in files.items() if paths and wanted in (None, name)}
    if len(found) > 1:
        said = " and ".join(f"{FORMATS[name][0]} ({some(paths, 2)})" for name, paths in found.items())
        raise DataError(
            f"There are annotations of several formats: {said}.", where=str(root),
            fix=f"say which count: --annotations {next(iter(found))} (or annotations: in dataset.yaml)",
        )  # fmt: skip
    if not found:
        if problems and not quick:
            raise problems[0]
        return None
    name, paths = found.popitem()
    if problems and not quick and name in _IN_JSON:
        raise _beside(problems[0], paths)
    return Found(name, tuple(dict.fromkeys(paths)), documents)


def _look_into_json(
    documents: Documents, paths: Sequence[str], files: dict[str, list[str]], quick: bool
) -> list[DataError]:
    """Add JSON files to those of their format; return the errors of broken ones."""
    problems: list[DataError] = []
    for held in _by_folder(paths):
        sample = _sampled(held)
        kinds = _kinds(documents, sample[:2] if quick else sample, quick, problems)
        if not quick and not set(kinds.values()) <= set(_OWN_FILE_A_PICTURE):
            rest = set(held) - set(sample)
            kinds |= _kinds(documents, [path for path in held if path in rest], quick, problems)
        own = {kind for kind in kinds.values() if kind in _OWN_FILE_A_PICTURE}
        for kind in own:  # then its neighbours are so, too; the reader passes over what is not
            files[kind] += [path for path in held if kinds.get(path, kind) == kind and not path.endswith("/meta.json")
                            and path != "meta.json"]  # fmt: skip
        for path in held:
            if path in kinds and kinds[path] not in own:
                files[kinds[path]].append(path)
    return problems


def _kinds(documents: Documents, paths: Sequence[str], quick: bool, problems: list[DataError]) -> dict[str, str]:
    """Return the format of each file that is of one; add the errors of broken ones to `problems`."""
    kinds = {}
    for path in paths:
        if quick and documents.size(path) > _QUICK:
            continue
        try:
            kind = _kind(documents.json(path, keep=not quick))
        except DataError as error:
            problems.append(error)
            continue
        if kind:
            kinds[path] = kind
    return kinds


def _cvat_files(documents: Documents, paths: Sequence[str]) -> list[str]:
    """Return CVAT's files among XML files."""

    def are_cvat(some_paths: Sequence[str]) -> list[str]:
        return [path for path in some_paths if cvat.is_cvat(documents.head(path, _HEAD))]

    return [path for held in _by_folder(paths) if are_cvat(_sampled(held)) for path in are_cvat(held)]


def _by_folder(paths: Sequence[str]) -> list[list[str]]:
    folders: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folders[folder_of(path)].append(path)
    return list(folders.values())


def _beside(problem: DataError, good: Sequence[str]) -> DataError:
    """Return the error for a broken file beside others that can be read: it may hold annotations, too."""
    return DataError(
        problem.what, where=problem.where,
        fix=f"correct it or take it out of the folder, or say which file counts: --annotations {shown(good[0])}",
    )  # fmt: skip


def _sampled(paths: Sequence[str]) -> list[str]:
    return list(paths) if len(paths) <= _FEW else spread(paths, _SAMPLED)


def _kind(content: Any) -> str:
    return next((name for name, fits in _JSON if fits(content)), "")


def _yolo_files(documents: Documents, pictures: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the label files of pictures, and the YAML files that name their classes."""
    texts = {path for path in others if suffix_of(path) == ".txt"}
    if not texts:
        return []
    described = [
        path for path in others
        if suffix_of(path) in (".yaml", ".yml") and path.count("/") <= 1
        and yolo.is_names_file(yolo.read_yaml(documents, path))
    ]  # fmt: skip
    labels = list(dict.fromkeys(path for image in pictures for path in yolo.label_paths(image) if path in texts))
    if not labels:
        return []
    heads = [documents.head(path, _HEAD) for path in spread(labels, 40)]
    told = [yolo.is_label_text(head) for head in heads if head.strip()]
    if not any(told) and not (described and not told):
        return []
    if not described and not all(told[:5]):
        return []
    listed = [path for path in sorted(texts) if path.rpartition("/")[2] == "classes.txt"]
    return [*(described or listed[:1]), *labels]


def stated_annotations(listing: Listing, stated: DataOptions, *, outside: bool) -> Found:
    """Return the annotations that `annotations` states: a format, or a file or folder below the data folder.

    outside: the file may lie anywhere, since it was given for this call. Raises DataError.
    """
    text = stated.annotations or ""
    name = text.strip().casefold().replace("_", "-").replace(" ", "-")
    wanted = name if name in FORMATS else None
    others = listing.others if wanted else _stated_files(listing, text, outside)
    found = find_annotations(listing.root, listing.pictures, others, wanted=wanted)
    if found is None:
        what = f"There are no {FORMATS[wanted][0]} annotations in the folder" if wanted else (
            f"{shown(text)} holds annotations in no format that is read"
        )  # fmt: skip
        raise DataError(f"{what}.", where=str(listing.root), fix=f"the formats are {', '.join(FORMATS)}")
    return found


def _stated_files(listing: Listing, text: str, outside: bool) -> list[str]:
    """Return the files that a path names, and those beside them that may name classes."""
    plain = text.replace("\\", "/").removeprefix("./").rstrip("/")
    if Path(text).is_absolute() and Path(text).is_relative_to(listing.root):
        plain = Path(text).relative_to(listing.root).as_posix()
    below = [path for path in listing.others if path == plain or path.startswith(f"{plain}/")]
    if below:
        naming = (".yaml", ".yml") if any(suffix_of(path) == ".txt" for path in below) else ()
        return [*below, *(path for path in listing.others if path not in below
                          and (suffix_of(path) in naming or path.rpartition("/")[2] == "meta.json"))]  # fmt: skip
    for place in (listing.root / text, Path(text)) if outside else ():
        if place.is_file():
            return [str(place.absolute())]
    raise DataError(
        f"'annotations' is neither a format nor a file of the folder: {shown(text)}.", where=str(listing.root),
        fix=f"name a file or folder below it, or one of {', '.join(FORMATS)}",
    )  # fmt: skip


def boxes_only(root: Path, others: Sequence[str]) -> str:
    """Return a sentence where the XML files of a folder are Pascal VOC's boxes; "" elsewhere."""
    documents = Documents(root)
    files = [path for path in others if suffix_of(path) == ".xml"]
    heads = [documents.head(path, _HEAD) for path in spread(files, 3)]
    if not heads or not all(b"<annotation>" in head and b"<bndbox>" in head for head in heads):
        return ""
    return f" The {len(files)} .xml files hold boxes (Pascal VOC), which are no outlines."


def embedded_pictures(root: Path, others: Sequence[str]) -> str:
    """Return the first of a folder's files that is LabelMe's with its picture embedded; "" if none of a few is."""
    documents = Documents(root)
    for path in _sampled([path for path in others if suffix_of(path) == ".json"]):
        try:
            content = documents.json(path)
        except DataError:
            continue
        if labelme.is_labelme(content) and isinstance(content.get("imageData"), str):
            return path
    return ""
