"""`predict` in a pipe: a picture on standard input, a mask on standard output, and nothing else there."""

import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskwright.cli.main import main

Call = Callable[..., tuple[int, bytes, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, write_model: Callable[..., Any]) -> str:
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    write_model(path)
    return str(path)


@pytest.fixture
def call(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run the program with bytes on standard input; return exit code, stdout and stderr."""
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")

    def run(*arguments: str, given: bytes = b"") -> tuple[int, bytes, str]:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(given)))
        with pytest.raises(SystemExit) as ending:
            main(["predict", *arguments])
        written = capsysbinary.readouterr()
        return int(ending.value.code or 0), written.out, written.err.decode()

    return run


def picture() -> bytes:
    stream = BytesIO()
    pixels = np.zeros((6, 9, 3), np.uint8)
    pixels[:, 5:] = 255
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_a_picture_from_standard_input_is_called_stdin(call: Call, model: str, tmp_path: Path) -> None:
    code, out, _ = call(model, "-", "-o", str(tmp_path / "out"), given=picture())
    assert code == 0
    assert out.startswith(b"stdin  ->  ")
    assert (tmp_path / "out" / "masks" / "stdin.png").exists()


def test_standard_output_holds_the_mask_and_nothing_else(call: Call, model: str, tmp_path: Path) -> None:
    call(model, "-", "-o", str(tmp_path / "out"), given=picture())
    kept = (tmp_path / "out" / "masks" / "stdin.png").read_bytes()
    assert call(model, "-", "-o", "-", given=picture())[:2] == (0, kept)
    (tmp_path / "a.png").write_bytes(picture())
    assert call(model, str(tmp_path / "a.png"), "-o", "-", "-q")[:2] == (0, kept)
    code, out, _ = call(model, "-", "-o", "-", "--write", "areas", given=picture())
    assert (code, out.splitlines()[1].split(b",")[0]) == (0, b"stdin")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-", "-", "-o", "out"), "Standard input holds one picture."),
        (("-", "a.png", "-o", "-"), "these are 2."), (("-", "-o", "-", "--json"), "With -o - nothing is kept"),
        (("-", "-o", "s3://bucket/masks"), "Masks are written into a folder, not yet into a store."),
        (("-", "-o", "-"), "The file is empty."),
    ],
)  # fmt: skip
def test_what_a_pipe_cannot_do_is_said_on_standard_error(
    call: Call, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(model, *arguments)
    assert code == 1
    assert told in err + out.decode()
    assert out == b"" or "--json" in arguments
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_not_written_to_a_terminal(call: Call, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = call(model, "-", "-o", "-", given=picture())
    assert (code, out) == (1, b"")
    assert "cannot be shown in a terminal" in err


def test_a_terminal_is_not_read_from(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(BytesIO()))
    with pytest.raises(SystemExit):
        main(["predict", model, "-", "-o", "out"])
    assert "Nothing is led in" in capsys.readouterr().err
