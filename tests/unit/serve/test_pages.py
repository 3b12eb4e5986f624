"""The page's files: what they may load, who may have them, and what they are sent with."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient  # noqa: E402

from maskwright.runtime.predictor import load_model  # noqa: E402
from maskwright.serve.app import create_app  # noqa: E402
from maskwright.serve.engine import Engine  # noqa: E402
from maskwright.serve.pages import EXAMPLES, example, page_files  # noqa: E402

TEXTS = {name: content.decode() for name, content in page_files().items()}


@pytest.fixture(scope="module")
def predictors(tmp_path_factory, write_model):
    path = tmp_path_factory.mktemp("model") / "one.onnx"
    write_model(path)
    return {"one": load_model(path, masks_only=True, callers=2)}


@pytest.fixture
def client(predictors):
    with serving(predictors) as client:
        yield client


def serving(predictors, **options):
    app = create_app(Engine(predictors, capacity=8, threads=2), **options)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


def test_the_page_and_its_files_are_served_with_their_types(client):
    assert client.get("/").headers["content-type"] == "text/html; charset=utf-8"
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
    for name, content in page_files().items():
        response = client.get(f"/page/{name}")
        assert response.status_code == 200 and response.content == content
        assert name == "index.html" or response.headers["content-type"] == types[name.rpartition(".")[2]]


def test_the_browser_is_told_to_load_and_frame_nothing_else(client):
    for path in ("/", "/page/page.js", "/page/pebbles-1.jpg"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy.pop("default-src") == policy.pop("frame-ancestors") == "'none'"
        assert policy.pop("base-uri") == policy.pop("form-action") == "'none'"
        assert policy.pop("img-src") == "'self' blob: data:"
        assert set(policy.values()) == {"'self'"} and set(policy) == {"script-src", "style-src", "connect-src"}
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


def test_every_file_that_a_file_names_is_there(client):
    page = TEXTS["index.html"]
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert "page/page.js" in named and "page/page.css" in named
    for address in named:
        assert client.get(f"/{address}").status_code == 200, address
    imported = {module for text in TEXTS.values() for module in re.findall(r'from "\./([^"]+)"', text)}
    assert imported | {"page.js"} == {name for name in TEXTS if name.endswith(".js")}
    assert set(re.findall(r'data-example="([^"]+)"', page)) == set(EXAMPLES)


def test_nothing_is_loaded_from_elsewhere_and_nothing_stands_in_the_page_that_the_policy_forbids():
    for name, text in TEXTS.items():
        assert re.findall(r"(?:https?:)?//[a-z]", text.replace("http://www.w3.org/2000/svg", "")) == [], name
    page = TEXTS["index.html"]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=)", page)


def test_every_element_that_the_modules_look_up_is_in_the_page_once():
    ids = re.findall(r'\bid="([^"]+)"', TEXTS["index.html"])
    assert len(ids) == len(set(ids))
    looked_up = {name for text in TEXTS.values() for name in re.findall(r'(?:getElementById|by)\("([^"]+)"\)', text)}
    assert looked_up <= set(ids)
    assert looked_up >= {"threshold", "opacity", "compare", "news"}


def test_every_field_has_a_label():
    page = TEXTS["index.html"]
    fields = re.findall(r'<(?:input|select)[^>]*\bid="([^"]+)"', page)
    assert len(fields) == 6
    assert set(fields) <= set(re.findall(r'<label for="([^"]+)"', page))


def test_with_a_token_the_page_loads_and_nothing_else_does(predictors):
    with serving(predictors, token="s3cret") as client:
        for path in ("/", *(f"/page/{name}" for name in (*TEXTS, *EXAMPLES)), "/health"):
            assert client.get(path).status_code == 200, path
        for path in ("/models", "/metrics", "/openapi.json", "/page/", "/page/else.js", "/page"):
            assert client.get(path).status_code == 401, path
        assert client.post("/predict", content=b"").status_code == 401


@pytest.mark.parametrize("name", ["pages.py", "..%2Fpages.py", "%2Fetc%2Fpasswd", "index.html%00", "."])
def test_no_other_file_can_be_asked_for(client, name):
    assert client.get(f"/page/{name}").status_code == 404


def test_examples_are_small_pictures_of_pebbles_and_always_the_same(client):
    contents = [client.get(f"/page/{name}").content for name in EXAMPLES]
    assert len(set(contents)) == len(EXAMPLES) == 3
    for name, content in zip(EXAMPLES, contents, strict=True):
        image = Image.open(BytesIO(content))
        assert image.format == "JPEG" and image.size == (384, 288) and len(content) < 100_000
        example.cache_clear()
        assert example(name) == content


def test_a_picture_that_browsers_cannot_read_is_had_as_jpeg(client):
    pixels = np.zeros((30, 2000, 3), np.uint8)
    pixels[:, :1000] = (200, 100, 50)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "TIFF")
    response = client.post("/predict", params={"answer": "picture"}, content=stream.getvalue())
    assert response.headers["content-type"] == "image/jpeg"
    shown = np.asarray(Image.open(BytesIO(response.content))).astype(int)
    assert shown.shape == (24, 1600, 3)
    assert abs(shown[:, :780] - (200, 100, 50)).max() < 8 and shown[:, 820:].max() < 8


def test_the_page_is_no_part_of_the_interface_for_programs(client):
    assert all(not path.startswith("/page") and path != "/" for path in client.get("/openapi.json").json()["paths"])


def test_the_page_s_files_are_in_the_wheel(tmp_path):
    builders = pytest.importorskip("hatchling.builders.wheel")
    import zipfile
    from pathlib import Path

    root = Path(__file__).parents[3]
    (wheel,) = builders.WheelBuilder(str(root)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"maskwright/serve/page/{name}" for name in TEXTS} <= names
