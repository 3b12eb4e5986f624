"""What `predict` takes: patterns, archives, content in memory, and stores; all kinds are made of all of them."""

import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskwright.data.remote import Stored
from maskwright.errors import ConfigError, DataError
from maskwright.images.classes import Classes
from maskwright.images.formats import read_labels
from maskwright.images.opening import Encoded
from maskwright.runs.predict import predict_files
from maskwright.runs.predict_kinds import GATHERED, KINDS
from maskwright.runs.predict_piped import predict_piped
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Predictor

ALL = (*KINDS, *GATHERED)
BINARY = Classes(("background", "pebble"))
Model = Callable[..., Predictor]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """Build a predictor: what is red is pebble. It may be told not to answer, or to have overlapping classes."""

    def build(*, answers: bool = True, classes: Classes = BINARY) -> Predictor:
        def run(images: Any, names: Any) -> list[Any]:
            assert answers, "the network was asked"
            probabilities = (images[0].transpose(2, 0, 1) / np.float32(255))[: classes.num_outputs]
            mask = (probabilities > 0.5).astype(np.uint8)
            return [probabilities[None], (mask[0] if classes.exclusive else mask)[None]][: len(names)]

        description = ModelDescription(
            classes=classes, mode="whole", size=(8, 8), threshold=0.5, mean=(0.5,) * 3, std=(0.25,) * 3
        )
        path = tmp_path / "model.onnx"
        path.write_text("model")
        return Predictor(description, "onnxruntime", "fp32", path, run)

    return build


def png(seed: int = 0, size: tuple[int, int] = (12, 17)) -> bytes:
    stream = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 2, (*size, 3), np.uint8) * 255
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


NAMES = ("a.png", "s0/b.png", "s1/c.png", "s1/deep/d.png")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed, name in enumerate(NAMES):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(seed))
    (tmp_path / "photos" / "s1" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


def zip_of(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{folder.name}/{file.relative_to(folder).as_posix()}")
    return path


def tar_of(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, folder.name)
    return path


def files(folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    left_out = ("predicted.json", *without)
    return {name: path.read_bytes() for name, path in sorted(found.items()) if not name.startswith(left_out)}


def masks(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder / "masks").as_posix() for path in (folder / "masks").rglob("*.png"))


def skipped(result: Any) -> list[bool]:
    return [one["skipped"] for one in result.outputs]


# --- patterns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        ("photos/**/*.png", ["a.png", "s0/b.png", "s1/c.png", "s1/deep/d.png"]), ("photos/*.png", ["a.png"]),
        ("photos/s?/*.png", ["s0/b.png", "s1/c.png"]), ("photos/s1", ["c.png", "deep/d.png"]),
        ("photos/s[1]", ["s1/c.png", "s1/deep/d.png"]), ("photos/s1/*", ["c.png", "deep/d.png"]),
    ],
)  # fmt: skip
def test_a_pattern_s_masks_mirror_what_follows_its_fixed_beginning(
    model: Model, photos: Path, tmp_path: Path, pattern: str, made: list[str]
) -> None:
    predict_files(model(), str(tmp_path / pattern), tmp_path / "out")
    assert masks(tmp_path / "out") == made


def test_a_pattern_is_relative_to_where_one_is(
    model: Model, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)
    result = predict_files(model(), "s*/*.png", tmp_path / "out")
    assert [Path(one["input"]).as_posix() for one in result.outputs] == ["s0/b.png", "s1/c.png"]


def test_a_file_that_looks_like_a_pattern_is_a_file(model: Model, tmp_path: Path) -> None:
    for name in ("a[1].png", "a1.png"):
        (tmp_path / name).write_bytes(png())
    predict_files(model(), tmp_path / "a[1].png", tmp_path / "out")
    assert masks(tmp_path / "out") == ["a[1].png"]


@pytest.mark.parametrize("pattern", ["photos/*.jpg", "absent/*.png", "photos/**/*.txt"])
def test_a_pattern_that_nothing_matches_is_an_error(model: Model, photos: Path, tmp_path: Path, pattern: str) -> None:
    with pytest.raises(DataError, match="No picture matches|Nothing matches") as caught:
        predict_files(model(), str(tmp_path / pattern), tmp_path / "out")
    assert caught.value.where == str(tmp_path / pattern)
    assert not (tmp_path / "out").exists()


def test_a_pattern_leaves_out_what_predict_wrote_and_names_what_it_cannot_follow(
    model: Model, photos: Path, tmp_path: Path
) -> None:
    (photos / "broken.png").symlink_to(tmp_path / "nowhere")
    (photos / "broken.txt").symlink_to(tmp_path / "nowhere")
    for _ in range(2):
        result = predict_files(model(), str(photos / "**" / "*.png"), photos / "out")
        assert len(result.outputs) == 4
        assert [Path(one["input"]).name for one in result.failures] == ["broken.png"]


# --- archives -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_of_an_archive_all_is_made_that_is_made_of_its_folder(
    model: Model, photos: Path, tmp_path: Path, pack: Callable[[Path, Path], Path]
) -> None:
    archive = pack(photos, tmp_path / ("photos.zip" if pack is zip_of else "photos.tgz"))
    result = predict_files(model(), archive, tmp_path / "packed", write=ALL)
    assert result.failures == ()
    assert [one["input"] for one in result.outputs] == [f"{archive}/photos/{name}" for name in NAMES]
    predict_files(model(), photos, tmp_path / "plain", write=ALL)
    without = ("labelme/",)  # they name their picture
    assert files(tmp_path / "packed", without=without) == files(tmp_path / "plain", without=without)
    named = json.loads((tmp_path / "packed" / "labelme" / "s0" / "b.json").read_text())["imagePath"]
    assert named == next(one["input"] for one in result.outputs if one["input"].endswith("b.png"))


def test_nothing_of_a_zip_is_unpacked(model: Model, photos: Path, tmp_path: Path) -> None:
    predict_files(model(), zip_of(photos, tmp_path / "photos.zip"), tmp_path / "out")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_of_an_archive_only_what_changed_is_made_anew(
    model: Model, photos: Path, tmp_path: Path, pack: Callable[[Path, Path], Path]
) -> None:
    path, out = tmp_path / ("p.zip" if pack is zip_of else "p.tar.gz"), tmp_path / "out"
    predict_files(model(), pack(photos, path), out, write="overlay,cutout")
    os.utime(path, ns=(1, 1))
    assert skipped(predict_files(model(answers=False), path, out, write="overlay,cutout")) == [True] * 4
    (photos / "a.png").write_bytes(png(9))
    again = skipped(predict_files(model(), pack(photos, path), out, write="overlay,cutout"))
    assert again == ([False, True, True, True] if pack is zip_of else [False] * 4)  # a tar has no checksums
    expected = np.asarray(Image.open(BytesIO(png(9))))[..., 0] // 255
    np.testing.assert_array_equal(read_labels(out / "masks" / "a.png"), expected)


def test_a_damaged_picture_in_a_zip_fails_alone(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png())
        archive.writestr("b.png", b"\x89PNG\r\n\x1a\n broken")
        archive.writestr("c.png", b"C" * 64)
        archive.writestr("d.txt", b"no picture")
    path.write_bytes(path.read_bytes().replace(b"C" * 64, b"C" * 63 + b"?"))
    result = predict_files(model(), path, tmp_path / "out")
    assert [one["input"] for one in result.outputs] == [f"{path}/a.png"]
    assert [one["error"]["where"] for one in result.failures] == [f"{path}/b.png", f"{path}/c.png"]


def test_an_archive_that_wants_to_write_elsewhere_is_refused(model: Model, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../a.png", png())
    with pytest.raises(DataError, match="leads out of it"):
        predict_files(model(), tmp_path / "evil.zip", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("a.txt", b"")
    with pytest.raises(DataError, match="holds no pictures"):
        predict_files(model(), tmp_path / "empty.zip", tmp_path / "out")


def test_masks_that_lie_in_an_archive_beside_their_record_are_no_pictures(
    model: Model, photos: Path, tmp_path: Path
) -> None:
    predict_files(model(), photos, photos)
    predict_files(model(), zip_of(photos, tmp_path / "photos.zip"), tmp_path / "out")
    assert masks(tmp_path / "out") == list(NAMES)


def test_a_pattern_may_mean_archives_and_an_archive_needs_no_suffix(model: Model, photos: Path, tmp_path: Path) -> None:
    zip_of(photos / "s0", tmp_path / "zips.0.zip")
    zip_of(photos / "s1", tmp_path / "zips.1.zip")
    predict_files(model(), str(tmp_path / "zips.*"), tmp_path / "out")
    assert masks(tmp_path / "out") == ["b.png", "c.png", "deep/d.png"]
    (tmp_path / "zips.0.zip").rename(tmp_path / "packed")
    predict_files(model(), tmp_path / "packed", tmp_path / "other")
    assert masks(tmp_path / "other") == ["b.png"]


# --- content in memory, and pipes -----------------------------------------------------------------------------------


def test_content_in_memory_is_a_picture_and_kept_while_it_is_the_same(model: Model, tmp_path: Path) -> None:
    result = predict_files(model(), Encoded(png(), "stdin"), tmp_path / "out", write=ALL)
    assert (result.failures, result.outputs[0]["input"]) == ((), "stdin")
    assert masks(tmp_path / "out") == ["stdin.png"]
    assert skipped(predict_files(model(answers=False), Encoded(png(), "stdin"), tmp_path / "out")) == [True]
    assert skipped(predict_files(model(), Encoded(png(1), "stdin"), tmp_path / "out")) == [False]
    predict_files(model(), Encoded(png(), "../../elsewhere/a.png"), tmp_path / "other")
    assert masks(tmp_path / "other") == ["a.png"]


def test_a_pipe_gives_the_bytes_of_the_file(model: Model, tmp_path: Path) -> None:
    predict_files(model(), Encoded(png(), "stdin"), tmp_path / "out", write=ALL)
    kept = {"mask": "masks/stdin.png", "overlay": "overlays/stdin.png", "cutout": "cutouts/stdin.png"}
    for kind, name in {**kept, "geojson": "geojson/stdin.geojson", "areas": "areas.csv"}.items():
        found = predict_piped(model(), Encoded(png(), "stdin"), write=kind)
        assert found == (tmp_path / "out" / name).read_bytes(), kind


def test_a_pipe_takes_one_picture_and_one_file(model: Model, photos: Path) -> None:
    with pytest.raises(ConfigError, match="these are 4"):
        predict_piped(model(), photos)
    with pytest.raises(ConfigError, match="takes one file"):
        predict_piped(model(), photos / "a.png", write="binary,areas")
    overlapping = model(classes=Classes(("cell", "core"), exclusive=False))
    with pytest.raises(ConfigError, match="2 files, one for each class"):
        predict_piped(overlapping, photos / "a.png")
    with pytest.raises(DataError, match="no picture"):
        predict_piped(model(), Encoded(b"no picture at all", "stdin"))


# --- stores ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(photos: Path) -> Iterator[Any]:
    """The photos in fsspec's store in memory, in a folder of a bucket."""
    memory = pytest.importorskip("fsspec").filesystem("memory")
    for path in photos.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/bucket/photos/{path.relative_to(photos).as_posix()}", path.read_bytes())
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def test_of_a_store_all_is_made_that_is_made_of_a_folder(
    model: Model, store: Any, photos: Path, tmp_path: Path
) -> None:
    result = predict_files(model(), "memory://bucket/photos", tmp_path / "far", write=ALL)
    assert result.failures == ()
    assert [one["input"] for one in result.outputs] == [f"memory://bucket/photos/{name}" for name in NAMES]
    predict_files(model(), photos, tmp_path / "near", write=ALL)
    without = ("labelme/",)
    assert files(tmp_path / "far", without=without) == files(tmp_path / "near", without=without)
    named = json.loads((tmp_path / "far" / "labelme" / "a.json").read_text())["imagePath"]
    assert named == "memory://bucket/photos/a.png"


@pytest.mark.parametrize(
    ("address", "made"),
    [
        ("memory://bucket/photos/**/*.png", ["a.png", "s0/b.png", "s1/c.png", "s1/deep/d.png"]),
        ("memory://bucket/photos/s?/*", ["s0/b.png", "s1/c.png", "s1/deep/d.png"]),
        ("memory://bucket/photos/s1/c.png", ["c.png"]), ("memory://bucket/photos/s1/", ["c.png", "deep/d.png"]),
        ("memory://bucket/photos/s[0]/*.png", ["s0/b.png"]),
    ],
)  # fmt: skip
def test_an_address_is_an_object_a_folder_or_a_pattern(
    model: Model, store: Any, tmp_path: Path, address: str, made: list[str]
) -> None:
    predict_files(model(), address, tmp_path / "out")
    assert masks(tmp_path / "out") == made


@pytest.mark.parametrize("address", ["memory://bucket/photos/*.jpg", "memory://bucket/absent", "memory://bucket/x.zip"])
def test_an_address_without_pictures_is_an_error(model: Model, store: Any, tmp_path: Path, address: str) -> None:
    with pytest.raises(DataError) as caught:
        predict_files(model(), address, tmp_path / "out")
    assert caught.value.where == address


def test_only_what_changed_in_a_store_is_made_anew_and_nothing_is_fetched_in_vain(
    model: Model, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, fetched = tmp_path / "out", []
    fetch = Stored.fetch

    def noted(self: Stored) -> bytes:
        fetched.append(self.name)
        return fetch(self)

    monkeypatch.setattr(Stored, "fetch", noted)
    predict_files(model(), "memory://bucket/photos", out, write="overlay,cutout,probabilities")
    assert sorted(fetched) == ["a.png", "b.png", "c.png", "d.png"]  # each once, however much is made of it
    fetched.clear()
    result = predict_files(model(answers=False), "memory://bucket/photos", out, write="geojson,labelme,coco,areas")
    assert (result.failures, fetched) == ((), [])
    store.pipe_file("/bucket/photos/s0/b.png", png(9))
    predict_files(model(), "memory://bucket/photos", out, write="overlay")
    assert fetched == ["b.png"]


def test_an_object_that_fails_fails_alone(
    model: Model, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cat = type(store).cat_file

    def refusing(self: Any, path: str, *given: Any, **named: Any) -> Any:
        if path.endswith("b.png"):
            raise PermissionError("Access Denied")
        if path.endswith("c.png"):
            self.rm(path)
        return cat(self, path, *given, **named)

    monkeypatch.setattr(type(store), "cat_file", refusing)
    store.pipe_file("/bucket/photos/s1/deep/d.png", b"\x89PNG\r\n\x1a\n broken")
    result = predict_files(model(), "memory://bucket/photos", tmp_path / "out")
    assert [Path(one["input"]).name for one in result.outputs] == ["a.png"]
    assert [(one["input"], one["error"]["where"]) for one in result.failures] == [
        (f"memory://bucket/photos/{name}",) * 2 for name in NAMES[1:]
    ]
    assert [one["error"]["what"][:12] for one in result.failures] == ["It may not b", "There is not", "The file end"]


def test_a_name_in_a_store_that_leads_elsewhere_fails_alone(model: Model, store: Any, tmp_path: Path) -> None:
    store.store["/bucket/photos/../../../evil.png"] = store.store["/bucket/photos/a.png"]
    result = predict_files(model(), "memory://bucket/photos", tmp_path / "out")
    assert len(result.outputs) == 4
    assert [one["error"]["what"] for one in result.failures] == ["Its name leads elsewhere."]


def test_pictures_are_fetched_a_few_ahead_and_no_more(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    for number in range(30):
        memory.pipe_file(f"/many/{number:02}.png", png(number))
    alone, begun, most, done = threading.Lock(), 0, 0, 0
    fetch = Stored.fetch

    def counted(self: Stored) -> bytes:
        nonlocal begun, most
        with alone:
            begun += 1
            most = max(most, begun - done)
        return fetch(self)

    def finished(step: Any) -> None:
        nonlocal done
        done = step.done if step.total else done

    monkeypatch.setattr(Stored, "fetch", counted)
    try:
        predict_files(model(), "memory://many", tmp_path / "out", progress=finished)
    finally:
        memory.store.clear()
        memory.pseudo_dirs[:] = [""]
    assert begun == 30
    assert 2 <= most <= 4  # one caller, and as many ahead as `_in_order` hands out


def test_masks_go_into_folders_alone(model: Model, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not yet into a store") as caught:
        predict_files(model(), photos, "s3://key:secret@bucket/masks")
    assert "secret" not in str(caught.value)
    predict_files(model(), f"file://{photos}", f"file://{tmp_path}/out")
    assert masks(tmp_path / "out") == list(NAMES)
