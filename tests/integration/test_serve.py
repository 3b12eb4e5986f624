"""`maskwright serve` as a process of its own: it answers, it finishes what it took, and it listens where it should."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi")


def png(value: int = 200) -> bytes:
    stream = BytesIO()
    Image.fromarray(np.full((64, 48, 3), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that any picture's mask can be had of at once."""
    torch = pytest.importorskip("torch")
    from maskwright.export.graph import export_model
    from maskwright.images.classes import Classes
    from maskwright.runtime.description import ModelDescription

    network = torch.nn.Conv2d(3, 1, 1)
    path = tmp_path_factory.mktemp("model") / "stones.onnx"
    export_model(network, ModelDescription(Classes(("background", "stone")), "whole", (32, 32), threshold=0.5), path)
    return path


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """Start the service on a free port; yield the process, its address, and what it said."""
    command = [sys.executable, "-m", "maskwright", "serve", *arguments, "--port", "0"]
    with subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **environment}
    ) as process:
        try:
            said: list[str] = []
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if "http://" in line:
                    break
            address = re.search(r"http://\S+", said[-1] if said else "")
            assert address, f"it said {said}"
            wait_for(lambda: ask(address[0] + "/health")[0] == 200)
            yield process, address[0], said
        finally:
            process.kill()


def wait_for(condition: object) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if condition():  # type: ignore[operator]
                return
        except OSError:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = Request(url, body, headers)
    try:
        with urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_it_answers_pictures_and_ends_when_it_is_told_to(model: Path) -> None:
    with serving(str(model)) as (process, url, said):
        assert "model  stones" in "".join(said)
        status, content = ask(f"{url}/predict", png())
        assert status == 200 and Image.open(BytesIO(content)).size == (48, 64)
        assert ask(f"{url}/predict", b"no picture")[0] == 400
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)


def test_what_it_took_is_answered_before_it_stops(model: Path) -> None:
    large = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(large).save(stream, "PNG", compress_level=1)
    with serving(str(model)) as (process, url, _), ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, f"{url}/predict?answer=cutout", stream.getvalue()) for _ in range(8)]
        wait_for(lambda: json.loads(ask(f"{url}/health")[1])["taken"] == 8 or any(one.done() for one in answers))
        process.send_signal(signal.SIGTERM)
        assert [answer.result()[0] for answer in answers] == [200] * 8
        assert process.wait(60) in (0, -signal.SIGTERM)


def test_it_listens_on_this_machine_alone_unless_told_otherwise(model: Path) -> None:
    with serving(str(model)) as (_, url, _):
        assert url.startswith("http://127.0.0.1:")
        port = int(url.rpartition(":")[2])
        with pytest.raises(OSError), socket.create_connection((socket.gethostbyname("127.0.0.2"), port), timeout=5):
            pass


def test_elsewhere_it_asks_for_a_token_that_it_made(model: Path) -> None:
    with serving(str(model), "--host", "0.0.0.0") as (process, url, _):
        assert process.stdout is not None
        token = process.stdout.readline().split()[1]
        local = f"http://127.0.0.1:{url.rpartition(':')[2]}"
        assert ask(f"{local}/models")[0] == 401
        assert ask(f"{local}/models", Authorization=f"Bearer {token}")[0] == 200


@pytest.mark.parametrize("arguments, words", [
    (["--host", "203.0.113.9"], "cannot listen"), (["--token", "short"], "16 plain characters"),
    (["NOTHING.onnx"], "There is no model file"),
])  # fmt: skip
def test_what_cannot_be_served_is_said_before_anything_listens(model: Path, arguments: list[str], words: str) -> None:
    command = [sys.executable, "-m", "maskwright", "serve", str(model), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1 and words in ended.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_s_commands_are_answered(model: Path, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    told = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    starts, calls = (
        [line for line in told if line.startswith("maskwright ")],
        [line for line in told if line.startswith("curl ")],
    )
    assert [line.replace("runs/lesions", "RUN") for line in starts] == ["maskwright serve RUN"]
    assert len(calls) == 5 and len(starts) + len(calls) == len(told)
    (tmp_path / "photo.jpg").write_bytes(png())
    with serving(str(model)) as (_, url, _):
        for line in calls:
            words = shlex.split(line.replace("http://127.0.0.1:8000", url))
            done = subprocess.run([*words, "--fail", "--silent"], cwd=tmp_path, capture_output=True, check=False)
            assert done.returncode == 0, line
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg", "mask.png", "overlay.jpg", "cutout.png"}
