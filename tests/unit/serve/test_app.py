import base64
import json
import threading
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskwright.images.classes import Classes
from maskwright.runtime.predictor import load_model
from maskwright.serve.engine import Engine

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient  # noqa: E402

from maskwright.serve.app import create_app  # noqa: E402
from maskwright.serve.limits import Limits  # noqa: E402

SEVERAL = Classes(("soil", "crop", "weed"))
HOST = "http://127.0.0.1"


def picture(height=40, width=30, bright=12):
    """Dark but for the first columns: those are the foreground."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :bright] = 255
    return pixels


def png(pixels=None):
    stream = BytesIO()
    Image.fromarray(picture() if pixels is None else pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def predictors(tmp_path, write_model):
    write_model(tmp_path / "one.onnx", size=(40, 32))
    write_model(tmp_path / "several.onnx", size=(40, 32), classes=SEVERAL, threshold=None)
    return {name: load_model(tmp_path / f"{name}.onnx", masks_only=True, callers=2) for name in ("one", "several")}


@pytest.fixture
def client(predictors):
    with serving(predictors) as client:
        yield client


def serving(predictors, *, capacity=16, threads=2, host=HOST, **options):
    app = create_app(Engine(predictors, capacity=capacity, threads=threads), **options)
    return TestClient(app, base_url=host, raise_server_exceptions=False)


def error_of(response):
    content = response.json()
    assert content["ok"] is False and set(content["error"]) == {"what", "where", "fix"}
    return content["error"]


class TestOnePicture:
    def test_its_bytes_give_its_mask_as_predict_makes_it(self, client, predictors):
        response = client.post("/predict", content=png())
        assert response.status_code == 200 and response.headers["content-type"] == "image/png"
        mask = np.asarray(Image.open(BytesIO(response.content)))
        np.testing.assert_array_equal(mask, predictors["one"].predict(picture()).mask)
        assert mask[:, :11].all() and not mask[:, 13:].any()

    def test_so_does_a_form(self, client):
        response = client.post("/predict", files={"picture": ("lesion.png", png(), "image/png")})
        assert response.content == client.post("/predict", content=png()).content

    def test_json_holds_areas_and_polygons(self, client):
        content = client.post("/predict", content=png(), headers={"accept": "application/json"}).json()
        assert (content["width"], content["height"]) == (30, 40)
        assert [one["name"] for one in content["classes"]] == ["background", "pebble"]
        assert sum(one["pixels"] for one in content["classes"]) == 1200
        (feature,) = content["polygons"]["features"]
        ring = np.array(feature["geometry"]["coordinates"][0])
        assert ring.min(axis=0).tolist() == [0, 0] and ring[:, 1].max() == 40
        assert feature["properties"]["pixels"] == content["classes"][1]["pixels"] == ring[:, 0].max() * 40

    def test_jpeg_is_an_overlay(self, client):
        response = client.post("/predict", content=png(), headers={"accept": "image/jpeg"})
        assert response.headers["content-type"] == "image/jpeg"
        drawn = np.asarray(Image.open(BytesIO(response.content))).astype(int)
        assert drawn.shape == (40, 30, 3)
        assert drawn[5:35, 20:].max() < 30 and drawn[5:35, 2:8].min(axis=2).mean() < 200  # tinted

    def test_a_cutout_is_transparent_outside(self, client):
        response = client.post("/predict", params={"answer": "cutout"}, content=png())
        pixels = np.asarray(Image.open(BytesIO(response.content)))
        assert pixels.shape == (40, 30, 4) and (pixels[:, :11] == 255).all()
        assert not pixels[:, 13:].any()  # nothing is left underneath

    def test_a_cutout_of_a_large_photograph_has_the_photograph_s_own_pixels(self, client):
        noise = np.random.default_rng(0).integers(0, 256, (400, 300, 3), dtype=np.uint8)
        noise[:, :120] = noise[:, :120] // 2 + 128
        stream = BytesIO()
        Image.fromarray(noise).save(stream, "JPEG", quality=95)
        response = client.post("/predict", params={"answer": "cutout", "threshold": 0}, content=stream.getvalue())
        cut = np.asarray(Image.open(BytesIO(response.content)))[..., :3]
        np.testing.assert_array_equal(cut, np.asarray(Image.open(stream)))

    def test_probabilities_are_grey(self, client, predictors):
        response = client.post("/predict", params={"answer": "probabilities"}, content=png())
        grey = np.asarray(Image.open(BytesIO(response.content)))
        np.testing.assert_allclose(grey, predictors["one"].predict(picture()).probabilities[0] * 255, atol=1)

    def test_another_threshold_cuts_elsewhere(self, client):
        shares = [
            np.asarray(
                Image.open(BytesIO(client.post("/predict", params={"threshold": at}, content=png()).content))
            ).mean()
            for at in (0.001, 0.5, 0.999)
        ]
        assert shares[0] > shares[1] >= shares[2]

    def test_another_model_can_be_asked_for(self, client, predictors):
        response = client.post("/predict", params={"model": "several"}, content=png())
        mask = np.asarray(Image.open(BytesIO(response.content)))
        np.testing.assert_array_equal(mask, predictors["several"].predict(picture()).mask)

    @pytest.mark.parametrize("accept, status, media", [
        ("*/*", 200, "image/png"), ("image/*", 200, "image/png"), ("text/html", 406, None),
        ("text/html, image/jpeg;q=0.2", 200, "image/jpeg"), ("application/json, */*;q=0.1", 200, "application/json"),
        ("application/json;q=0", 406, None), (";;;,q=x", 200, "image/png"), ("", 200, "image/png"),
    ])  # fmt: skip
    def test_the_accept_header_chooses(self, client, accept, status, media):
        response = client.post("/predict", content=png(), headers={"accept": accept})
        assert response.status_code == status
        assert media is None or response.headers["content-type"] == media


class TestRefusals:
    @pytest.mark.parametrize("content, words", [
        (b"", "no picture"), (b"hello", "no picture that can be read"), (png()[:50], "too early"),
        (b"%PDF-1.4", "PDF"), (b"\x89PNG\r\n\x1a\n" + bytes(100), "part of the picture"),
    ])  # fmt: skip
    def test_what_is_no_picture_is_the_caller_s_error(self, client, content, words):
        response = client.post("/predict", content=content)
        assert response.status_code == 400
        assert words in error_of(response)["what"]

    def test_a_name_in_a_request_opens_nothing(self, client, tmp_path):
        (tmp_path / "secret.png").write_bytes(png())
        for name in (str(tmp_path / "secret.png"), "../../secret.png", "/dev/zero", "x" * 5000):
            response = client.post("/predict", files={"picture": (name, b"no picture", "image/png")})
            assert response.status_code == 400
            assert len(error_of(response)["where"]) <= 200

    @pytest.mark.parametrize("query, status", [
        ({"model": "none"}, 404), ({"answer": "poem"}, 400), ({"threshold": "2"}, 422), ({"threshold": "nan"}, 422),
        ({"threshold": "x"}, 422), ({"threshold": "0.5", "model": "several"}, 400),
    ])  # fmt: skip
    def test_wrong_parameters_are_named(self, client, query, status):
        response = client.post("/predict", params=query, content=png())
        assert response.status_code == status
        error_of(response)

    @pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
    @pytest.mark.parametrize("content", [b"", b"--x\r\n\r\n", b"--x\r\nnonsense", b"\xff" * 500])
    def test_damaged_forms_are_the_caller_s_error(self, client, kind, content):
        response = client.post("/predict", content=content, headers={"content-type": kind})
        assert response.status_code == 400
        error_of(response)

    def test_a_form_without_a_file(self, client):
        response = client.post("/predict", files={"picture": (None, "text")})
        assert response.status_code == 400 and "no file" in error_of(response)["what"]

    def test_a_request_of_too_many_bytes(self, predictors):
        with serving(predictors, limits=Limits(bytes=2000)) as client:
            assert client.post("/predict", content=png()).status_code == 200
            for body in (bytes(2001), iter([bytes(1500)] * 3)):
                response = client.post("/predict", content=body)
                assert response.status_code == 413 and "2,000 bytes" in error_of(response)["what"]
            response = client.post("/predict", files={"picture": ("a.png", bytes(5000), "image/png")})
            assert response.status_code == 413

    def test_a_picture_of_too_many_pixels(self, predictors):
        app = create_app(Engine(predictors, capacity=4, threads=2, pixels=1000))
        with TestClient(app, base_url=HOST) as client:
            response = client.post("/predict", content=png())
            assert response.status_code == 400 and "1,200 pixels" in error_of(response)["what"]

    def test_a_form_cannot_choose_how_its_names_are_decoded(self, client):
        for charset in ("punycode", "unicode_escape", "utf-16", "no such"):
            body = b'--x\r\ncontent-disposition: form-data; name="p"; filename="\\ud800.png"\r\n\r\nno picture\r\n--x--'
            kind = f"multipart/form-data; charset={charset}; boundary=x"
            response = client.post("/predict", content=body, headers={"content-type": kind})
            assert response.status_code == 400, charset
            assert error_of(response)["where"] == "\\ud800.png"

    def test_a_mask_of_too_many_regions_is_not_drawn(self, client, monkeypatch):
        monkeypatch.setattr("maskwright.serve.answers.MOST_REGIONS", 0)
        response = client.post("/predict", params={"answer": "polygons"}, content=png())
        assert response.status_code == 400 and "1 regions" in error_of(response)["what"]

    def test_what_nobody_expected_is_json_too_and_counted(self, predictors):
        def failing(pixels):
            raise ZeroDivisionError

        object.__setattr__(predictors["one"], "look", failing)
        with serving(predictors) as client:
            response = client.post("/predict", content=png())
            assert response.status_code == 500 and "service failed" in error_of(response)["what"]
            assert 'requests_total{path="/predict",status="500"} 1.0' in client.get("/metrics").text

    def test_unknown_paths_and_methods(self, client):
        assert client.get("/nowhere").status_code == 404
        assert client.get("/predict").status_code == 405
        error_of(client.get("/nowhere"))


class TestWhoMayAsk:
    def test_without_a_token_only_this_machine_by_name(self, predictors):
        for host, status in (("http://127.0.0.1:8000", 200), ("http://localhost", 200), ("http://[::1]:80", 200),
                             ("http://127.0.0.2", 200), ("http://evil.example", 403),
                             ("http://127.0.0.1.evil.example", 403)):  # fmt: skip
            with serving(predictors, host=host) as client:
                assert client.get("/models").status_code == status, host

    def test_pages_from_elsewhere_are_refused(self, client):
        for origin, status in (("http://127.0.0.1", 200), ("http://evil.example", 403), ("null", 403)):
            response = client.post("/predict", content=png(), headers={"origin": origin})
            assert response.status_code == status, origin

    def test_addresses_that_are_none_are_the_caller_s_error(self, client):
        for headers in ({"host": "[::1"}, {"origin": "http://["}):
            assert client.get("/models", headers=headers).status_code == 400

    def test_with_a_token_it_must_be_sent(self, predictors):
        with serving(predictors, token="s3cret", host="http://masks.example") as client:
            assert client.get("/health").status_code == 200
            for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": "s3cre"}, {"authorization": "é"}):
                response = client.post("/predict", content=png(), headers={k: v.encode() for k, v in header.items()})
                assert response.status_code == 401, header
                error_of(response)
            assert client.get("/models", headers={"authorization": "s3cret"}).status_code == 401
            assert client.get("/models", headers={"authorization": "bearer s3cret"}).status_code == 200
            allowed = client.post("/predict", content=png(), headers={"authorization": "Bearer s3cret"})
            assert allowed.status_code == 200


class TestBatches:
    def test_each_file_has_its_own_result_in_order(self, client):
        files = [("pictures", ("a.png", png(), "image/png")), ("pictures", ("b.png", b"broken", "image/png")),
                 ("pictures", ("c.png", png(picture(bright=0)), "image/png"))]  # fmt: skip
        content = client.post("/predict/batch", files=files).json()
        first, second, third = content["results"]
        assert not content["ok"] and [one["ok"] for one in content["results"]] == [True, False, True]
        assert [one["name"] for one in content["results"]] == ["a.png", "b.png", "c.png"]
        assert second["status"] == 400 and second["error"]["where"] == "b.png"
        assert first["classes"][1]["pixels"] > 0 == third["classes"][1]["pixels"]

    def test_files_come_in_base64(self, client):
        files = [("pictures", ("a.png", png(), "image/png"))]
        (one,) = client.post("/predict/batch", params={"answer": "mask"}, files=files).json()["results"]
        assert base64.b64decode(one["file"]) == client.post("/predict", content=png()).content
        assert one["media"] == "image/png"

    def test_no_more_files_than_are_allowed(self, predictors):
        with serving(predictors, limits=Limits(files=2)) as client:
            response = client.post("/predict/batch", files=[("pictures", ("a.png", png(), "image/png"))] * 3)
            assert response.status_code == 400


def test_beyond_its_capacity_it_answers_429_with_retry_after_and_recovers(predictors):
    look, opened = predictors["one"].look, threading.Event()

    def slow(pixels):
        assert opened.wait(30)
        return look(pixels)

    object.__setattr__(predictors["one"], "look", slow)
    with serving(predictors, capacity=3, threads=1) as client:
        files = [("pictures", (f"{n}.png", png(), "image/png")) for n in range(5)]
        threading.Timer(1.0, opened.set).start()
        results = client.post("/predict/batch", files=files).json()["results"]
        assert sorted(one["status"] for one in results) == [200, 200, 200, 429, 429]
        opened.clear()
        waiting = [threading.Thread(target=lambda: client.post("/predict", content=png())) for _ in range(3)]
        for thread in waiting:
            thread.start()
        end = time.monotonic() + 20
        while client.get("/health").json()["taken"] < 3 and time.monotonic() < end:
            time.sleep(0.01)
        response = client.post("/predict", content=png())
        assert response.status_code == 429 and int(response.headers["retry-after"]) >= 1
        opened.set()
        for thread in waiting:
            thread.join()
        assert client.post("/predict", content=png()).status_code == 200


def test_cards_tell_what_a_model_is(client):
    models = client.get("/models").json()["models"]
    assert [one["name"] for one in models] == ["one", "several"]
    assert client.get("/model", params={"model": "several"}).json()["classes"]["names"] == ["soil", "crop", "weed"]


def test_metrics_count_requests_pictures_and_batches(client):
    client.post("/predict", content=png())
    client.post("/predict", content=b"broken")
    client.get("/nowhere")
    text = client.get("/metrics").text
    assert 'maskwright_requests_total{path="/predict",status="200"} 1.0' in text
    assert 'maskwright_requests_total{path="/predict",status="400"} 1.0' in text
    assert 'maskwright_requests_total{path="other",status="404"} 1.0' in text
    assert 'maskwright_pictures_total{model="one",outcome="refused"} 1.0' in text
    assert 'maskwright_batches{model="one",pictures="1"} 1.0' in text


def test_openapi_has_examples_and_names_every_refusal(client):
    document = client.get("/openapi.json").json()
    post = document["paths"]["/predict"]["post"]
    assert {"400", "401", "413", "429", "503"} <= set(post["responses"])
    assert "multipart/form-data" in post["requestBody"]["content"]
    assert json.dumps(post["responses"]["200"]["content"]["application/json"]["example"])
