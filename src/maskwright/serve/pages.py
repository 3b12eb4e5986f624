"""The page at `/`: its files, example pictures to click, and the headers that they are sent with.

All files are read from the package before the first request and found by name in a table: no path of a request is
opened. Knows no model and no picture of anyone's.
"""

import asyncio
import io
from functools import cache
from importlib import resources

from fastapi import FastAPI, Response
from PIL import Image
from starlette.exceptions import HTTPException

from maskwright.data.pebbles import draw_pebbles

EXAMPLES = {"pebbles-1.jpg": 8, "pebbles-2.jpg": 12, "pebbles-3.jpg": 16}  # numbers of drawn pebbles
_SEED = 0
_MEDIA = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY", "Cache-Control": "no-cache",
}  # fmt: skip


def add_page(app: FastAPI) -> frozenset[str]:
    """Add the page's routes. Returns their paths: anyone may have them, token or not; nothing in them is secret."""
    files = page_files()

    async def index() -> Response:
        return _answer(files["index.html"], "index.html")

    async def file(name: str) -> Response:
        if name in EXAMPLES:
            return _answer(await asyncio.to_thread(example, name), name)
        if name not in files:
            raise HTTPException(404)
        return _answer(files[name], name)

    app.get("/", include_in_schema=False)(index)
    app.get("/page/{name}", include_in_schema=False)(file)
    return frozenset(("/", *(f"/page/{name}" for name in (*files, *EXAMPLES))))


@cache
def page_files() -> dict[str, bytes]:
    """Return the page's files by name."""
    folder = resources.files("maskwright.serve") / "page"
    return {file.name: file.read_bytes() for file in folder.iterdir() if _ending(file.name) in _MEDIA}


@cache
def example(name: str) -> bytes:
    """Return one of EXAMPLES as JPEG."""
    picture, _ = draw_pebbles(_SEED, EXAMPLES[name])
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _answer(content: bytes, name: str) -> Response:
    return Response(content, media_type=_MEDIA.get(_ending(name), "image/jpeg"), headers=HEADERS)


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
