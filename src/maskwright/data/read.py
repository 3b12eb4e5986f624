"""From a folder, a CSV file or an archive to a Dataset; whatever is not stated is guessed, and every guess is noted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from maskwright.data.archive import is_archive, unpack
from maskwright.data.bundle import unpack_bundle
from maskwright.data.copies import find_parents, note_of_copies, parts_with_parents
from maskwright.data.dataset import Columns, Dataset
from maskwright.data.encoding import guess_encoding
from maskwright.data.groups import make_groups
from maskwright.data.lists import CLASH_FIX, Clash, official_parts
from maskwright.data.meaning import SAMPLE, MaskFiles, Meaning, find_meaning, look_at_some
from maskwright.data.names import PARTS, folder_of, shown, some, stem_of, suffix_of
from maskwright.data.options import merged, read_stated, stated_values, without_overruled
from maskwright.data.options import write_options as write_options
from maskwright.data.phrases import make_ids
from maskwright.data.rows import Asked, Rows, find_rows, passed_over
from maskwright.data.threads import in_threads, spread
from maskwright.data.unclear import Unclear
from maskwright.errors import DataError
from maskwright.images.formats import ImageInfo, read_info
from maskwright.progress import Progress, ignore
from maskwright.recipe import DataOptions

_MEANT = ("group", "part", "parent")  # columns of a manifest that have a place of their own


def read_dataset(
    path: str | Path,
    options: DataOptions | None = None,
    *,
    require_masks: bool = True,
    tolerant: bool = False,
    progress: Progress = ignore,
) -> Dataset:
    """Read a folder, a CSV file (columns image, mask, group, part) or a zip or tar archive of pictures and masks.

    A folder that holds nothing but archives is read as if they were unpacked there.

    options: what is stated; it overrules dataset.yaml in the folder or beside the CSV file; both overrule guesses.
    require_masks: False: pictures without masks are rows too, and a folder of pictures alone is a data set.
    tolerant: for an audit: the few pictures of which it is not clear which mask is theirs become leftovers, and so
    do masks; and a set whose files cannot be opened is a data set. progress: told of masks drawn from outlines.

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
        root, within = unpack_bundle(root, packed=place.stat().st_size) or (root, ())
        notes = (*notes, *within)
    else:
        raise DataError(
            "This is no folder, CSV file, zip or tar archive.", where=str(place),
            fix="name the folder that holds the pictures and the masks")  # fmt: skip
    here = read_stated(root)
    if manifest_file is not None:  # it says which files there are
        here = here.model_copy(update={"images": None, "masks": None, "pairs": None, "annotations": None})
    stated = merged(without_overruled(here, given), given)
    rows = find_rows(root, manifest_file, Asked(stated, given, require_masks, progress, tolerant))
    return _build(root, replace(rows, notes=(*notes, *rows.notes)), stated, tolerant)


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


def _build(root: Path, rows: Rows, stated: DataOptions, tolerant: bool) -> Dataset:
    rows = _without_strays(root, rows, stated, tolerant)
    ids = make_ids(rows.images)
    parents = find_parents(rows.images, ids, rows.columns.get("parent", ()), str(root))
    files = MaskFiles(
        rows.images, rows.masks, rows.layout, rows.class_names, rows.labels, rows.leftovers.others
    )  # fmt: skip
    meaning = Meaning(rows.guess, rows.labels) if rows.guess is not None else _meaning(root, files, stated, tolerant)
    guess, labels = meaning.guess, meaning.labels
    known = meaning.known if stated.group is None and "group" not in rows.columns else None
    rule = known.group if known is not None else stated.group
    grouping = make_groups(rows.images, ids, rule, rows.columns, str(root), parents)
    if known is not None:
        grouping = replace(grouping, how=known.grouping, guessed=known.group != "none")
    bands, dtype, band_notes = _bands(root, rows.images, tolerant)
    columns = rows.columns
    split = stated.split if stated.split in ("lists", "folders", "hash", None) else "hash"
    unused: tuple[str, ...]
    clashes: tuple[Clash, ...] = ()
    if "part" in columns and split in (None, "lists"):
        source = "the annotations" if rows.annotations is not None else "column 'part' of the manifest"
        parts, how, unused = _manifest_parts(columns["part"], root), source, ()
    else:
        official = official_parts(root, rows.images, ids, rows.leftovers.others, split)
        parts, how, unused, clashes = official.parts, official.how, official.unused, official.clashes
        if clashes and not tolerant:
            raise DataError(clashes[0].what, where=str(root), fix=CLASH_FIX)
    parts = parts_with_parents(parts, rows.images, parents)
    copies = note_of_copies(parents, rows.images)
    notes = (*rows.notes, *guess.notes, *band_notes, *((f"parts from {how}",) if how else ()), *unused, *copies)
    if grouping.guessed:
        notes = (*notes, f"groups {grouping.how}")
    extra = {name: column for name, column in rows.columns.items() if name and name not in _MEANT}
    filled = Columns(ids, rows.images, rows.masks, grouping.groups, parts, labels, parents, extra)
    dataset = Dataset(
        root, filled, guess.classes, guess.encoding, bands, dtype, notes, rows.leftovers, stated, grouping.how,
        grouping.guessed, grouping.advice, guess.palette, rows.annotations is not None, guess.ignore_guessed,
        clashes,
    )  # fmt: skip
    return replace(dataset, options=_complete(dataset, stated, rows))


def _meaning(root: Path, files: MaskFiles, stated: DataOptions, tolerant: bool) -> Meaning:
    """Find out what the masks mean. tolerant: of masks that cannot be opened, something usual is believed."""
    try:
        return find_meaning(root, files, stated)
    except DataError:
        paths = [root / mask for row in files.masks for mask in row]
        if not tolerant or any(in_threads(_info_or_none, spread(paths, SAMPLE))):
            raise
        return find_meaning(root, replace(files, masks=()), stated)


def _without_strays(root: Path, rows: Rows, stated: DataOptions, tolerant: bool) -> Rows:
    """Leave out a second, numbered mask that few pictures have, where the masks hold more than one object's outline.

    `7_2.png` beside `7.png` is a second object if masks are background and foreground; else a stray file.
    Raises DataError where it is not clear which file is the mask; tolerant: leaves those pictures out as well.
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
    masks, strays, unclear = list(rows.masks), [], []
    for i in several:
        first = min(masks[i], key=lambda mask: len(stem_of(mask)))
        if all(stem_of(mask).startswith(stem_of(first)) and stem_of(mask) != stem_of(first)
               for mask in masks[i] if mask != first):  # fmt: skip
            strays += [mask for mask in masks[i] if mask != first]
            masks[i] = (first,)
        elif tolerant:
            unclear.append(i)
        else:
            raise DataError(
                f"A picture has several masks and it is not clear which one counts: {shown(rows.images[i])} fits "
                f"{some(list(masks[i]))}.", where=str(root), fix="remove or rename the others")  # fmt: skip
    apart = tuple(Unclear((rows.images[i],), masks[i]) for i in unclear)
    left = replace(rows.leftovers, unused=(*rows.leftovers.unused, *strays), unclear=(*rows.leftovers.unclear, *apart))
    kept = [i for i in range(len(masks)) if i not in unclear]
    how = tuple(note.replace(f"; one file an object, {len(alone) + len(several) + len(strays)} files", "")
                for note in rows.notes)  # fmt: skip
    notes = (*how, *passed_over(tuple(strays)))
    return replace(rows, images=tuple(rows.images[i] for i in kept), masks=tuple(masks[i] for i in kept),
                   layout="single", leftovers=left, notes=notes)  # fmt: skip


def _manifest_parts(column: Sequence[str], root: Path) -> tuple[str, ...]:
    parts = tuple(PARTS.get(text.casefold(), text) for text in column)
    bad = sorted({part for part in parts if part not in ("", "train", "val", "test")})
    if bad:
        raise DataError(
            f"The column 'part' holds {some(bad)}.", where=str(root), fix="write train, val, test, or nothing"
        )
    return parts


def _complete(dataset: Dataset, stated: DataOptions, rows: Rows) -> DataOptions:
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


def _bands(root: Path, images: Sequence[str], tolerant: bool) -> tuple[int, str, tuple[str, ...]]:
    """Return bands and dtype that hold all sampled pictures."""
    infos = [info for info in in_threads(_info_or_none, [root / image for image in spread(images, SAMPLE)]) if info]
    if not infos and tolerant:
        return 3, "uint8", ()
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
