"""Pictures in object stores and on the web, through fsspec (extra `remote`): listed and fetched, never written.

Who may read is the business of each store's own settings. What could open a door is never shown: users, passwords and
the signed part of addresses are taken out of every message.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from maskwright.data.patterns import Pattern, is_pattern, split_pattern
from maskwright.errors import ConfigError, DataError, MaskwrightError, MissingDependency, need
from maskwright.images.opening import MAX_ENCODED, check_encoded

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # of two letters at least: C:/ is a drive
_WEB = ("http", "https")
_SECRETS = (
    (re.compile(r"((?:https?|s?ftp|smb)://)[^/@\s]*@", re.IGNORECASE), r"\1"),
    (re.compile(r"(\w://)[^/@:\s]*:[^/@\s]*@"), r"\1"),
    (re.compile(r"(https?://[^\s?'\")>]*)\?[^\s'\")>]*", re.IGNORECASE), r"\1"),
)
_VERSIONS = (
    "ETag", "etag", "md5Hash", "Content-MD5", "generation", "LastModified", "last_modified", "updated", "Last-Modified",
    "mtime", "created",
)  # fmt: skip
# What the stores' own packages raise beside OSError: looked up only where they are loaded.
_FOREIGN = (
    ("botocore.exceptions", "BotoCoreError"), ("botocore.exceptions", "ClientError"), ("aiohttp", "ClientError"),
    ("gcsfs.retry", "HttpError"), ("google.auth.exceptions", "GoogleAuthError"),
    ("azure.core.exceptions", "AzureError"),
)  # fmt: skip
_RIGHTS = "check the credentials that the store's own tools use, and that they may list and read"
_AGAIN = "check the address and the network, and say the same once more: what is done is kept"


def is_address(text: str) -> bool:
    """Whether a text is an address (s3://...) rather than a path."""
    return _ADDRESS.match(text) is not None


def local_path(address: str) -> str | None:
    """Return the path that a file:// address means; None for others."""
    from urllib.request import url2pathname

    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return url2pathname(slash + path) if scheme.lower() == "file" and host in ("", "localhost") else None


def without_secrets(text: str) -> str:
    """Return a text in which no address names a user, password or signature.

    >>> without_secrets("GET https://me:secret@host/a.jpg?sig=abc failed")
    'GET https://host/a.jpg failed'
    """
    for secret, kept in _SECRETS:
        text = secret.sub(kept, text)
    return text


@dataclass(frozen=True)
class Store:
    """A store. scheme: what its addresses begin with. system: fsspec's; safe to use from several threads."""

    scheme: str
    system: Any


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of a store.

    key: as the store has it. size: bytes; None where it does not tell. version: what changes with the content, or "".
    """

    store: Store
    key: str
    size: int | None
    version: str

    @property
    def address(self) -> str:
        """Where it is, for people: nothing secret."""
        full = self.key if is_address(self.key) else f"{self.store.scheme}://{self.key.lstrip('/')}"
        return without_secrets(full)

    @property
    def name(self) -> str:
        """The last part of where it is."""
        path = unquote(urlsplit(self.key).path) if is_address(self.key) else self.key
        return path.rpartition("/")[2]

    def fetch(self) -> bytes:
        """Return its content. Raises DataError."""
        check_encoded(self.size or 0, self.address)
        with _telling(self.address):
            if self.size is None:
                with self.store.system.open(self.key, "rb") as file:
                    content: bytes = file.read(MAX_ENCODED + 1)
            else:
                content = self.store.system.cat_file(self.key)
        check_encoded(len(content), self.address)
        return content


def split_address(address: str) -> tuple[str, Pattern | None]:
    """Return the fixed beginning of an address and the pattern after it; None where it is none, as on the web.

    Raises DataError where not even the bucket is fixed.
    """
    scheme, _, rest = address.partition("://")
    if scheme.lower() in _WEB or not is_pattern(rest):
        return address, None
    fixed, pattern = split_pattern([part for part in rest.split("/") if part])
    if not fixed:
        raise DataError(
            "A pattern must begin with a bucket.", where=without_secrets(address), fix=f"{scheme}://BUCKET/**/*.jpg"
        )
    return f"{scheme}://{'/'.join(fixed)}", pattern


def find_stored(address: str) -> Stored | dict[str, Stored]:
    """Return the object of an address, or all below it by their relative names.

    Raises DataError for what is not there or may not be read, ConfigError for an address of no known kind,
    MissingDependency.
    """
    scheme, _, rest = address.partition("://")
    scheme, said = scheme.lower(), without_secrets(address)
    if scheme in _WEB and urlsplit(address).path.endswith("/"):
        raise DataError("The pictures of a web server cannot be listed.", where=said, fix="name each picture")
    store, base = _open(scheme, f"{scheme}://{rest}")
    with _telling(said):
        info = store.system.info(base)
        if info["type"] == "file":
            return _stored(store, base, info)
        found = store.system.find(base, detail=True)
        store.system.invalidate_cache()  # it would hold all that was listed
    objects = {}
    while found:  # which is used up, so that memory holds each object once
        key, info = found.popitem()
        if info["type"] == "file":
            objects[key.removeprefix(base).lstrip("/")] = _stored(store, key, info)
    return objects


def _stored(store: Store, key: str, info: dict[str, Any]) -> Stored:
    version = next((str(info[name]) for name in _VERSIONS if info.get(name)), "")
    return Stored(store, key, info.get("size"), version)


def _open(scheme: str, address: str) -> tuple[Store, str]:
    fsspec = need("fsspec", extra="remote", purpose=f"Reading from {scheme}://")
    said = without_secrets(address)
    try:
        with _telling(said):
            system, base = fsspec.core.url_to_fs(address)
    except MaskwrightError:
        raise
    except ImportError as error:
        raise MissingDependency(
            f"Reading from {scheme}:// needs a package that is not installed ({error}).", where=said,
            fix="pip install 'maskwright[remote]'",
        ) from None  # fmt: skip
    except ValueError as error:
        if "rotocol not known" in str(error):
            raise ConfigError(
                f"Nothing can be read from {scheme}://.", where=said, fix="use s3://, gs://, az://, https:// or a path"
            ) from None
        raise DataError(f"{without_secrets(str(error))[:200]}", where=said, fix=_RIGHTS) from None
    return Store(scheme, system), base.rstrip("/") if scheme not in _WEB else base


@contextmanager
def _telling(address: str) -> Iterator[None]:
    """Turn what stores raise into a DataError that tells nothing secret, not even by its cause."""
    try:
        yield
    except MaskwrightError:
        raise
    except _store_errors() as error:
        raise _cannot_read(error, address) from None


def _store_errors() -> tuple[type[BaseException], ...]:
    kinds = (getattr(sys.modules[module], name, None) for module, name in _FOREIGN if module in sys.modules)
    return (OSError, *(kind for kind in kinds if kind is not None))


def _cannot_read(error: BaseException, address: str) -> DataError:
    reason = error
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None and address.startswith(_WEB):
        reason = error.__cause__  # fsspec says so of whatever a web server answers
    status = getattr(reason, "status", None)
    if "credentials" in type(reason).__name__.lower():
        return DataError("No credentials were found.", where=address, fix=_RIGHTS)
    if isinstance(reason, PermissionError) or status in (401, 403):
        return DataError("It may not be read.", where=address, fix=_RIGHTS)
    if isinstance(reason, FileNotFoundError) or status in (404, 410):
        return DataError("There is nothing of that name.", where=address, fix="check the address")
    told = without_secrets(" ".join(str(reason).split()))[:200]
    said = f"{type(reason).__name__}: {told}" if told else type(reason).__name__
    return DataError(f"It cannot be fetched ({said}).", where=address, fix=_AGAIN)
