"""`predict` on a real S3-compatible store and a web server, both of this machine alone."""

import importlib.util
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.runs.predict import predict_files
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Predictor

if missing := [name for name in ("s3fs", "moto", "flask") if importlib.util.find_spec(name) is None]:
    pytest.skip(f"needs {', '.join(missing)}", allow_module_level=True)

# The stores' own packages close what they have opened when the program ends.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

SECRET = "wJalrXUtnFEMI-not-to-be-shown"
NAMES = ("a.png", "s0/b.png", "s1/deep/c.png")


def png(seed: int) -> bytes:
    stream = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 17, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def model(tmp_path: Path) -> Predictor:
    """What is red is stone."""

    def run(images: Any, names: Any) -> list[Any]:
        probabilities = images[0, ..., :1].transpose(2, 0, 1) / np.float32(255)
        return [probabilities[None], (probabilities > 0.5).astype(np.uint8)][: len(names)]

    path = tmp_path / "model.onnx"
    path.write_text("model")
    description = ModelDescription(Classes(("background", "stone")), "whole", (8, 8), threshold=0.5)
    return Predictor(description, "onnxruntime", "fp32", path, run)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Start an S3-compatible server; give its address."""
    from moto.server import ThreadedMotoServer

    started = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@pytest.fixture
def put(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, bytes], None]]:
    """Let S3 be the server, with credentials; give what puts an object there."""
    from s3fs import S3FileSystem

    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    environment = {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": server, "NO_PROXY": "*",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path),
        "AWS_MAX_ATTEMPTS": "1",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()

    def send(path: str, content: bytes = b"") -> None:
        who = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        head = {"Content-Type": "application/octet-stream", "Authorization": who}  # the server compares no signatures
        with urlopen(Request(f"{server}/{path}", data=content, method="PUT", headers=head)) as answer:
            assert answer.status == 200

    send("photos")
    yield send
    S3FileSystem.clear_instance_cache()


def masks(folder: Path) -> dict[str, bytes]:
    found = sorted((folder / "masks").rglob("*.png"))
    return {path.relative_to(folder / "masks").as_posix(): path.read_bytes() for path in found}


def made(result: Any) -> list[str]:
    return [one["input"] for one in result.outputs if not one["skipped"]]


def test_a_folder_in_a_store_becomes_the_masks_of_a_folder_on_disk_and_goes_on_where_it_stopped(
    put: Callable[..., None], model: Predictor, tmp_path: Path
) -> None:
    for seed, name in enumerate(NAMES):
        put(f"photos/in/{name}", png(seed))
        (tmp_path / "near" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "near" / name).write_bytes(png(seed))
    put("photos/in/broken.png", b"\x89PNG\r\n\x1a\n broken")
    put("photos/in/notes.txt", b"no picture")
    put("photos/inner/other.png", png(9))
    out = tmp_path / "out"

    result = predict_files(model, "s3://photos/in", out)
    assert made(result) == [f"s3://photos/in/{name}" for name in NAMES]
    assert [(one["input"], one["error"]["where"]) for one in result.failures] == [("s3://photos/in/broken.png",) * 2]
    predict_files(model, tmp_path / "near", tmp_path / "near-out")
    assert masks(out) == masks(tmp_path / "near-out")

    put("photos/in/broken.png", png(7))
    put("photos/in/a.png", png(8))
    result = predict_files(model, "s3://photos/in/**/*.png", out)
    assert (result.failures, len(result.outputs)) == ((), 4)
    assert made(result) == ["s3://photos/in/a.png", "s3://photos/in/broken.png"]

    predict_files(model, "s3://photos/in/s0/b.png", tmp_path / "one")
    assert masks(tmp_path / "one") == {"b.png": masks(out)["s0/b.png"]}
    assert predict_files(model, "s3://photos/in/s0/b.png", tmp_path / "one").outputs[0]["skipped"]


@pytest.mark.parametrize(
    ("address", "changes", "what"),
    [
        ("s3://absent/in", {}, "There is nothing of that name."),
        ("s3://photos/in", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "No credentials were found."),
        ("s3://photos/in", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "It cannot be fetched"),
    ],
    ids=("absent", "no credentials", "no server"),
)
def test_what_cannot_be_read_from_is_told_with_its_mending(
    put: Callable[..., None], model: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str,
    changes: dict[str, str], what: str,
) -> None:  # fmt: skip
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DataError) as caught:
        predict_files(model, address, tmp_path / "out")
    assert what in caught.value.what
    assert caught.value.where == address and caught.value.fix
    assert SECRET not in str(caught.value)
    assert not (tmp_path / "out").exists()


class QuietFiles(SimpleHTTPRequestHandler):
    """Serves a folder and writes no log."""

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Serve a folder with one picture; give its address."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a photo.png").write_bytes(png(0))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFiles, directory=str(tmp_path / "web"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_picture_on_the_web_is_fetched_and_its_signature_never_shown(
    web: str, model: Predictor, tmp_path: Path
) -> None:
    address, out = f"{web}/a%20photo.png", tmp_path / "out"
    result = predict_files(model, f"{address}?sig={SECRET}", out)
    assert (made(result), list(masks(out))) == ([address], ["a photo.png"])
    assert SECRET not in (out / "predicted.json").read_text()
    assert made(predict_files(model, f"{address}?sig={SECRET}", out)) == []
    absent = address.replace("photo", "ghost")
    with pytest.raises(DataError, match="nothing of that name") as caught:
        predict_files(model, f"{absent}?sig={SECRET}", out)
    assert caught.value.where == absent
