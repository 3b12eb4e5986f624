"""Which pictures and masks of a place belong together: a manifest, ordinary mask files, or annotations with outlines.

What they mean is not asked here (`meaning.py`); `read.py` makes a data set of the rows.
"""

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from maskwright.data.annotations.build import build_rows
from maskwright.data.annotations.find import Found, boxes_only, embedded_pictures, find_annotations, stated_annotations
from maskwright.data.archive import is_archive_name
from maskwright.data.class_folders import by_class_folders
from maskwright.data.dataset import Leftovers
from maskwright.data.guess import Guess
from maskwright.data.layout import guess_layout
from maskwright.data.manifest import Manifest, find_manifest, read_manifest
from maskwright.data.names import shown, some, suffix_of
from maskwright.data.options import write_options as write_options
from maskwright.data.pairing import Pairing, pair
from maskwright.data.phrases import in_words
from maskwright.data.public.aside import Aside, set_aside
from maskwright.data.roles import Roles, assign_roles
from maskwright.data.scan import Listing, scan
from maskwright.errors import DataError
from maskwright.progress import Progress
from maskwright.recipe import DataOptions


@dataclass(frozen=True)
class Rows:
    """What pairing or a manifest gives, in one form."""

    images: tuple[str, ...]
    masks: tuple[tuple[str, ...], ...]
    layout: str
    class_names: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...]
    columns: dict[str, tuple[str, ...]]
    leftovers: Leftovers
    notes: tuple[str, ...]
    guess: Guess | None = None  # what masks mean that were drawn from outlines
    annotations: str | None = None  # the format of the outlines


@dataclass(frozen=True)
class Asked:
    """What is asked for: stated by the folder and this call, given for this call, and whether masks are needed.

    tolerant: a few pairs that are not clear are set aside.
    """

    stated: DataOptions
    given: DataOptions
    require_masks: bool
    progress: Progress
    tolerant: bool = False


def find_rows(root: Path, manifest_file: Path | None, asked: Asked) -> Rows:
    """Return the rows of a folder, or of a CSV file in it. Raises DataError where nothing belongs together."""
    stated, given = asked.stated, asked.given
    if manifest_file is not None and given.annotations is not None:
        raise DataError(
            "A CSV file names masks; annotations cannot be stated beside it.", where=str(manifest_file),
            fix="give the folder instead of the CSV file",
        )  # fmt: skip
    confined: Path | None = None
    if manifest_file is None and stated.pairs is not None:
        confined = root if given.pairs is None else None
        manifest_file = root / stated.pairs
        inside = manifest_file.resolve().is_relative_to(root.resolve())
        if given.pairs is None and not inside:
            raise DataError(
                f"'pairs' leads out of the folder: {shown(stated.pairs)}.", where=str(root / "dataset.yaml"),
                fix="keep the CSV file in the folder")  # fmt: skip
        if not manifest_file.is_file() and given.pairs is not None and Path(given.pairs).is_file():
            manifest_file = Path(given.pairs)
    if manifest_file is not None:
        return _from_manifest(_below(root, read_manifest(manifest_file, confined=confined)), asked.require_masks)
    listing = scan(root)
    if stated.annotations is not None:
        outside = given.annotations is not None
        return _from_outlines(listing, stated_annotations(listing, stated, outside=outside), asked)
    if stated.images is None and stated.masks is None:
        found = find_manifest(root, listing.others)
        if found is not None:
            return _from_manifest(found, asked.require_masks)
    return _from_listing(listing, asked)


def _below(root: Path, manifest: Manifest) -> Manifest:
    """Make paths, which count from the CSV file's folder, count from `root`."""
    folder = os.path.relpath(manifest.path.parent, root)
    if folder == ".":
        return manifest

    def moved(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(path if os.path.isabs(path) else os.path.normpath(os.path.join(folder, path)) for path in paths)

    columns = manifest.columns
    if "parent" in columns:
        columns = {**columns, "parent": tuple(moved((text,))[0] if text else "" for text in columns["parent"])}
    masks = tuple(moved(row) for row in manifest.masks)
    return replace(manifest, images=moved(manifest.images), masks=masks, columns=columns)


def _from_manifest(manifest: Manifest, require_masks: bool) -> Rows:
    kept = [i for i, masks in enumerate(manifest.masks) if masks or not require_masks]
    if not kept:
        raise DataError("The CSV file names no mask.", where=str(manifest.path), fix="fill in the column 'mask'")
    alone = tuple(manifest.images[i] for i, masks in enumerate(manifest.masks) if not masks)
    return Rows(
        tuple(manifest.images[i] for i in kept),
        tuple(manifest.masks[i] for i in kept),
        manifest.layout,
        manifest.class_names,
        tuple(manifest.labels[i] for i in kept) if manifest.labels else (),
        {name: tuple(column[i] for i in kept) for name, column in manifest.columns.items()},
        Leftovers(images=alone if require_masks else ()),
        (f"pairs from {shown(manifest.path.name)}: {len(kept)} rows",),
    )


def _from_listing(listing: Listing, asked: Asked) -> Rows:
    where = str(listing.root)
    stated, require_masks = asked.stated, asked.require_masks
    if not listing.pictures:
        raise _no_pictures(listing)
    aside = Aside(listing.pictures)
    if require_masks and stated.images is None and stated.masks is None:
        aside = set_aside(listing.pictures)
    roles = assign_roles(aside.kept, listing.root, images=stated.images, masks=stated.masks)
    if not roles.masks and stated.masks is None:
        outlined = _from_outlines_if_any(listing, asked)
        if outlined is not None:
            return outlined
        roles = guess_layout(roles, listing.root)
    if not roles.masks:
        if require_masks:
            raise _no_masks(listing, roles)
        return _pictures_alone(listing, roles)
    try:
        found = pair(roles, where, tolerant=asked.tolerant)
    except DataError as error:
        outlines = None if stated.masks else find_annotations(listing.root, listing.pictures, listing.others)
        if outlines is not None:
            rows = _from_outlines(listing, outlines, asked)
            unused = set(roles.masks) - set(outlines.files)
            why = (f"pictures that look like masks are not used: {error.what}",) if unused else ()
            return replace(rows, notes=(*rows.notes, *why))
        if require_masks or stated.masks is not None:
            raise
        return _pictures_alone(listing, roles)
    found, sorting = by_class_folders(found, listing.root, stated)
    rows = _from_pairing(listing, replace(roles, unused=(*roles.unused, *aside.left)), found, require_masks)
    return replace(rows, notes=(*rows.notes, *sorting, *aside.notes, *_outlines_not_used(listing, stated)))


def _from_outlines_if_any(listing: Listing, asked: Asked) -> Rows | None:
    """Return rows of the annotations that lie there, None if there are none.

    Where pictures alone would do, annotations that are broken or hold boxes are no hindrance.
    """
    try:
        found = find_annotations(listing.root, listing.pictures, listing.others)
        return None if found is None else _from_outlines(listing, found, asked)
    except DataError:
        if asked.require_masks:
            raise
        return None


def _from_outlines(listing: Listing, found: Found, asked: Asked) -> Rows:
    """Return rows whose masks are drawn from outlines; pictures that no annotation names are left over."""
    outlined = build_rows(listing.root, found, listing.pictures, asked.stated, asked.progress)
    known = {*outlined.images, *found.files, *(path for path, _ in outlined.problems)}
    loose = tuple(path for path in outlined.pictures if path not in known)
    extra = () if asked.require_masks else loose
    leftovers = Leftovers(
        loose if asked.require_masks else (), (), tuple(sorted(set(listing.pictures) - known - set(outlined.pictures))),
        tuple(path for path in listing.others if path not in known), (*listing.problems, *outlined.problems),
    )  # fmt: skip
    none: tuple[tuple[str, ...], ...] = ((),) * len(extra)
    return Rows(
        (*outlined.images, *extra),
        (*outlined.masks, *none),
        "per-class" if outlined.labels else "single",
        outlined.guess.classes.names,
        (*outlined.labels, *(() for _ in extra)) if outlined.labels else (),
        {"part": (*outlined.parts, *("" for _ in extra))} if any(outlined.parts) else {},
        leftovers,
        outlined.notes,
        outlined.guess,
        found.format,
    )


def _outlines_not_used(listing: Listing, stated: DataOptions) -> tuple[str, ...]:
    """Mention outlines that lie beside ordinary masks."""
    if stated.masks is not None:
        return ()
    try:
        found = find_annotations(listing.root, listing.pictures, listing.others, quick=True)
    except DataError:  # of several formats
        return ("annotations of several formats lie there too and are not used, since there are mask files",)
    if found is None:
        return ()
    said = f"annotations not used: {found.title}, {some(list(found.files))}, since there are mask files"
    return (f"{said} (--annotations {found.format} uses them)",)


def _from_pairing(listing: Listing, roles: Roles, found: Pairing, require_masks: bool) -> Rows:
    extra = () if require_masks else found.loose_images
    leftovers = Leftovers(
        found.loose_images if require_masks else (), found.loose_masks, (*roles.unused, *found.passed_over),
        tuple(listing.others), tuple(listing.problems), found.unclear,
    )  # fmt: skip
    return Rows(
        (*(image for image, _ in found.rows), *extra),
        (*(masks for _, masks in found.rows), *(() for _ in extra)),
        found.layout,
        found.class_names,
        (*found.labels, *(() for _ in extra)) if found.labels else (),
        {},
        leftovers,
        (in_words(found), *passed_over(found.passed_over)),
    )


def passed_over(masks: tuple[str, ...]) -> tuple[str, ...]:
    """Return a note on masks that are left out, () without any."""
    said = f"{len(masks)} further masks of pictures that have one already are left out: {some(list(masks))}"
    return (said,) if masks else ()


def _pictures_alone(listing: Listing, roles: Roles) -> Rows:
    images = roles.images or tuple(listing.pictures)
    leftovers = Leftovers((), roles.masks, roles.unused, tuple(listing.others), tuple(listing.problems))
    note = f"{len(images)} pictures, no masks"
    return Rows(images, ((),) * len(images), "single", (), (), {}, leftovers, (note,))


def _no_pictures(listing: Listing) -> DataError:
    problems = f" {shown(listing.problems[0][0])} {listing.problems[0][1]}." if listing.problems else ""
    if not listing.others and not listing.problems:
        return DataError(
            "The folder is empty.", where=str(listing.root), fix="name the folder that holds the pictures and the masks"
        )
    if embedded := embedded_pictures(listing.root, listing.others):
        return DataError(
            f"There are no pictures in the folder; {shown(embedded)} holds its picture inside (LabelMe's imageData).",
            where=str(listing.root),
            fix="put the picture files beside the .json files; LabelMe's labelme_export_json writes them out",
        )
    kinds = Counter(suffix_of(path) or "no suffix" for path in listing.others)
    held = ", ".join(f"{times} {kind}" for kind, times in kinds.most_common(4))
    return DataError(
        f"There are no pictures in the folder{f' (it holds {held})' if held else ''}.{problems}",
        where=str(listing.root),
        fix="name the folder that holds the pictures (JPEG, PNG, GIF, BMP, TIFF, WebP) and the masks",
    )


def _no_masks(listing: Listing, roles: Roles) -> DataError:
    images = roles.images or tuple(listing.pictures)
    kinds = Counter(suffix_of(path) for path in listing.others)
    shapes = next((kind for kind in (".json", ".xml") if kinds[kind] * 2 >= len(images)), "")
    unknown = f" The {kinds[shapes]} {shapes} files hold no outlines in a format that is read." if shapes else ""
    outlines = boxes_only(listing.root, listing.others) or unknown
    packed = [path for path in listing.others if is_archive_name(path)]
    return DataError(
        f"There are {len(images)} pictures (such as {some(list(images))}) but no masks.{outlines}",
        where=str(listing.root),
        fix=f"unpack {some(packed)}, which may hold them"
        if packed
        else "put masks into a folder named masks beside the pictures' folder, with the pictures' names, "
        "or name their folder (--masks FOLDER)",
    )
