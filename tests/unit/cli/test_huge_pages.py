"""Memory lies in huge pages where the system gives them on request, and the process is left alone elsewhere."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from maskwright.cli import huge_pages

resource = pytest.importorskip("resource")

CODE = """
from maskwright.cli.huge_pages import mark_heap
from maskwright.cli.process import keep_memory

def kib(file, name):
    return next(int(line.split()[1]) for line in open("/proc/self/" + file) if line.startswith(name))

keep_memory()
kib("status", "VmRSS")
before = kib("status", "VmRSS")
marked = mark_heap()
print(marked, kib("status", "VmRSS") - before)
blocks = [bytearray(30 << 20) for _ in range(4)]
print(kib("smaps_rollup", "AnonHugePages"))
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system that gives huge pages on request, and a process without limits."""
    (tmp_path / "enabled").write_text("always [madvise] never\n")
    (tmp_path / "hpage_pmd_size").write_text("2097152\n")
    (tmp_path / "overcommit_memory").write_text("0\n")
    monkeypatch.setattr(huge_pages, "_SETTINGS", tmp_path)
    monkeypatch.setattr(huge_pages, "_OVERCOMMIT", tmp_path / "overcommit_memory")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(huge_pages, "_libc", lambda: "libc")
    monkeypatch.setattr(huge_pages, "_grow_and_mark", lambda libc, blocks: True)
    return tmp_path


def test_a_heap_is_marked_where_nothing_speaks_against_it(asked: Path) -> None:
    assert huge_pages.mark_heap() is True


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("enabled", "[always] madvise never\n"),  # all memory has them already
        ("enabled", "always madvise [never]\n"),
        ("hpage_pmd_size", "536870912\n"),
        ("hpage_pmd_size", "nonsense"),
        ("overcommit_memory", "2\n"),
    ],
)
def test_a_system_that_does_not_give_them_is_left_alone(asked: Path, file: str, text: str) -> None:
    (asked / file).write_text(text)
    assert huge_pages.mark_heap() is False


@pytest.mark.parametrize("file", ["enabled", "hpage_pmd_size", "overcommit_memory"])
def test_a_system_that_does_not_tell_is_left_alone(asked: Path, file: str) -> None:
    (asked / file).unlink()
    assert huge_pages.mark_heap() is False


@pytest.mark.parametrize("limited", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_process_whose_addresses_are_limited_is_left_alone(
    asked: Path, limited: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1 << 33 if kind == getattr(resource, limited) else -1, -1))
    assert huge_pages.mark_heap() is False


def test_without_glibc_memory_is_left_alone(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_pages, "_libc", lambda: None)
    assert huge_pages.mark_heap() is False


def test_the_heap_grows_by_the_machines_memory_at_most_by_16_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    for gib, blocks in ((0.4, 0), (3.9, 3), (16, 16), (512, 16)):
        pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": int(gib * (1 << 18))}
        monkeypatch.setattr(huge_pages.os, "sysconf", pages.__getitem__)
        assert huge_pages._reserve() == blocks


def test_where_malloc_does_not_take_from_the_heap_its_blocks_are_freed_and_nothing_is_marked() -> None:
    taken: list[int] = []
    libc = SimpleNamespace(
        mallopt=lambda parameter, value: 1,
        sbrk=lambda by: 5 << 20,
        malloc=lambda size: taken.append(len(taken) + 1) or len(taken),
        madvise=lambda *_: pytest.fail("marked"),
        free=taken.remove,
    )
    assert huge_pages._grow_and_mark(libc, 3) is False
    assert taken == []


def test_what_is_marked_is_the_new_part_of_the_heap_in_whole_pages() -> None:
    ends, marked = iter([(5 << 20) + 16, 7 << 30]), []
    libc = SimpleNamespace(
        mallopt=lambda parameter, value: 1,
        sbrk=lambda by: next(ends),
        malloc=lambda size: 1,
        madvise=lambda *order: marked.append(order) or 0,
        free=lambda block: None,
    )
    assert huge_pages._grow_and_mark(libc, 1) is True
    assert marked == [(6 << 20, (7 << 30) - (6 << 20), huge_pages._MADV_HUGEPAGE)]


def test_large_blocks_really_lie_in_huge_pages_and_what_is_not_touched_takes_no_memory() -> None:
    if not huge_pages._on_request() or huge_pages._addresses_limited() or huge_pages._libc() is None:
        pytest.skip("this system gives no huge pages on request")
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    marked, grown, huge = done.stdout.split()
    assert marked == "True"
    assert int(grown) < 1024
    assert int(huge) > 10 << 10  # of 120 MiB: all of them where memory is not in pieces
