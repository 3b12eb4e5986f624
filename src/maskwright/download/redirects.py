"""Which address a server may lead to: http(s) only, never from https to http; a token stays on its own host."""

from http.client import HTTPMessage
from typing import IO, Any
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request

from maskwright.errors import MaskwrightError


class CarefulRedirects(HTTPRedirectHandler):
    """Follows to http(s) only, and never from https to http; keeps a token on its own host."""

    max_redirections = 5

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Return the next request. Raises MaskwrightError for an address that is not to be followed."""
        old, new = urlsplit(req.full_url), urlsplit(urljoin(req.full_url, newurl))
        if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme != "https"):
            raise _unsafe(req.full_url, new.scheme)
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and (old.scheme, old.netloc) == (new.scheme, new.netloc):
            for name, value in req.unredirected_hdrs.items():
                following.add_unredirected_header(name, value)
        return following

    def http_error_302(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage) -> Any:
        """Refuse what urllib would answer with a riddle, then follow."""
        scheme = urlsplit(urljoin(req.full_url, headers.get("location", ""))).scheme
        if scheme not in ("http", "https"):
            raise _unsafe(req.full_url, scheme)
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _unsafe(address: str, scheme: str) -> MaskwrightError:
    return MaskwrightError(
        f"The server leads away from a safe connection, to {scheme or 'nowhere'}:, which is not followed.",
        where=address, fix="download the file with a browser, if you trust it")  # fmt: skip
