"""What a request must be before anything looks at it: allowed, meant for this server, and small enough.

An ASGI layer of its own, so that nothing behind it reads a byte too many.
"""

import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))


class TooLarge(Exception):
    """A body of more bytes than are allowed."""


class Guard:
    """token: what callers must know; None: only callers on this machine reach the server at all, and need none.

    Without a token the host that a browser was told must be this machine by name: a page elsewhere that gives itself
    an address here (DNS rebinding) is refused, and so is one that sends pictures from another origin.
    """

    def __init__(self, app: App, *, token: str | None, most_bytes: int, open_paths: frozenset[str]) -> None:
        self._app, self._token, self._most = app, token, most_bytes
        self._open = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 403 or 413, or let the request pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["path"], headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        await self._counted(scope, receive, send)

    def _refusal(self, path: str, headers: dict[str, str]) -> tuple[int, str, str] | None:
        host = urlsplit(f"//{headers.get('host', '')}")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host.netloc:
            return 403, "The request comes from another page.", "send it from the service's own page, or no page at all"
        if self._token is None:
            if host.hostname not in LOCAL:
                return 403, "This server answers under the name localhost alone.", "use http://127.0.0.1"
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if path in self._open or secrets.compare_digest(given.encode(), self._token.encode()):
            return None
        return 401, "The token is missing or wrong.", "send the header: Authorization: Bearer TOKEN"

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen, begun = 0, False

        async def count() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise TooLarge
            return message

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, count, note)
        except TooLarge:
            if begun:
                raise
            what = f"The request is larger than {self._most:,} bytes."
            await _answer(send, 413, what, "send a smaller picture, or fewer of them")


async def _answer(send: Send, status: int, what: str, fix: str) -> None:
    body = json.dumps({"ok": False, "error": {"what": what, "where": "", "fix": fix}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"connection", b"close")] if status == 413 else []  # what is left of the body is not waited for
    headers += [(b"www-authenticate", b"Bearer")] if status == 401 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
