"""What a request must be before anything looks at it: allowed, meant for this server, and small enough.

An ASGI layer of its own, so that nothing behind it reads a byte too many.
"""

import asyncio
import ipaddress
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from maskwright.serve.limits import Limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def is_local(host: str) -> bool:
    """Whether a name or address means this machine and no other.

    >>> is_local("localhost"), is_local("127.0.0.2"), is_local("::1"), is_local("127.0.0.1.example.org")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Unfit(Exception):
    """A body that is not taken to its end. status, what, fix: the answer."""

    def __init__(self, status: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.status, self.what, self.fix = status, what, fix


class Guard:
    """token: what callers must know; None: only callers on this machine reach the server at all, and need none.

    Without a token the host that a browser was told must be this machine by name: a page elsewhere that gives itself
    an address here (DNS rebinding) is refused, and so is one that sends pictures from another origin.
    """

    def __init__(self, app: App, *, token: str | None, limits: Limits, open_paths: frozenset[str]) -> None:
        self._app, self._token, self._limits = app, token, limits
        self._open = open_paths
        self._held = 0  # bytes of all requests under way

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
        origin = headers.get("origin")
        try:
            host = urlsplit(f"//{headers.get('host', '')}")
            elsewhere = origin is not None and urlsplit(origin).netloc != host.netloc
            local = is_local(host.hostname or "")
        except ValueError:
            return 400, "The request's Host or Origin is no address.", "send it from a browser, or as curl does"
        if elsewhere:
            return 403, "The request comes from another page.", "send it from the service's own page, or no page at all"
        if self._token is None:
            fix = "use the address that the service showed when it started"
            return None if local else (403, "This server answers under this machine's own names alone.", fix)
        scheme, _, given = headers.get("authorization", "").partition(" ")
        well = scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), self._token.encode())
        if path in self._open or well:
            return None
        return 401, "The token is missing or wrong.", "send the header: Authorization: Bearer TOKEN"

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on a body as long as it is neither too large nor too slow."""
        loop = asyncio.get_running_loop()
        latest, seen, whole, begun = loop.time() + self._limits.seconds, 0, False, False

        async def count() -> Message:
            nonlocal seen, whole
            if whole:
                return await receive()  # waits for the caller to hang up
            try:
                message = await asyncio.wait_for(receive(), latest - loop.time())
            except TimeoutError:
                raise Unfit(408, "The request did not arrive in time.", "try again on a faster line") from None
            length = len(message.get("body", b""))
            seen, self._held = seen + length, self._held + length
            whole = not message.get("more_body", False)
            if seen > self._limits.bytes:
                what = f"The request is larger than {self._limits.bytes:,} bytes."
                raise Unfit(413, what, "send a smaller picture, or fewer of them")
            if self._held > max(self._limits.held, self._limits.bytes):
                raise Unfit(429, "The service is busy.", "try again after the seconds that Retry-After names")
            return message

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, count, note)
        except Unfit as unfit:
            if begun:
                raise
            await _answer(send, unfit.status, unfit.what, unfit.fix)
        finally:
            self._held -= seen


async def _answer(send: Send, status: int, what: str, fix: str) -> None:
    body = json.dumps({"ok": False, "error": {"what": what, "where": "", "fix": fix}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"connection", b"close")] if status in (408, 413, 429) else []  # the rest of the body stays unread
    headers += [(b"retry-after", b"1")] if status == 429 else []
    headers += [(b"www-authenticate", b"Bearer")] if status == 401 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
