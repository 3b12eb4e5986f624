"""What a command puts out: text or one JSON document on stdout, an error on stderr, and the exit code.

The one place that turns MaskwrightError into words. Knows no command.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, TextIO

import typer

from maskwright.errors import MaskwrightError, OutputError
from maskwright.files import json_pieces, output_error

SCHEMA: Final = 1  # version of every document's envelope and keys

# Control characters (C0 but the newline, DEL, C1), and those that turn the direction of writing.
_COMMANDS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

Rows = tuple[str, Sequence[Any]]

WELL, FAILED, MISUSED, FINDINGS, STOPPED, UNHEARD = 0, 1, 2, 3, 130, 141


def prepare_streams() -> None:
    """Let no character that a terminal or a file name cannot hold end the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def harmless(text: str) -> str:
    r"""Escape what a terminal would obey or be misled by, such as in a file's name; lines stay lines.

    >>> print(harmless("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    return _COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def put(text: str | Iterable[str]) -> None:
    """Write text, or the pieces of one, to stdout.

    When nobody reads it any more (`| head`), it ends quietly with exit code 141.
    Raises OutputError where it cannot be written, such as into a file on a full disk.
    """
    with _heard():
        for piece in (text,) if isinstance(text, str) else text:
            print(harmless(piece), end="")
        print(flush=True)


def put_bytes(content: bytes) -> None:
    """Write bytes to stdout and nothing else. Raises as `put` does, and OutputError for a terminal."""
    if sys.stdout.isatty():
        raise OutputError(
            "A picture cannot be shown in a terminal.",
            where="standard output",
            fix="lead it into a file: ... > mask.png",
        )
    with _heard():
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


@contextmanager
def _heard() -> Iterator[None]:
    """Turn what writing to stdout raises into an end without words where nobody listens, else into OutputError."""
    try:
        yield
    except BrokenPipeError:
        _close(sys.stdout)
        raise typer.Exit(UNHEARD) from None
    except OSError as error:
        _close(sys.stdout)
        raise output_error(error, Path("standard output")) from error


def _close(stream: TextIO) -> None:
    """Lead a stream to nowhere, or the interpreter's last flush complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def put_document(
    command: str, content: Mapping[str, Any], *, error: MaskwrightError | None = None, rows: Rows | None = None
) -> None:
    """Write the one JSON document of a command: the envelope of design.md around its content.

    rows: a last key, and what its list holds, one of which is in memory at a time.
    """
    document = {"schema": SCHEMA, "command": command, "ok": error is None, **content}
    if error is not None:
        document["error"] = {"what": error.what, "where": error.where, "fix": error.fix}
    put(json.dumps(document, indent=2, allow_nan=False) if rows is None else json_pieces(document, *rows))


def finish(
    command: str,
    content: Mapping[str, Any],
    text: Callable[[Mapping[str, Any]], str],
    *,
    as_json: bool,
    error: MaskwrightError | None = None,
    rows: Rows | None = None,
) -> None:
    """Put out a command's result: as its one document, or as text, then the error on stderr if a part failed.

    rows: as in `put_document`.
    """
    if as_json:
        put_document(command, content, error=error, rows=rows)
        return
    if shown := text(content if rows is None else {**content, rows[0]: rows[1]}):
        put(shown)
    if error is not None:
        say(f"error: {error}")


def say(text: str) -> None:
    """Write to stderr, if anybody reads it."""
    try:
        print(harmless(text), file=sys.stderr, flush=True)
    except BrokenPipeError:
        _close(sys.stderr)
