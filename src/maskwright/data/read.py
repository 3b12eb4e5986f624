"""From a folder, a CSV file or an archive to a Dataset; whatever is not stated is guessed, and every guess is noted."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from maskwright.data.annotations.build import build_rows
from maskwright.data.annotations.find import Found, boxes_only, find_annotations, stated_annotations
from maskwright.data.archive import is_archive, is_archive_name, unpack
from maskwright.data.bundle import unpack_bundle
from maskwright.data.class_folders import by_class_folders
from maskwright.data.copies import find_parents, note_of_copies, parts_with_parents
from maskwright.data.dataset import Columns, Dataset, Leftovers
from maskwright.data.encoding import guess_encoding
from maskwright.data.groups import make_groups
from maskwright.data.guess import Guess
from maskwright.data.layout import guess_layout
from maskwright.data.lists import official_parts
from maskwright.data.manifest import Manifest, find_manifest, read_manifest
from maskwright.data.meaning import SAMPLE, MaskFiles, Meaning, find_meaning, look_at_some
from maskwright.data.names import PARTS, folder_of, shown, some, stem_of, suffix_of
from maskwright.data.options import merged, read_stated, stated_values, without_overruled
from maskwright.data.options import write_options as write_options
from maskwright.data.pairing import Pairing, pair
from maskwright.data.phrases import in_words, make_ids
from maskwright.data.public.aside import Aside, set_aside
from maskwright.data.roles import Roles, assign_roles
from maskwright.data.scan import Listing, scan
from maskwright.data.threads import in_threads, spread
from maskwright.errors import DataError
from maskwright.images.formats import ImageInfo, read_info
from maskwright.recipe import DataOptions


@dataclass(frozen=True)
class _Rows:
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


def read_dataset(path: str | Path, options: DataOptions | None = None, *, require_masks: bool = True) -> Dataset:
    """Read a folder, a CSV file (columns image, mask, group, part) or a zip or tar archive of pictures and masks.

    A folder that holds nothing but archives is read as if they were unpacked there.

    options: what is stated; it overrules dataset.yaml in the folder or beside the CSV file; both overrule guesses.
    require_masks: False: pictures without masks are rows too, and a folder of pictures alone is a data set.

    Raises DataError where there is nothing to read, nothing to pair, or it is not clear what belongs together.
    """
    given = options or DataOptions()
    place = Path(path)
    if not _exists(place):
        raise _not_there(place)
    notes: tuple[str, ...] = ()
    manifest_file: Path | None = None
    if place.is_dir():
        root, notes = unpack_bundle(place) or (place, ())
    elif suffix_of(place.name) in (".csv", ".tsv"):
        root, manifest_file = place.parent, place
    elif place.is_file() and is_archive(place):
        root, notes = unpack(place)
        root, within = unpack_bundle(root) or (root, ())
        notes = (*notes, *within)
    else:
        raise DataError(
            "This is no folder, CSV file, zip or tar archive.", where=str(place),
            fix="name the folder that holds the pictures and the masks")  # fmt: skip
    here = read_stated(root)
    if manifest_file is not None:  # it says which files there are
        here = here.model_copy(update={"images": None, "masks": None, "pairs": None, "annotations": None})
    stated = merged(without_overruled(here, given), given)
    rows = _find_rows(root, manifest_file, stated, given, require_masks)
    return _build(root, replace(rows, notes=(*notes, *rows.notes)), stated)


def _exists(place: Path) -> bool:
    try:
        place.stat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"The data cannot be read: {said}.", where=shown(str(place)), fix="check the path") from error
    return True


def _not_there(place: Path) -> DataError:
    try:
        names = sorted(entry.name for entry in place.parent.iterdir())
    except OSError:
        names = []
    near = get_close_matches(place.name, names, n=1, cutoff=0.6)
    hint = f"did you mean {place.parent / near[0]}?" if near else "check the spelling"
    return DataError("There is no such folder or file.", where=str(place), fix=hint)


def _find_rows(
    root: Path, manifest_file: Path | None, stated: DataOptions, given: DataOptions, require_masks: bool
) -> _Rows:
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
        return _from_manifest(_below(root, read_manifest(manifest_file, confined=confined)), require_masks)
    listing = scan(root)
    if stated.annotations is not None:
        outside = given.annotations is not None
        return _from_outlines(listing, stated_annotations(listing, stated, outside=outside), stated, require_masks)
    if stated.images is None and stated.masks is None:
        found = find_manifest(root, listing.others)
        if found is not None:
            return _from_manifest(found, require_masks)
    return _from_listing(listing, stated, require_masks)


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


def _from_manifest(manifest: Manifest, require_masks: bool) -> _Rows:
    kept = [i for i, masks in enumerate(manifest.masks) if masks or not require_masks]
    if not kept:
        raise DataError("The CSV file names no mask.", where=str(manifest.path), fix="fill in the column 'mask'")
    alone = tuple(manifest.images[i] for i, masks in enumerate(manifest.masks) if not masks)
    return _Rows(
        tuple(manifest.images[i] for i in kept),
        tuple(manifest.masks[i] for i in kept),
        manifest.layout,
        manifest.class_names,
        tuple(manifest.labels[i] for i in kept) if manifest.labels else (),
        {name: tuple(column[i] for i in kept) for name, column in manifest.columns.items()},
        Leftovers(images=alone if require_masks else ()),
        (f"pairs from {shown(manifest.path.name)}: {len(kept)} rows",),
    )


def _from_listing(listing: Listing, stated: DataOptions, require_masks: bool) -> _Rows:
    where = str(listing.root)
    if not listing.pictures:
        raise _no_pictures(listing)
    aside = Aside(listing.pictures)
    if require_masks and stated.images is None and stated.masks is None:
        aside = set_aside(listing.pictures)
    roles = assign_roles(aside.kept, listing.root, images=stated.images, masks=stated.masks)
    if not roles.masks and stated.masks is None:
        outlines = find_annotations(listing.root, listing.pictures, listing.others)
        if outlines is not None:
            return _from_outlines(listing, outlines, stated, require_masks)
        roles = guess_layout(roles, listing.root)
    if not roles.masks:
        if require_masks:
            raise _no_masks(listing, roles)
        return _pictures_alone(listing, roles)
    try:
        found = pair(roles, where)
    except DataError as error:
        outlines = None if stated.masks else find_annotations(listing.root, listing.pictures, listing.others)
        if outlines is not None:
            rows = _from_outlines(listing, outlines, stated, require_masks)
            unused = set(roles.masks) - set(outlines.files)
            why = (f"pictures that look like masks are not used: {error.what}",) if unused else ()
            return replace(rows, notes=(*rows.notes, *why))
        if require_masks or stated.masks is not None:
            raise
        return _pictures_alone(listing, roles)
    found, sorting = by_class_folders(found, listing.root, stated)
    rows = _from_pairing(listing, replace(roles, unused=(*roles.unused, *aside.left)), found, require_masks)
    return replace(rows, notes=(*rows.notes, *sorting, *aside.notes, *_outlines_not_used(listing, stated)))


def _from_outlines(listing: Listing, found: Found, stated: DataOptions, require_masks: bool) -> _Rows:
    """Return rows whose masks are drawn from outlines; pictures that no annotation names are left over."""
    outlined = build_rows(listing.root, found, listing.pictures, stated)
    known = {*outlined.images, *found.files, *(path for path, _ in outlined.problems)}
    loose = tuple(path for path in outlined.pictures if path not in known)
    extra = () if require_masks else loose
    leftovers = Leftovers(
        loose if require_masks else (), (), tuple(set(listing.pictures) - known - set(outlined.pictures)),
        tuple(path for path in listing.others if path not in known), (*listing.problems, *outlined.problems),
    )  # fmt: skip
    none: tuple[tuple[str, ...], ...] = ((),) * len(extra)
    return _Rows(
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


def _from_pairing(listing: Listing, roles: Roles, found: Pairing, require_masks: bool) -> _Rows:
    extra = () if require_masks else found.loose_images
    leftovers = Leftovers(
        found.loose_images if require_masks else (), found.loose_masks, (*roles.unused, *found.passed_over),
        tuple(listing.others), tuple(listing.problems),
    )  # fmt: skip
    return _Rows(
        (*(image for image, _ in found.rows), *extra),
        (*(masks for _, masks in found.rows), *(() for _ in extra)),
        found.layout,
        found.class_names,
        (*found.labels, *(() for _ in extra)) if found.labels else (),
        {},
        leftovers,
        (in_words(found), *_passed_over(found.passed_over)),
    )


def _passed_over(masks: tuple[str, ...]) -> tuple[str, ...]:
    said = f"{len(masks)} further masks of pictures that have one already are left out: {some(list(masks))}"
    return (said,) if masks else ()


def _pictures_alone(listing: Listing, roles: Roles) -> _Rows:
    images = roles.images or tuple(listing.pictures)
    leftovers = Leftovers((), roles.masks, roles.unused, tuple(listing.others), tuple(listing.problems))
    note = f"{len(images)} pictures, no masks"
    return _Rows(images, ((),) * len(images), "single", (), (), {}, leftovers, (note,))


def _no_pictures(listing: Listing) -> DataError:
    problems = f" {shown(listing.problems[0][0])} {listing.problems[0][1]}." if listing.problems else ""
    if not listing.others and not listing.problems:
        return DataError(
            "The folder is empty.", where=str(listing.root), fix="name the folder that holds the pictures and the masks"
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


# --- from rows to a data set ----------------------------------------------------------------------------------------


def _build(root: Path, rows: _Rows, stated: DataOptions) -> Dataset:
    rows = _without_strays(root, rows, stated)
    ids = make_ids(rows.images)
    parents = find_parents(rows.images, ids, rows.columns.get("parent", ()), str(root))
    files = MaskFiles(
        rows.images, rows.masks, rows.layout, rows.class_names, rows.labels, rows.leftovers.others
    )  # fmt: skip
    meaning = Meaning(rows.guess, rows.labels) if rows.guess is not None else find_meaning(root, files, stated)
    guess, labels = meaning.guess, meaning.labels
    known = meaning.known if stated.group is None and "group" not in rows.columns else None
    rule = known.group if known is not None else stated.group
    grouping = make_groups(rows.images, ids, rule, rows.columns, str(root), parents)
    if known is not None:
        grouping = replace(grouping, how=known.grouping, guessed=known.group != "none")
    bands, dtype, band_notes = _bands(root, rows.images)
    columns = rows.columns
    split = stated.split if stated.split in ("lists", "folders", "hash", None) else "hash"
    unused: tuple[str, ...]
    if "part" in columns and split in (None, "lists"):
        source = "the annotations" if rows.annotations is not None else "column 'part' of the manifest"
        parts, how, unused = _manifest_parts(columns["part"], root), source, ()
    else:
        official = official_parts(root, rows.images, ids, rows.leftovers.others, split)
        parts, how, unused = official.parts, official.how, official.unused
    parts = parts_with_parents(parts, rows.images, parents)
    copies = note_of_copies(parents, rows.images)
    notes = (*rows.notes, *guess.notes, *band_notes, *((f"parts from {how}",) if how else ()), *unused, *copies)
    if grouping.guessed:
        notes = (*notes, f"groups {grouping.how}")
    filled = Columns(ids, rows.images, rows.masks, grouping.groups, parts, labels, parents)
    dataset = Dataset(
        root, filled, guess.classes, guess.encoding, bands, dtype, notes, rows.leftovers, stated, grouping.how,
        grouping.guessed, grouping.advice, guess.palette, rows.annotations is not None,
    )  # fmt: skip
    return replace(dataset, options=_complete(dataset, stated, rows))


def _without_strays(root: Path, rows: _Rows, stated: DataOptions) -> _Rows:
    """Leave out a second, numbered mask that few pictures have, where the masks hold more than one object's outline.

    `7_2.png` beside `7.png` is a second object if masks are background and foreground; else a stray file.
    Raises DataError where it is not clear which file is the mask.
    """
    several = [i for i, masks in enumerate(rows.masks) if len(masks) > 1]
    alone = [root / masks[0] for masks in rows.masks if len(masks) == 1]
    if rows.layout != "objects" or rows.columns or stated.encoding == "objects" or len(several) > len(alone):
        return rows
    try:
        guess = guess_encoding(look_at_some(spread(alone, SAMPLE)), stated)
    except DataError:  # as single masks they make no sense: they are objects
        return rows
    if guess.encoding.kind in ("binary", "antialiased", "objects") or len(guess.encoding.table) <= 2:
        return rows
    masks, strays = list(rows.masks), []
    for i in several:
        first = min(masks[i], key=lambda mask: len(stem_of(mask)))
        if not all(stem_of(mask).startswith(stem_of(first)) and stem_of(mask) != stem_of(first)
                   for mask in masks[i] if mask != first):  # fmt: skip
            raise DataError(
                f"A picture has several masks and it is not clear which one counts: {shown(rows.images[i])} fits "
                f"{some(list(masks[i]))}.", where=str(root), fix="remove or rename the others")  # fmt: skip
        strays += [mask for mask in masks[i] if mask != first]
        masks[i] = (first,)
    left = replace(rows.leftovers, unused=(*rows.leftovers.unused, *strays))
    how = tuple(note.replace(f"; one file an object, {len(alone) + len(several) + len(strays)} files", "")
                for note in rows.notes)  # fmt: skip
    notes = (*how, *_passed_over(tuple(strays)))
    return replace(rows, masks=tuple(masks), layout="single", leftovers=left, notes=notes)


def _manifest_parts(column: Sequence[str], root: Path) -> tuple[str, ...]:
    parts = tuple(PARTS.get(text.casefold(), text) for text in column)
    bad = sorted({part for part in parts if part not in ("", "train", "val", "test")})
    if bad:
        raise DataError(
            f"The column 'part' holds {some(bad)}.", where=str(root), fix="write train, val, test, or nothing"
        )
    return parts


def _complete(dataset: Dataset, stated: DataOptions, rows: _Rows) -> DataOptions:
    """Return the options with what was guessed filled in, as far as options can say it."""
    update: dict[str, object] = {}
    if rows.annotations is not None:
        update = {"annotations": stated.annotations or rows.annotations, "classes": dataset.classes.names}
        return stated.model_copy(update=update)
    if stated.encoding is None and any(rows.masks):
        update["encoding"] = dataset.encoding.kind
    if stated.classes is None and any(rows.masks):
        update["classes"] = dataset.classes.names
    if stated.values is None and stated.ignore is None:
        values = stated_values(dataset)
        if values is not None:
            update["values"] = values
    if rows.columns == {} and stated.images is None and stated.masks is None and stated.pairs is None:
        folders = {folder_of(image) for image in rows.images}, {folder_of(m) for masks in rows.masks for m in masks}
        if all(len(found) == 1 for found in folders) and folders[0] != folders[1]:
            update["images"], update["masks"] = (found.pop() or "." for found in folders)
    return stated.model_copy(update=update)


def _bands(root: Path, images: Sequence[str]) -> tuple[int, str, tuple[str, ...]]:
    """Return bands and dtype that hold all sampled pictures."""
    infos = [info for info in in_threads(_info_or_none, [root / image for image in spread(images, SAMPLE)]) if info]
    if not infos:
        read_info(root / images[0])  # says what is wrong
        raise DataError("No picture can be read.", where=str(root), fix="run `maskwright check` to see each one")
    bands = Counter(info.bands for info in infos)
    dtype = "uint16" if any(info.dtype == "uint16" for info in infos) else "uint8"
    many = bands.most_common(1)[0][0]
    chosen = many if many not in (1, 3) else 3 if bands[3] else 1
    notes = (f"{chosen} bands of 16 bits",) if dtype == "uint16" else ()
    return chosen, dtype, notes


def _info_or_none(path: Path) -> ImageInfo | None:
    try:
        return read_info(path)
    except DataError:
        return None
