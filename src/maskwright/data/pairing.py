"""Which mask belongs to which picture, judged by names alone.

Several rules are tried, from "the same name" to "the only picture of its folder"; the one that finds masks for most
pictures wins, the stricter one on a tie. Nothing is ever paired by order. Content is not looked at.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from maskwright.data.names import Words, context, core, folder_of, plain, shown, some, stem_of, words
from maskwright.data.roles import Roles
from maskwright.data.several import Layout, Several, arrange, without_number
from maskwright.data.unclear import Match, Unclear, arrange_clear, clash_error, clashes_apart
from maskwright.errors import DataError

Key = Callable[[str], Hashable]


@dataclass(frozen=True)
class Pairing:
    """The result: rows of (picture, its masks), and what stayed alone.

    passed_over: masks of paired pictures that show the same in another way (colours beside class numbers).
    unclear: what might belong together, and might not, where that was asked for.
    layout: "single" (one mask a picture), "objects" (one file an object) or "per-class".
    class_names: per-class only. labels: per-class only, for each row the class number of each mask.
    """

    rows: tuple[tuple[str, tuple[str, ...]], ...]
    layout: Layout
    class_names: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...]
    loose_images: tuple[str, ...]
    loose_masks: tuple[str, ...]
    passed_over: tuple[str, ...]
    how: str
    unclear: tuple[Unclear, ...] = ()


@dataclass
class _Found:
    """What one rule found: pairs, and the names that fit several pictures."""

    match: Match
    clashes: list[tuple[str, list[str]]]
    how: str

    @property
    def score(self) -> tuple[int, int]:
        return len(self.match), sum(len(masks) for masks in self.match.values())


def pair(roles: Roles, where: str, *, tolerant: bool = False) -> Pairing:
    """Pair pictures with masks. Raises DataError where nothing fits, or where it is not clear what belongs together.

    tolerant: set the few aside for which it is not clear, and pair the others.
    """
    best = _best(roles.images, roles.masks)
    if best is None or not best.match:
        if best is not None and best.clashes:
            raise clash_error(best.clashes, where)
        raise _nothing(roles, where)
    match = dict(best.match)
    hows = [best.how]
    clashes = list(best.clashes)
    rest = _untouched(roles, match, clashes)
    while rest:  # folders named by another rule than the others
        more = _best(*rest, later=True)
        if more is None or not more.match:
            break
        match.update(more.match)
        clashes.extend(more.clashes)
        if more.how not in hows:
            hows.append(more.how)
        rest = _untouched(roles, match, clashes)
    apart = clashes_apart(clashes, len(match)) if tolerant else None
    if clashes and apart is None:
        raise clash_error(clashes, where)
    several, unclear = arrange_clear(match, where) if tolerant else (arrange(match, where), ())
    return _finish(roles, several, match, "; ".join(hows), (*(apart or ()), *unclear))


def _finish(roles: Roles, several: Several, match: Match, how: str, unclear: tuple[Unclear, ...]) -> Pairing:
    aside = {path for found in unclear for path in (*found.images, *found.masks)}
    rows = tuple((image, several.masks[image]) for image in roles.images if image in several.masks)
    used = {mask for _, masks in rows for mask in masks}
    passed_over = {mask for masks in match.values() for mask, _ in masks} - used - aside
    return Pairing(
        rows,
        several.layout,
        several.class_names,
        tuple(several.labels[image] for image, _ in rows) if several.labels else (),
        tuple(image for image in roles.images if image not in match and image not in aside),
        tuple(mask for mask in roles.masks if mask not in used and mask not in passed_over and mask not in aside),
        tuple(sorted(passed_over)),
        how,
        unclear,
    )


def _best(images: Sequence[str], masks: Sequence[str], *, later: bool = False) -> _Found | None:
    """Return what the best rule finds; the earlier, stricter one on a tie.

    later: what is left after a first round, where a mask without its picture must not go to another folder's.
    """
    best: _Found | None = None
    settled = later  # most masks lie in folders that agree with their pictures': then none goes to a contrary folder
    for try_rule in _rules(images, masks):
        found = try_rule()
        if settled:
            found = _agreeing(found)
        if later:
            found = _prevailing(found, images)
        if best is None or found.score > best.score:
            best = found
            if len(best.match) == len(images) and sum(map(len, best.match.values())) == len(masks):
                break
            settled = settled or _agreeing(best).score[1] * 2 > len(masks)
    return best


def _agreeing(found: _Found) -> _Found:
    """Keep pairs whose folders do not contradict each other."""
    match: Match = {}
    for image, masks in found.match.items():
        kept = [(mask, extra) for mask, extra in masks if not _contradict(image, mask)]
        if kept:
            match[image] = kept
    clashes = [(mask, [image for image in fit if not _contradict(image, mask)]) for mask, fit in found.clashes]
    return _Found(match, [(mask, fit) for mask, fit in clashes if fit], found.how)


def _prevailing(found: _Found, images: Sequence[str]) -> _Found:
    """Keep pairs of folders in which most pictures have one."""
    whole, paired = Counter(map(folder_of, images)), Counter(map(folder_of, found.match))
    kept = {folder for folder in paired if paired[folder] * 2 > whole[folder]}
    match = {image: masks for image, masks in found.match.items() if folder_of(image) in kept}
    return _Found(match, found.clashes, found.how)


def _contradict(image: str, mask: str) -> bool:
    """Whether the folders name different parts or patients: neither says all that the other says."""
    first, second = set(context(folder_of(image))), set(context(folder_of(mask)))
    return not (first <= second or second <= first)


def _rules(images: Sequence[str], masks: Sequence[str]) -> Iterable[Callable[[], _Found]]:
    named: tuple[tuple[str, Key, Key], ...] = (
        ("same stem", stem_of, stem_of),
        ("same stem but for case and separators", *_twice(lambda p: plain(stem_of(p)))),
        ("same stem but for words such as image and mask", *_twice(lambda p: core(stem_of(p)))),
        ("same stem but for such words and leading zeros", *_twice(lambda p: _numbered(core(stem_of(p))))),
        ("same stem but for what all pictures or all masks share", *_affix_keys(images, masks)),
    )
    for how, image_key, mask_key in named:
        for mode in ("same", "below", "any"):
            yield partial(_by_key, images, masks, image_key, mask_key, mode, how)
    for mode in ("same", "below", "any"):
        yield partial(_by_beginning, images, masks, mode)
    yield partial(_by_folder, images, masks)


def _twice(key: Key) -> tuple[Key, Key]:
    return key, key


def _numbered(found: Words) -> tuple[Hashable, ...]:
    return tuple(int(word) if word.isascii() and word.isdigit() else word for word in found)


def _affix_keys(images: Sequence[str], masks: Sequence[str]) -> tuple[Key, Key]:
    """Return keys that drop the words which all pictures, or all masks, begin or end with.

    Numbers may be what tells two sets apart, so they are dropped on one side at most, and only at the end.
    """
    sides = [[words(stem_of(path)) for path in paths] for paths in (images, masks)]
    cuts = [_shared_ends(side, numbers=True) for side in sides]
    tails = [side[0][len(side[0]) - tail :] if side else () for side, (_, tail) in zip(sides, cuts, strict=True)]
    if all(any(word.isdigit() for word in tail) for tail in tails):
        cuts = [_shared_ends(side, numbers=False) for side in sides]
    return _without_ends(*cuts[0]), _without_ends(*cuts[1])


def _without_ends(head: int, tail: int) -> Key:
    def key(path: str) -> Hashable:
        found = words(stem_of(path))
        return found[head : len(found) - tail]

    return key


def _shared_ends(side: Sequence[Words], *, numbers: bool) -> tuple[int, int]:
    """Count the words that all names begin with and end with. numbers: those at the end count too."""
    if len(side) < 2:
        return 0, 0
    first, shortest = side[0], min(map(len, side))
    head = tail = 0
    while head < shortest and not first[head].isdigit() and all(found[head] == first[head] for found in side):
        head += 1
    while tail < shortest - head - 1:
        last = first[-1 - tail]
        if (last.isdigit() and not numbers) or any(found[-1 - tail] != last for found in side):
            break
        tail += 1
    return head, tail


def _place(path: str, mode: str, *, is_mask: bool) -> tuple[str, ...]:
    """Return what of the folder must agree: all that it says, all but a mask's last folder, or nothing."""
    if mode == "any":
        return ()
    found = context(folder_of(path))
    return found[:-1] if mode == "below" and is_mask else found


def _by_key(images: Sequence[str], masks: Sequence[str], image_key: Key, mask_key: Key, mode: str, how: str) -> _Found:
    index: dict[Hashable, list[str]] = defaultdict(list)
    for image in images:
        key = image_key(image)
        if key not in ((), "") or (mode == "same" and context(folder_of(image))):
            index[(_place(image, mode, is_mask=False), key)].append(image)
    match: Match = {}
    clashes: list[tuple[str, list[str]]] = []
    for mask in masks:
        candidates = index.get((_place(mask, mode, is_mask=True), mask_key(mask)), [])
        if len(candidates) == 1:
            match.setdefault(candidates[0], []).append((mask, ()))
        elif candidates:
            clashes.append((mask, candidates))
    return _Found(match, clashes, how)


def _by_beginning(images: Sequence[str], masks: Sequence[str], mode: str) -> _Found:
    """Pair a mask with the picture whose words its own begin (or end) with, the longest such picture."""
    keys = {image: core(stem_of(image)) for image in images}
    shared = _shared_ends(list(keys.values()), numbers=False)[1]
    index: dict[Hashable, list[str]] = defaultdict(list)
    for image, found in keys.items():
        found = found[: len(found) - shared]
        if found:
            index[(_place(image, mode, is_mask=False), found)].append(image)
    match: Match = {}
    clashes: list[tuple[str, list[str]]] = []
    for mask in masks:
        place, found = _place(mask, mode, is_mask=True), core(stem_of(mask))
        for length in range(len(found), 0, -1):
            for part, extra in ((found[:length], found[length:]), (found[-length:], found[:-length])):
                candidates = index.get((place, part), [])
                if len(candidates) == 1:
                    match.setdefault(candidates[0], []).append((mask, extra))
                elif candidates:
                    clashes.append((mask, candidates))
                if candidates:
                    break
            else:
                continue
            break
    return _Found(match, clashes, "the mask's name begins or ends with the picture's")


def _by_folder(images: Sequence[str], masks: Sequence[str]) -> _Found:
    """Pair every mask of a folder with the only picture of that folder: id/images/x.png with id/masks/*.png."""
    index: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for image in images:
        index[context(folder_of(image))].append(image)
    match: Match = {}
    if any(len(found) > 1 for found in index.values()):
        return _Found(match, [], "")
    endings: Counter[Words] = Counter()
    for mask in masks:
        place = context(folder_of(mask))
        if place and place in index:
            ending = without_number(core(stem_of(mask)))
            endings[ending] += 1
            match.setdefault(index[place][0], []).append((mask, core(stem_of(mask))))
    several = any(len(found) > 1 for found in match.values())
    repeated = all(times * 2 >= len(match) for times in endings.values()) and len(match) > 1
    if not several or not repeated:
        number: Words = ("1",) if several else ()
        match = {image: [(mask, number) for mask, _ in found] for image, found in match.items()}
    return _Found(match, [], "the only picture of its folder")


def _untouched(roles: Roles, match: Match, clashes: list[tuple[str, list[str]]]) -> tuple[list[str], list[str]] | None:
    """Return pictures of folders in which no picture has a mask yet, and the masks that are left."""
    touched = {folder_of(image) for image in match}
    clashing = {image for _, images in clashes for image in images}
    images = [p for p in roles.images if folder_of(p) not in touched and p not in clashing]
    used = {mask for masks in match.values() for mask, _ in masks} | {mask for mask, _ in clashes}
    masks = [p for p in roles.masks if p not in used]
    return (images, masks) if images and masks else None


def _nothing(roles: Roles, where: str) -> DataError:
    images = [p.rpartition("/")[2] for p in roles.images[:3]]
    masks = [p.rpartition("/")[2] for p in roles.masks[:3]]
    folders = Counter(folder_of(p) or "." for p in roles.images), Counter(folder_of(p) or "." for p in roles.masks)
    example = stem_of(roles.images[0])
    return DataError(
        f"No mask belongs to any picture by its name: {len(roles.images)} pictures (such as {some(images)}; in "
        f"{shown(folders[0].most_common(1)[0][0])}) and {len(roles.masks)} masks (such as {some(masks)}; in "
        f"{shown(folders[1].most_common(1)[0][0])}).",
        where=where,
        fix=f"give masks the picture's name, also with an ending ({shown(example)}.png or {shown(example)}_mask.png), "
        "or state the pairs in a CSV file with the columns image and mask (pairs: pairs.csv in dataset.yaml)",
    )
