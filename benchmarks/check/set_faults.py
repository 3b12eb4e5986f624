"""Faults of several pictures: the same twice, nearly so, other labels, leaks, groups, one unlike all others."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from copies import CleanSet, Copy, Pair, each, open_picture, put, put_picture, with_pixels
from faultkind import Damage, Expected, Fault, Names, PairDamage, Rng, how_many, strengths
from file_faults import with_exif
from PIL import Image
from shift_faults import Labels, resized, shifted

_SIDE = 0.8**0.5  # of a crop to 80 % of the area
_TAKEN = 0x9003  # EXIF: when the photograph was taken
_PER_GROUP = 4
Look = Callable[[Image.Image, Rng], Image.Image]
Steps = tuple[Look, ...]


# --- one more look at a photograph ----------------------------------------------------------------------------------


def crop(image: Image.Image, rng: Rng) -> Image.Image:
    """Keep 80 % of the area; where, the generator's next two numbers say."""
    down, right = rng.random(2)
    width, height = round(image.width * _SIDE), round(image.height * _SIDE)
    left, top = round(right * (image.width - width)), round(down * (image.height - height))
    return image.crop((left, top, left + width, top + height))


def _scaled(share: float) -> Look:
    def do(image: Image.Image, rng: Rng) -> Image.Image:
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        how = Image.Resampling.NEAREST if image.info.get("is mask") else Image.Resampling.LANCZOS
        return image.resize(size, how)

    return do


def _brighter(factor: float) -> Look:
    def do(image: Image.Image, rng: Rng) -> Image.Image:
        if image.info.get("is mask"):
            return image
        pixels = np.asarray(image).astype(np.float32) * factor
        return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))

    return do


def _mirror(image: Image.Image, rng: Rng) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def add_relative(copy: Copy, pair: Pair, rng: Rng, steps: Steps, quality: int = 0, digits: str = "9") -> Pair:
    """Add the pair once more, seen otherwise; its mask is right. quality: of a JPEG; 0 keeps the set's format."""
    new = copy.sibling(pair, digits, image_suffix=".jpg" if quality else "")
    seed = int(rng.integers(1 << 30))
    image, mask = open_picture(pair.image), open_picture(pair.mask)
    forms = image.format, mask.format
    if image.mode == "RGBA":
        image = image.convert("RGB")
    mask.info["is mask"] = True
    for step in steps:
        image = step(image, np.random.default_rng(seed))
        mask = step(mask, np.random.default_rng(seed))
        mask.info["is mask"] = True
    put_picture(new.image, image, "JPEG" if quality else forms[0] or "", **({"quality": quality} if quality else {}))
    mask.info.clear()
    put_picture(new.mask, mask, forms[1] or "")
    return new


def _near(*steps: Look, quality: int = 0) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> Names | None:
        if np.asarray(open_picture(pair.image).convert("L")).std() < 8:
            return None  # a flat picture looks like any other
        return frozenset({pair.id, add_relative(copy, pair, rng, steps, quality).id})

    return do


def _same_file(copy: Copy, pair: Pair, rng: Rng) -> Names:
    new = copy.sibling(pair, "9")
    os.link(pair.image, new.image)
    os.link(pair.mask, new.mask)
    return frozenset({pair.id, new.id})


def _same_pixels(copy: Copy, pair: Pair, rng: Rng) -> Names:
    new = copy.sibling(pair, "9", image_suffix=".png" if pair.image.suffix != ".png" else ".bmp")
    image = open_picture(pair.image)
    put_picture(new.image, image.convert("RGB") if image.mode == "RGBA" else image)
    os.link(pair.mask, new.mask)
    return frozenset({pair.id, new.id})


# --- other labels ---------------------------------------------------------------------------------------------------


def _shifted_mask(copy: Copy, pair: Pair, rng: Rng) -> Names | None:
    """Add the same file once more, with its mask shifted by 3 % of the side."""
    mask = open_picture(pair.mask)
    raw = np.asarray(mask)
    moved = shifted(raw, max(1, round(0.03 * raw.shape[0])), 0)
    if np.array_equal(moved, raw):
        return None
    new = copy.sibling(pair, "9")
    os.link(pair.image, new.image)
    put_picture(new.mask, with_pixels(moved, mask), mask.format or "")
    return frozenset({pair.id, new.id})


def _mask_of_another(quality: int = 0) -> PairDamage:
    """Add a picture once more, with a mask that has less than half in common. quality: of a JPEG; 0: the same file."""

    def do(copy: Copy, pair: Pair, rng: Rng) -> Names | None:
        for other in each(copy.pairs, rng):
            if other.id == pair.id or _in_common(copy.labels(pair), copy.labels(other)) >= 0.5:
                continue
            new = copy.sibling(pair, "9", image_suffix=".jpg" if quality else "")
            if quality:
                put_picture(new.image, open_picture(pair.image), quality=quality)
            else:
                os.link(pair.image, new.image)
            mask = open_picture(other.mask)
            size = open_picture(pair.mask).size
            put_picture(new.mask, mask.resize(size, Image.Resampling.NEAREST), mask.format or "")
            return frozenset({pair.id, new.id})
        return None

    return do


def _in_common(first: Labels, second: Labels) -> float:
    """Return the share of what either mask marks that both mark alike; `second` is brought to the size of `first`."""
    second = resized(second, first.shape)
    marked = (first > 0) | (second > 0)
    return float((marked & (first == second)).sum() / max(1, marked.sum()))


# --- parts and groups -----------------------------------------------------------------------------------------------


def _move(copy: Copy, places: list[tuple[Path, Path]]) -> None:
    """Move pictures and masks to (image, mask) paths, relative to the copy, pair by pair."""
    parked = copy.folder.with_name(f"{copy.folder.name}-moving")
    copy.folder.rename(parked)
    for pair, (image, mask) in zip(copy.pairs, places, strict=True):
        for old, new in ((pair.image, image), (pair.mask, mask)):
            place = copy.folder / new
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(parked / old.relative_to(copy.folder), place)
    shutil.rmtree(parked)


def _in_part(pair: Pair, part: str, stem: str = "") -> tuple[Path, Path]:
    image, mask = (f"{stem}{path.suffix}" if stem else path.name for path in (pair.image, pair.mask))
    return Path(part, "images", image), Path(part, "masks", mask)


def _leaking(*steps: Look, quality: int = 0) -> Callable[[Copy, Rng], Damage]:
    """Lay the set out in parts, and put relatives of training pictures into the test part. No steps: the same file."""

    def do(copy: Copy, rng: Rng) -> Damage:
        order = list(each(copy.pairs, rng))
        test = {pair.row for pair in order[: max(2, len(order) // 5)]}
        expected: list[Expected] = []
        added: list[tuple[Pair, Pair]] = []
        for pair in [pair for pair in order if pair.row not in test][: how_many(len(order))]:
            if steps or quality:
                new = add_relative(copy, pair, rng, steps, quality)
            else:
                new = copy.sibling(pair, "9")
                os.link(pair.image, new.image)
                os.link(pair.mask, new.mask)
            added.append((pair, new))
            expected.append((frozenset({pair.image.stem, new.image.stem}),))
        content = [(new, new.image.read_bytes(), new.mask.read_bytes()) for _, new in added]
        _move(copy, [_in_part(pair, "test" if pair.row in test else "train") for pair in copy.pairs])
        for new, image, mask in content:
            for place, what in zip(_in_part(new, "test"), (image, mask), strict=True):
                put(copy.folder / place, what)
        return Damage(tuple(expected))

    return do


def _stems(copy: Copy, rng: Rng) -> tuple[list[str], list[str]]:
    """Return a patient for each pair, and a stem that names patient and visit."""
    groups = [f"patient{row // _PER_GROUP:02d}" for row in range(len(copy.pairs))]
    return groups, [f"{group}_{row % _PER_GROUP}" for row, group in enumerate(groups)]


def _torn(copy: Copy, rng: Rng) -> Damage:
    """Name pictures by patient, and let some patients lie in both parts."""
    groups, stems = _stems(copy, rng)
    known = sorted(set(groups))
    torn = [known[int(i)] for i in rng.permutation(len(known))[:3]]
    whole = [group for group in known if group not in torn][-2:]
    parts = [
        "test" if group in whole or (group in torn and stem.endswith("_0")) else "train"
        for group, stem in zip(groups, stems, strict=True)
    ]
    _move(copy, [_in_part(pair, part, stem) for pair, part, stem in zip(copy.pairs, parts, stems, strict=True)])
    found = [
        (frozenset({group}), frozenset(stem for stem, own in zip(stems, groups, strict=True) if own == group))
        for group in torn
    ]
    return Damage(tuple(found))


def _named(copy: Copy, rng: Rng) -> Damage:
    _, stems = _stems(copy, rng)
    _move(copy, [_in_part(pair, "", stem) for pair, stem in zip(copy.pairs, stems, strict=True)])
    return Damage(((frozenset(),),))


def _in_folders(copy: Copy, rng: Rng) -> Damage:
    groups, _ = _stems(copy, rng)
    names = [f"scan{row:03d}" for row in range(len(copy.pairs))]
    _move(copy, [
        (Path("images", group, name + pair.image.suffix), Path("masks", group, name + pair.mask.suffix))
        for pair, group, name in zip(copy.pairs, groups, names, strict=True)
    ])  # fmt: skip
    return Damage(((frozenset(),),))


def _in_bursts(copy: Copy, rng: Rng) -> Damage:
    """Say in EXIF that pictures were taken four at a time, seconds apart, an hour between the fours."""
    for pair in copy.pairs:
        burst, second = divmod(pair.row, _PER_GROUP)
        exif = Image.Exif()
        day, hour = divmod(burst, 10)
        exif.get_ifd(0x8769)[_TAKEN] = f"2024:05:{1 + day:02d} {8 + hour:02d}:15:{10 + 2 * second:02d}"
        with_exif(pair.image, exif)
    return Damage(((frozenset(),),))


# --- unlike all others ----------------------------------------------------------------------------------------------


def _replaced(draw: Callable[[tuple[int, ...], Rng], np.ndarray]) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str:
        image = open_picture(pair.image)
        shape = np.asarray(image).shape
        pixels = np.clip(draw(shape, rng), 0, 255).astype(np.uint8)
        if image.mode == "RGBA":
            pixels[:, :, 3] = 255
        put_picture(pair.image, Image.fromarray(pixels), image.format or "")
        return pair.id

    return do


def _black(shape: tuple[int, ...], rng: Rng) -> np.ndarray:
    return rng.normal(2, 1.5, shape)


def _noise(shape: tuple[int, ...], rng: Rng) -> np.ndarray:
    return rng.uniform(0, 255, shape)


def _page(shape: tuple[int, ...], rng: Rng) -> np.ndarray:
    """Draw a page of writing: white, with lines of dark blocks."""
    page = np.full(shape, 250.0)
    height, width = shape[:2]
    line = max(4, height // 24)
    for top in range(line, height - line, 2 * line):
        inked = np.repeat(rng.random(-(-width // 5)) < 0.7, 5)[:width]
        inked[: width // 12] = inked[int(width * rng.uniform(0.7, 0.95)) :] = False
        page[top : top + line, inked] = 20
    return page


def _enough(clean: CleanSet) -> str:
    return "" if len(clean) >= 20 else "fewer than 20 pictures"


def _groupable(clean: CleanSet) -> str:
    return _enough(clean) or ("" if len(clean) >= 10 * _PER_GROUP else "too few pictures for ten groups")


def _no_groups(clean: CleanSet) -> str:
    return _groupable(clean) or ("it has groups already" if clean.dataset.grouping_guessed else "")


def _has_exif(clean: CleanSet) -> str:
    if open_picture(clean.dataset[0].image).format != "JPEG":
        return "its pictures are no photographs with EXIF"
    return _no_groups(clean)


SET_FAULTS: tuple[Fault, ...] = (
    *strengths("duplicate", (("the same file", _same_file), ("the same pixels in another format", _same_pixels))),
    *strengths("near-duplicate", (
        ("JPEG 90", _near(quality=90)), ("JPEG 50", _near(quality=50)), ("resized to a half", _near(_scaled(0.5))),
        ("cropped to 80 %", _near(crop)), ("20 % brighter", _near(_brighter(1.2))),
        ("20 % darker", _near(_brighter(0.8))), ("mirrored", _near(_mirror)),
        ("cropped to 80 % and 20 % brighter", _near(crop, _brighter(1.2))),
        ("mirrored and JPEG 50", _near(_mirror, quality=50)),
        ("half and 20 % darker", _near(_scaled(0.5), _brighter(0.8))),
        ("cropped to 80 % and to a half", _near(crop, _scaled(0.5))),
    )),
    *strengths("label-conflict", (
        ("another mask", _mask_of_another()), ("mask shifted by 3 %", _shifted_mask),
        ("JPEG 90, another mask", _mask_of_another(quality=90)),
    )),
    Fault("split-leak", "the same file", whole=_leaking(), suits=_enough),
    Fault("split-leak", "JPEG 50", whole=_leaking(quality=50), suits=_enough),
    Fault("split-leak", "half", whole=_leaking(_scaled(0.5)), suits=_enough),
    Fault("split-leak", "cropped to 80 %", whole=_leaking(crop), suits=_enough),
    Fault("split-leak", "patients in both parts", whole=_torn, suits=_groupable, also=("group-suggested",)),
    Fault("group-suggested", "by name", whole=_named, suits=_no_groups),
    Fault("group-suggested", "by folder", whole=_in_folders, suits=_no_groups),
    Fault("group-suggested", "by EXIF time", whole=_in_bursts, suits=_has_exif),
    *strengths("outlier-image", (("black", _replaced(_black)), ("noise", _replaced(_noise)),
                                 ("a page of writing", _replaced(_page))), suits=_enough, most=1, alone=True),
)  # fmt: skip
