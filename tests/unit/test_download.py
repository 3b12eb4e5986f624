"""One file over HTTP: whole or not at all, and after a break from where it stopped, whatever the server does."""

import base64
import errno
import hashlib
import os
import shutil
import ssl
import threading
from dataclasses import replace
from email.message import Message
from email.utils import formatdate
from urllib.error import URLError

import pytest

from maskwright.download import Expected, Manner, download
from maskwright.download import fetching as module
from maskwright.errors import DataError, MaskwrightError, OutputError
from support.file_server import serving, sha256

CONTENT = b"PK" + b"weights" * 100_000
SIZE = len(CONTENT)


@pytest.fixture(scope="module")
def running():
    with serving() as server:
        yield server


@pytest.fixture
def server(running):
    running.files.clear()
    running.asked.clear()
    return running


@pytest.fixture
def waits():
    return []


@pytest.fixture
def manner(waits):
    return Manner(timeout=5, pause=waits.append, offline_fix="give the file as a path")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def begun(server, tmp_path, manner, **how):
    """A download that was stopped after 1,000 bytes; the same address is good for another call."""

    def stop(seconds):
        raise KeyboardInterrupt

    address = server.put("/file", CONTENT, breaks=[1000], **how)
    with pytest.raises(KeyboardInterrupt):
        download(address, tmp_path / "file", manner=replace(manner, pause=stop))
    assert (tmp_path / "file.part").stat().st_size == 1000
    server.asked.clear()
    return address


def test_a_file_arrives_whole_and_is_asked_for_once(server, tmp_path, manner):
    path = download(server.put("/file", CONTENT), tmp_path / "sub" / "file.h5", manner=manner)

    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["file.h5"]
    assert download(server.address + "/missing", path, manner=manner).read_bytes() == CONTENT


def test_progress_is_told_in_megabytes_up_to_the_end(server, tmp_path, manner):
    steps = []
    download(server.put("/file", CONTENT * 4), tmp_path / "file", manner=manner, progress=steps.append)

    assert [(step.done, step.total) for step in steps][-1] == (2, 2)
    assert steps[0].text == "MB  file"


def test_a_download_that_breaks_off_goes_on_from_there_by_itself(server, tmp_path, manner, waits):
    address = server.put("/file", CONTENT, breaks=[1000, 5000])

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=1000-", "bytes=6000-"]
    assert waits == [1.0, 1.0]


def test_a_server_that_only_breaks_off_is_given_up_and_the_part_is_kept(server, tmp_path, manner, waits):
    address = server.put("/file", CONTENT, breaks=[1000, *[0] * 9])

    with pytest.raises(MaskwrightError, match="only 1,000 of 700,002 bytes arrived.*are kept") as error:
        download(address, tmp_path / "file", manner=manner)

    assert error.value.fix == "run the same command again: it goes on from there"
    assert names(tmp_path) == ["file.part", "file.part.json"]
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_the_next_call_goes_on_where_the_last_one_stopped(server, tmp_path, manner):
    address, steps = begun(server, tmp_path, manner), []

    assert download(address, tmp_path / "file", manner=manner, progress=steps.append).read_bytes() == CONTENT
    assert server.ranges() == ["bytes=1000-"]
    assert steps[0].text == "going on with file at 0.0 MB"
    assert server.asked[0][1]["If-Range"] == '"1"'
    assert names(tmp_path) == ["file"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, tmp_path, manner):
    address = begun(server, tmp_path, manner)
    server.put("/file", b"PK" + b"others!" * 100_000, etag='"2"')

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == b"PK" + b"others!" * 100_000


def test_a_file_that_changed_its_length_is_fetched_anew_even_without_a_tag(server, tmp_path, manner):
    address = begun(server, tmp_path, manner, etag=None)
    server.put("/file", CONTENT + b"more", etag=None)

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == CONTENT + b"more"


def test_without_tag_time_or_checksum_a_part_is_begun_anew_since_nobody_could_tell_two_files_apart(
    server, tmp_path, manner
):
    address = begun(server, tmp_path, manner, etag=None)
    server.put("/file", b"PK" + b"others!" * 100_000, etag=None)  # of the same length

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == b"PK" + b"others!" * 100_000
    assert server.ranges() == [None]


def test_nothing_is_promised_where_a_part_cannot_be_gone_on_with(server, tmp_path, manner):
    address = server.put("/file", CONTENT, breaks=[1000, *[0] * 9], etag=None)

    with pytest.raises(MaskwrightError, match="arrived") as error:
        download(address, tmp_path / "file", manner=manner)
    assert "kept" not in error.value.what
    assert error.value.fix == "give the file as a path"


def test_a_published_checksum_lets_a_part_be_gone_on_with(server, tmp_path, manner):
    address = begun(server, tmp_path, manner, etag=None)

    download(address, tmp_path / "file", Expected(SIZE, sha256(CONTENT)), manner)
    assert server.ranges() == ["bytes=1000-"]


def test_a_weak_tag_is_no_condition_but_the_time_is(server, tmp_path, manner):
    when = formatdate(0, usegmt=True)
    address = begun(server, tmp_path, manner, etag='W/"1"', headers={"Last-Modified": when})

    download(address, tmp_path / "file", manner=manner)
    assert (server.ranges(), server.asked[0][1]["If-Range"]) == (["bytes=1000-"], when)


def test_a_server_that_knows_no_ranges_sends_the_whole_file_again(server, tmp_path, manner):
    address = server.put("/file", CONTENT, breaks=[1000], ranges=False)

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == CONTENT


def test_a_part_of_another_address_is_not_gone_on_with(server, tmp_path, manner):
    begun(server, tmp_path, manner)
    other = server.put("/other", b"PK" + b"abcdefg" * 100_000)

    assert download(other, tmp_path / "file", manner=manner).read_bytes().startswith(b"PKabc")
    assert server.ranges() == [None]


@pytest.mark.parametrize("note", ["{", "[]", '{"address": 1}', '{"address": "ADDRESS", "validator": "a\\r\\nb: c"}'])
def test_a_part_with_a_damaged_note_is_begun_anew(server, tmp_path, manner, note):
    address = begun(server, tmp_path, manner)
    (tmp_path / "file.part.json").write_text(note.replace("ADDRESS", address))

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == CONTENT
    assert server.ranges() == [None]


def test_a_part_that_is_complete_only_needs_its_name(server, tmp_path, manner):
    address = begun(server, tmp_path, manner)
    (tmp_path / "file.part").write_bytes(CONTENT)

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_begun_anew(server, tmp_path, manner):
    address = begun(server, tmp_path, manner)
    (tmp_path / "file.part").write_bytes(CONTENT + b"rubbish")

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == CONTENT


def test_stopping_by_ctrl_c_keeps_the_part(server, tmp_path, manner):
    address = server.put("/file", CONTENT * 10)

    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(address, tmp_path / "file", manner=manner, progress=stop)

    assert (tmp_path / "file.part").stat().st_size > 0
    assert download(address, tmp_path / "file", manner=manner).read_bytes() == CONTENT * 10
    assert server.ranges()[1].startswith("bytes=")


# --- what proves wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Expected(size=SIZE + 1), r"offers 700,002 bytes; the file was published with 700,003"),
        (Expected(checksum=sha256(b"other")), "does not match the published checksum"),
        (Expected(checksum="md5:" + "0" * 32), "does not match the published checksum"),
        (Expected(starts=(b"\x1f\x8b",)), "sends something else in place of the archive"),
    ],
)
def test_another_file_than_was_published_is_refused_and_nothing_is_left(server, tmp_path, manner, expected, words):
    with pytest.raises(DataError, match=words):
        download(server.put("/file", CONTENT), tmp_path / "file", expected, manner)

    assert names(tmp_path) == []


def test_the_published_size_and_checksum_are_enough(server, tmp_path, manner):
    expected = Expected(SIZE, sha256(CONTENT), (b"PK",))
    assert download(server.put("/file", CONTENT, chunked=True), tmp_path / "file", expected, manner).exists()


def test_a_file_that_was_changed_on_its_way_does_not_match_what_the_server_states(server, tmp_path, manner):
    checksum = base64.b64encode(hashlib.md5(b"what it should be").digest()).decode()
    address = server.put("/file", CONTENT, headers={"x-goog-hash": f"crc32c=AAAAAA==,md5={checksum}"})

    with pytest.raises(DataError, match="does not match the server's checksum"):
        download(address, tmp_path / "file", manner=manner)
    assert names(tmp_path) == []


@pytest.mark.parametrize("stated", ["abc", "AAAA", "", "a=b", "\u00e9"])
def test_a_checksum_that_is_none_is_not_compared(server, tmp_path, manner, stated):
    address = server.put("/file", CONTENT, headers={"x-goog-hash": f"md5={stated}"})

    assert download(address, tmp_path / "file", manner=manner).read_bytes() == CONTENT


@pytest.mark.parametrize("length", ["9" * 5000, "\u00b2", "-5", "many"])
def test_a_length_that_is_none_is_as_good_as_no_length(length):
    stated = Message()
    stated["Content-Length"] = length

    assert module._stated_length(stated) is None


def test_a_server_that_promises_more_than_it_sends_is_given_up(server, tmp_path, manner):
    with pytest.raises(MaskwrightError, match="only 700,002 of 800,000 bytes"):
        download(server.put("/file", CONTENT, length=800_000, ranges=False), tmp_path / "file", manner=manner)


def test_a_server_that_sends_more_than_was_published_without_a_length_is_stopped(server, tmp_path, manner):
    address = server.put("/file", CONTENT, chunked=True)
    with pytest.raises(DataError, match="sends more than 1,000 bytes"):
        download(address, tmp_path / "file", Expected(size=1000), manner)
    assert names(tmp_path) == []


def test_a_login_page_is_no_file(server, tmp_path, manner):
    address = server.put("/file", b"<!doctype html><form>", content_type="text/html; charset=utf-8")
    with pytest.raises(DataError, match="sends a web page in place of the file") as error:
        download(address, tmp_path / "file", manner=manner)
    assert "an account may be needed" in error.value.fix
    assert names(tmp_path) == []


def test_a_login_page_that_is_called_a_zip_is_no_file(server, tmp_path, manner):
    address = server.put("/file", b"  <!DOCTYPE html><form>")
    with pytest.raises(DataError, match="sends a web page or message in place of the archive"):
        download(address, tmp_path / "file", Expected(starts=(b"PK",)), manner)


def test_a_file_that_comes_packed_unasked_is_refused(server, tmp_path, manner):
    address = server.put("/file", CONTENT, headers={"Content-Encoding": "gzip"})
    with pytest.raises(DataError, match="packed in a way that was not asked for"):
        download(address, tmp_path / "file", manner=manner)


# --- refusals -------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_said_at_once(server, tmp_path, manner, waits):
    with pytest.raises(MaskwrightError, match="answers 404") as error:
        download(server.address + "/missing", tmp_path / "file", manner=manner)
    assert (error.value.fix, waits) == ("give the file as a path", [])


def test_a_refusal_can_be_explained_by_who_asks(server, tmp_path, waits):
    address = server.put("/file", CONTENT, refusals=[(403, {})])
    explain = {403: MaskwrightError("Accept the rules first.")}.get
    with pytest.raises(MaskwrightError, match="Accept the rules first"):
        download(address, tmp_path / "file", manner=Manner(explain=explain, pause=waits.append))


def test_a_busy_server_is_given_the_time_it_asks_for(server, tmp_path, manner, waits):
    refusals = [(503, {"Retry-After": "7"}), (429, {}), (503, {"Retry-After": formatdate(0, usegmt=True)})]
    address = server.put("/file", CONTENT, refusals=refusals)

    assert download(address, tmp_path / "file", manner=manner).exists()
    assert waits == [7.0, 2.0, 0.0]


def test_a_server_that_asks_for_an_hour_leaves_it_to_the_user(server, tmp_path, manner, waits):
    address = server.put("/file", CONTENT, refusals=[(429, {"Retry-After": "3600"})])
    with pytest.raises(MaskwrightError, match="busy") as error:
        download(address, tmp_path / "file", manner=manner)
    assert (error.value.fix, waits) == ("run the same command again in 3600 seconds", [])


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(server, tmp_path, waits):
    address = server.put("/file", CONTENT, delay=0.6)
    with pytest.raises(MaskwrightError, match="No network: timed out"):
        download(address, tmp_path / "file", manner=Manner(timeout=0.1, pause=waits.append))


def test_no_network_says_at_once_what_to_do_instead(tmp_path, manner, waits):
    with pytest.raises(MaskwrightError, match="No network: .*refused") as error:
        download("http://127.0.0.1:9/file", tmp_path / "file.h5", manner=manner)
    assert (error.value.fix, waits) == ("give the file as a path", [])
    assert names(tmp_path) == []


def test_a_name_that_is_not_found_is_no_network(tmp_path, manner):
    with pytest.raises(MaskwrightError, match="No network"):
        download("https://nowhere.invalid/file", tmp_path / "file", manner=manner)


def test_a_certificate_that_cannot_be_trusted_is_not_called_no_network(tmp_path, manner, monkeypatch):
    def refuse(*arguments, **options):
        raise URLError(ssl.SSLCertVerificationError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired"))

    monkeypatch.setattr(module.OpenerDirector, "open", refuse)
    with pytest.raises(MaskwrightError, match="The server's certificate cannot be trusted: .*expired"):
        download("https://example.org/file", tmp_path / "file", manner=manner)


# --- redirects ------------------------------------------------------------------------------------------------------


def test_a_redirect_is_followed_and_the_token_stays_behind(server, tmp_path):
    with serving() as other:
        there = other.put("/stored", CONTENT)
        address = server.put("/file", refusals=[(302, {"Location": there})] * 2)
        download(address, tmp_path / "file", manner=Manner(headers={"Authorization": "Basic secret"}))
        assert server.asked[0][1]["Authorization"] == "Basic secret"
        assert "Authorization" not in other.asked[0][1]


def test_a_redirect_on_the_same_host_keeps_the_token(server, tmp_path):
    server.put("/there", CONTENT)
    address = server.put("/file", refusals=[(302, {"Location": "/there"})])
    download(address, tmp_path / "file", manner=Manner(headers={"Authorization": "Basic secret"}))
    assert [headers.get("Authorization") for _, headers in server.asked] == ["Basic secret"] * 2


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/file", "data:text/plain,hello"])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_anything_but_the_web_is_refused(server, tmp_path, manner, place, code):
    address = server.put("/file", refusals=[(code, {"Location": place})])
    with pytest.raises(MaskwrightError, match="leads away from a safe connection"):
        download(address, tmp_path / "file", manner=manner)
    assert names(tmp_path) == []


def test_a_redirect_from_https_to_http_is_refused():
    from http.client import HTTPMessage
    from urllib.request import Request

    from maskwright.download.redirects import CarefulRedirects

    request = Request("https://example.org/set.zip")
    with pytest.raises(MaskwrightError, match="leads away from a safe connection, to http:"):
        CarefulRedirects().redirect_request(request, None, 302, "", HTTPMessage(), "http://example.org/set.zip")


def test_a_redirect_that_turns_in_circles_ends(server, tmp_path, manner):
    address = server.put("/file", refusals=[(302, {"Location": "/file"})] * 50)
    with pytest.raises(MaskwrightError, match="answers 302"):
        download(address, tmp_path / "file", manner=manner)


# --- the disk -------------------------------------------------------------------------------------------------------


def test_a_disk_that_cannot_hold_it_is_said_before_the_download(server, tmp_path, manner, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 5, 600_000))
    with pytest.raises(OutputError, match="GB free") as error:
        download(server.put("/file", CONTENT), tmp_path / "file", manner=manner)
    assert "free some space" in error.value.fix


def test_a_disk_that_fills_up_keeps_the_part(server, tmp_path, manner, monkeypatch):
    real = module._report

    def full(job, done):
        if done > 300_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(job, done)

    monkeypatch.setattr(module, "_report", full)
    with pytest.raises(OutputError, match="No space left") as error:
        download(server.put("/file", CONTENT), tmp_path / "file", manner=manner)
    assert "free some space" in error.value.fix
    assert (tmp_path / "file.part").stat().st_size > 300_000


def test_a_disk_that_fills_up_without_a_stated_length_keeps_a_little_free_however_much_has_come(
    server, tmp_path, manner, monkeypatch
):
    def usage(path):
        came = sum(item.stat().st_size for item in path.glob("*.part"))
        return shutil._ntuple_diskusage(10**9, 0, 1_000_000 - came)

    monkeypatch.setattr(module, "SPARE", 500_000)
    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(OutputError, match="nobody knows how much will come"):
        download(server.put("/file", CONTENT * 3, chunked=True), tmp_path / "file", manner=manner)
    assert (tmp_path / "file.part").stat().st_size < 800_000


def test_an_answer_without_length_and_without_end_is_stopped(server, tmp_path, manner, monkeypatch):
    monkeypatch.setattr(module, "MOST_UNSTATED", 600_000)
    with pytest.raises(DataError, match="states no length and sends more than 600,000 bytes"):
        download(server.put("/file", CONTENT, chunked=True), tmp_path / "file", manner=manner)
    assert names(tmp_path) == []


def test_two_processes_do_not_write_one_file(server, tmp_path, manner):
    pytest.importorskip("fcntl")
    address = server.put("/file", CONTENT * 2)
    holding, done = threading.Event(), threading.Event()

    def hold(step):
        holding.set()
        assert done.wait(10)

    first = threading.Thread(target=download, args=(address, tmp_path / "file"), kwargs={"progress": hold})
    first.start()
    assert holding.wait(10)
    try:
        with pytest.raises(OutputError, match="Another process is downloading"):
            download(address, tmp_path / "file", manner=manner)
    finally:
        done.set()
        first.join()
    assert (tmp_path / "file").read_bytes() == CONTENT * 2
