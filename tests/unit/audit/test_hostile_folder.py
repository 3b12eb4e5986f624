"""A folder that was made to do harm: every file of it is a finding, at once and in little memory."""

import os
import struct
import sys
import time
import zipfile
import zlib
from functools import lru_cache

import numpy as np
import pytest

from maskwright.audit.check import check_dataset
from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support.picture_folders import disc, make_set, photo, save

SIZE = (24, 32)
resource = pytest.importorskip("resource", reason="tells how much memory is used")
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file systems")


@pytest.fixture
def folder(tmp_path):
    return make_set(tmp_path / "set", 6, size=SIZE, image="images/{}.png")


def peak():
    """The most memory that this process has used so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def check(data):
    """Check within 20 seconds, and without the process growing by more than 250 MB."""
    begin, before = time.monotonic(), peak()
    report = check_dataset(data)
    assert time.monotonic() - begin < 20
    assert peak() - before < 250
    return report


def found(data):
    return [(f.level, f.kind, f.sample) for f in check(data).findings]


def png(width, height, content=b"", *, depth=8, colour=2, extra=b""):
    """A PNG of any header, with any compressed content."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@lru_cache(maxsize=1)
def bomb():
    """Half a gigabyte of zeros, compressed a thousandfold."""
    packer = zlib.compressobj(1)
    zeros = bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()


# --- pictures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["images", "masks"])
def test_a_header_of_forty_thousand_megapixels_is_an_error_before_anything_is_decoded(folder, place):
    (folder / place / "p3.png").write_bytes(png(200_000, 200_000, zlib.compress(b"\0")))

    assert found(folder) == [("error", "unreadable", "p3")]


@pytest.mark.parametrize("colour", [0, 2, 6])
@pytest.mark.parametrize("depth", [8, 16])
def test_content_that_inflates_to_gigabytes_costs_no_more_than_its_header_says(folder, depth, colour):
    (folder / "images" / "p3.png").write_bytes(png(64, 64, bomb(), depth=depth, colour=colour))

    assert "p3" in {sample for level, _, sample in found(folder) if level == "error"}


def test_text_that_inflates_to_gigabytes_is_not_inflated(folder):
    extra = chunk(b"zTXt", b"Comment\0\0" + bomb()) + chunk(b"iCCP", b"icc\0\0" + bomb())
    (folder / "images" / "p3.png").write_bytes(
        png(*SIZE, zlib.compress(bytes(SIZE[1] * (1 + 3 * SIZE[0]))), extra=extra)
    )

    kinds = {kind for _, kind, sample in found(folder) if sample == "p3"}
    assert kinds <= {"unreadable", "aspect-mismatch"}


def test_a_picture_that_ends_in_the_middle_is_truncated(folder):
    path = folder / "images" / "p3.png"
    path.write_bytes(path.read_bytes()[:-500])

    assert found(folder) == [("error", "truncated", "p3")]


@pytest.mark.parametrize("place", ["images", "masks"])
def test_an_empty_file_is_unreadable(folder, place):
    (folder / place / "p3.png").write_bytes(b"")

    assert found(folder) == [("error", "unreadable", "p3")]


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"BM", b"II*\0", b"RIFF0000WEBP"])
@pytest.mark.parametrize("rest", [b"", b"\xff" * 4000, b"\0" * 4000])
def test_a_signature_with_rubbish_behind_it_is_an_error_of_that_file(folder, head, rest):
    (folder / "images" / "p3.png").write_bytes(head + rest)

    assert {kind for level, kind, sample in found(folder) if level == "error"} <= {"unreadable", "truncated"}
    assert "p3" in {sample for level, _, sample in found(folder) if level == "error"}


def test_a_tiff_whose_directories_run_in_a_circle_ends(folder):
    entries = [
        (256, 3, 1, 4),
        (257, 3, 1, 4),
        (258, 3, 1, 8),
        (262, 3, 1, 1),
        (273, 4, 1, 200),
        (278, 3, 1, 4),
        (279, 4, 1, 16),
    ]
    content = b"II*\0" + struct.pack("<IH", 8, len(entries))
    for tag, kind, count, value in entries:
        content += struct.pack("<HHII", tag, kind, count, value)
    content += struct.pack("<I", 8)  # the next directory is this one
    (folder / "images" / "p3.png").write_bytes(content.ljust(216, b"\0"))

    assert "p3" in {sample for _, _, sample in found(folder)}


# --- what is no picture ---------------------------------------------------------------------------------------------


@posix
def test_links_that_lead_in_circles_end(folder):
    (folder / "images" / "up").symlink_to("..")
    (folder / "images" / "self.png").symlink_to("self.png")
    (folder / "loop").symlink_to(folder, target_is_directory=True)

    assert found(folder) == [("warning", "unreadable", None)]


@posix
def test_a_link_to_nothing_and_a_pipe_are_passed_over_with_a_warning(folder):
    (folder / "images" / "gone.png").symlink_to("/nowhere/at/all.png")
    os.mkfifo(folder / "images" / "pipe.png")
    os.mkfifo(folder / "masks" / "p9.png")

    findings = check(folder).findings

    assert [(f.level, f.kind) for f in findings] == [("warning", "unreadable")] * 3
    assert [f.what.split()[0] for f in findings] == ["images/gone.png", "images/pipe.png", "masks/p9.png"]


@posix
def test_a_file_that_became_a_pipe_after_the_listing_does_not_hang(folder):
    dataset = read_dataset(folder)
    for place in ("images", "masks"):
        (folder / place / "p3.png").unlink()
        os.mkfifo(folder / place / "p3.png")

    findings = check(dataset).findings

    assert [(f.kind, f.sample) for f in findings] == [("unreadable", "p3")] * 2
    assert "named pipe" in findings[0].what


def test_files_that_vanish_after_the_listing_are_errors(folder):
    dataset = read_dataset(folder)
    (folder / "images" / "p3.png").unlink()
    (folder / "masks" / "p4.png").unlink()

    assert [(f.kind, f.sample) for f in check(dataset).findings] == [("unreadable", "p3"), ("unreadable", "p4")]


def test_a_folder_named_like_a_picture_is_none(folder):
    (folder / "masks" / "p3.png").unlink()
    (folder / "masks" / "p3.png").mkdir()

    assert found(folder) == [("warning", "image-without-mask", "p3")]


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error(folder):
    (folder / "images" / "p3.png").chmod(0)

    assert found(folder) == [("error", "unreadable", "p3")]


def test_a_zip_bomb_beside_the_pictures_is_a_stray_file_that_nobody_opens(folder):
    with zipfile.ZipFile(folder / "more.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.png", bytes(100 << 20))

    assert found(folder) == [("note", "stray-file", None)]


def test_a_zip_bomb_with_the_name_of_a_picture_is_unreadable(folder):
    with zipfile.ZipFile(folder / "images" / "p3.png", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(100 << 20))

    assert found(folder) == [("error", "unreadable", "p3")]


def test_a_zip_bomb_given_as_the_data_is_refused(tmp_path):
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/p.png", bytes(256 << 20))

    with pytest.raises(DataError):
        check(path)


# --- names ----------------------------------------------------------------------------------------------------------

NAMES = [
    "new\nline", "tab\there", "quote'\"`$(touch x)", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "back\\slash", "; rm -rf", "\x1b[31mred", "\u202egnp.exe", "x" * 200, "%s%n", "{0}", "-rf", "é\u0301", "\U0001f4a3",
]  # fmt: skip


@posix
@pytest.mark.parametrize("name", [n.replace("/", "\u2215") for n in NAMES])
def test_any_name_is_a_name_and_is_shown_harmlessly(folder, name):
    save(folder / "images" / "z.png", photo(20, SIZE)).rename(folder / "images" / f"{name}.png")
    save(folder / "masks" / "z.png", disc(20, (12, 12), radius=3)).rename(folder / "masks" / f"{name}.png")

    report = check(folder)

    (finding,) = report.findings
    assert (finding.level, finding.kind) == ("error", "aspect-mismatch")
    for text in (finding.what, finding.where, finding.fix):
        assert all(c.isprintable() for c in text)


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 only")
def test_a_name_that_is_no_utf8_is_a_name(folder):
    for place, pixels in (("images", photo(20, SIZE)), ("masks", disc(20, (12, 12), radius=3))):
        made = save(folder / place / "z.png", pixels)
        os.rename(made, os.path.join(os.fsencode(folder / place), b"bad\xff\xfename.png"))

    first, second = check(folder), check(folder)

    assert [(f.level, f.kind) for f in first.findings] == [("error", "aspect-mismatch")]
    assert r"\udcff" in first.findings[0].where
    assert first.findings == second.findings


def test_a_thousand_folders_in_each_other_end(folder):
    deep = folder
    for _ in range(120):
        deep = deep / "d"
    deep.mkdir(parents=True)
    save(deep / "p.png", np.zeros(SIZE, np.uint8))

    assert ("warning", "unreadable", None) in found(folder)
