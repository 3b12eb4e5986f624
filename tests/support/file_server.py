"""A local HTTP server with the manners, good and bad, of those that hold picture sets."""

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Served:
    """One file and how it is served. Each of `breaks` ends one answer after so many bytes; `refusals` come first.

    status: of every answer. headers: sent with every answer. length: what Content-Length says, None: the truth.
    """

    body: bytes = b""
    ranges: bool = True
    etag: str | None = '"1"'
    breaks: list[int] = field(default_factory=list)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    chunked: bool = False
    delay: float = 0.0
    content_type: str = "application/zip"


@dataclass
class Server:
    """files: path -> what is served there. asked: the path and headers of each request."""

    address: str
    files: dict[str, Served]
    asked: list[tuple[str, dict[str, str]]]

    def put(self, path: str, body: bytes = b"", **how) -> str:
        """Serve this, and return its address."""
        self.files[path] = Served(body, **how)
        return self.address + path

    def ranges(self) -> list[str | None]:
        """The Range header of each request."""
        return [headers.get("Range") for _, headers in self.asked]


@contextmanager
def serving() -> Iterator[Server]:
    """Run the server on this machine."""
    files: dict[str, Served] = {}
    asked: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, dict(self.headers.items())))
            served = files.get(self.path)
            if served is None:
                self.send_error(404)
                return
            time.sleep(served.delay)
            if served.refusals:
                status, headers = served.refusals.pop(0)
                self._head(status, {**headers, "Content-Length": "0"})
                return
            self._answer(served)

        def _answer(self, served: Served) -> None:
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if served.ranges else None
            condition = self.headers.get("If-Range")
            if wanted and condition is not None and condition not in (served.etag, served.headers.get("Last-Modified")):
                wanted = None
            start = int(wanted[1]) if wanted else 0
            if start >= len(served.body) > 0:
                self._head(416, {"Content-Range": f"bytes */{len(served.body)}", "Content-Length": "0"})
                return
            body = served.body[start:]
            headers = {"Content-Type": served.content_type, **served.headers}
            if served.etag is not None:
                headers["ETag"] = served.etag
            if not served.chunked:
                headers["Content-Length"] = str(len(body) if served.length is None else served.length)
            if wanted:
                headers["Content-Range"] = f"bytes {start}-{len(served.body) - 1}/{len(served.body)}"
            self._head(206 if wanted else 200, headers)
            end = served.breaks.pop(0) if served.breaks else len(body)
            with suppress(ConnectionError):  # whoever asked has had enough
                self.wfile.write(body[:end])

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}", files, asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sha256(content: bytes) -> str:
    """The checksum of content as a catalogue writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
