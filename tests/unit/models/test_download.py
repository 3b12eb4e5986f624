"""One file over HTTP: whole or not at all, whatever the server does."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from maskwright.errors import DataError, MaskwrightError
from maskwright.models.download import download

CONTENT = b"weights" * 10_000


class Server(BaseHTTPRequestHandler):
    """Answers by path: /good, /short (breaks off), /changed (other bytes than its checksum says), anything else 404."""

    def do_GET(self) -> None:
        if self.path not in ("/good", "/short", "/changed"):
            self.send_error(404)
            return
        body = b"x" + CONTENT[1:] if self.path == "/changed" else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        checksum = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
        self.send_header("x-goog-hash", f"crc32c=AAAAAA==,md5={checksum}")
        self.end_headers()
        self.wfile.write(body[:1000] if self.path == "/short" else body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[Callable[[str], str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield lambda path: f"http://127.0.0.1:{server.server_port}{path}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_arrives_whole_and_is_asked_for_once(address: Callable[[str], str], tmp_path: Path) -> None:
    path = download(address("/good"), tmp_path / "sub" / "file.h5", offline_fix="")
    assert path.read_bytes() == CONTENT
    assert download(address("/missing"), path, offline_fix="").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("/short", DataError, "1000 of 70000 bytes"),
        ("/changed", DataError, "does not match the server's checksum"),
        ("/missing", MaskwrightError, "answers 404"),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_is_left(
    address: Callable[[str], str], tmp_path: Path, path: str, error: type[MaskwrightError], words: str
) -> None:
    with pytest.raises(error, match=words):
        download(address(path), tmp_path / "file.h5", offline_fix="use a file")
    assert list(tmp_path.iterdir()) == []


def test_no_network_says_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(MaskwrightError, match="No network") as error:
        download("http://127.0.0.1:9/file", tmp_path / "file.h5", offline_fix="give the file as a path")
    assert error.value.fix == "give the file as a path"
