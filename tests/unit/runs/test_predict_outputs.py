"""What `predict --write` writes beside masks, what of it is kept, and what an interruption leaves."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskwright.data.masks_alone import read_truth
from maskwright.data.predictions import find_predictions
from maskwright.data.read import read_dataset
from maskwright.errors import ConfigError, OutputError
from maskwright.files import write_bytes
from maskwright.images.classes import Classes
from maskwright.images.formats import read_labels
from maskwright.progress import Step
from maskwright.recipe import DataOptions
from maskwright.runs.predict import predict_files
from maskwright.runs.predict_failures import FAILURES
from maskwright.runs.predict_kinds import GATHERED, KINDS
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Predictor

Build = Callable[..., Predictor]
ALL = (*KINDS, *GATHERED)
BINARY = Classes(("background", "pebble"))
SEVERAL = Classes(("soil", "crop", "weed"))
OVERLAPPING = Classes(("cell", "a/b"), exclusive=False)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model(tmp_path: Path) -> Build:
    """Build a predictor that takes red, green and blue for the probabilities of as many classes as there are."""

    def build(name: str = "model", *, classes: Classes = BINARY, answers: bool = True) -> Predictor:
        def run(images: Any, names: Any) -> list[Any]:
            if not answers:
                raise AssertionError("the network was asked")
            probabilities = (images[0].transpose(2, 0, 1) / np.float32(255))[: classes.num_outputs]
            mask = (probabilities > 0.5).astype(np.uint8)
            if classes.exclusive:
                mask = mask[0] if classes.binary else probabilities.argmax(axis=0).astype(np.uint8)
            return [probabilities[None], mask[None]][: len(names)]

        description = ModelDescription(
            classes=classes, mode="whole", size=(8, 8), threshold=None if classes is SEVERAL else 0.5,
            mean=(0.5,) * 3, std=(0.25,) * 3,
        )  # fmt: skip
        path = tmp_path / f"{name}.onnx"
        path.write_text(name)
        return Predictor(description, "onnxruntime", "fp32", path, run)

    return build


def photo(path: Path, seed: int = 0, size: tuple[int, int] = (30, 41), **saved: Any) -> Path:
    """Save soft spots of colour: regions of all classes, with holes."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(*size, 3)), (1.5, 1.5, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(128 + 500 * noise, 0, 255).astype(np.uint8)).save(path, **saved)
    return path


def photos(folder: Path, count: int = 4) -> Path:
    for number in range(count):
        photo(folder / f"s{number % 2}" / f"p{number}.png", number)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """All files but the record, which holds times, by relative path."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if name != "predicted.json"}


def red(picture: Path) -> Any:
    return np.asarray(Image.open(picture))[..., 0]


# --- which kinds ----------------------------------------------------------------------------------------------------


def test_each_kind_has_a_folder_that_mirrors_the_pictures_or_one_file(model: Build, tmp_path: Path) -> None:
    photo(tmp_path / "in" / "sub" / "a.png")
    result = predict_files(model(), tmp_path / "in", tmp_path / "out", write=ALL)
    assert set(files(tmp_path / "out")) == {
        "masks/sub/a.png", "overlays/sub/a.png", "binary/sub/a.png", "colour/sub/a.png", "probabilities/sub/a.png",
        "cutouts/sub/a.png", "labelme/sub/a.json", "labelme/labels.txt", "geojson/sub/a.geojson", "annotations.json",
        "label-studio.json", "label-studio.xml", "cvat.xml", "areas.csv",
    }  # fmt: skip
    (one,) = result.outputs
    assert set(one["files"]) == {"binary", "colour", "probabilities", "cutout", "labelme", "geojson"}
    assert set(result.files) == set(GATHERED)
    named = [*result.files.values(), *(path for paths in one["files"].values() for path in paths)]
    assert all(Path(path).exists() for path in named)


@pytest.mark.parametrize(
    ("write", "folders"),
    [
        (None, {"masks", "overlays"}), ("binary", {"masks", "binary"}), ("", {"masks"}), (["mask"], {"masks"}),
        (["binary, cutout", "geojson"], {"masks", "binary", "cutouts", "geojson"}),
        (["overlay", "Label_Studio"], {"masks", "overlays", "label-studio.json", "label-studio.xml"}),
    ],
)  # fmt: skip
def test_masks_are_always_written_and_beside_them_what_is_named(
    model: Build, tmp_path: Path, write: Any, folders: set[str]
) -> None:
    predict_files(model(), photo(tmp_path / "a.png"), tmp_path / "out", write=write)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*folders, "predicted.json"}


def test_a_kind_that_is_none_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no kind of output 'polygon'"):
        predict_files("nowhere", "nothing", tmp_path / "out", write="mask,polygon")
    with pytest.raises(ConfigError) as caught:
        predict_files("nowhere", "nothing", tmp_path / "out", write="color")
    assert "did you mean 'colour'?" in caught.value.fix
    with pytest.raises(ConfigError, match="asked for and left out"):
        predict_files("nowhere", "nothing", tmp_path / "out", write="overlay", overlays=False)
    with pytest.raises(ConfigError, match="-1 pixels"):
        predict_files("nowhere", "nothing", tmp_path / "out", simplify=-1)
    assert not (tmp_path / "out").exists()


def test_what_any_kind_wrote_into_the_folder_of_the_pictures_is_no_picture(model: Build, tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", 2)
    for _ in range(2):
        assert len(predict_files(model(), folder, folder, write=ALL).outputs) == 2
    assert len(predict_files(model(), folder, tmp_path / "elsewhere").outputs) == 2


def test_pictures_in_a_folder_that_is_called_as_ours_are_pictures(model: Build, tmp_path: Path) -> None:
    photo(tmp_path / "set" / "colour" / "a.png")
    assert len(predict_files(model(), tmp_path / "set", tmp_path / "set").outputs) == 1


def test_classes_whose_names_are_the_same_in_files_get_files_of_their_own(model: Build, tmp_path: Path) -> None:
    classes = Classes(("a/b", "a_b", "A_B"), exclusive=False)
    result = predict_files(model(classes=classes), photo(tmp_path / "a.png"), tmp_path / "out")
    assert [Path(mask).name for mask in result.outputs[0]["masks"]] == ["a.a_b-0.png", "a.a_b-1.png", "a.A_B-2.png"]


# --- what stands in them --------------------------------------------------------------------------------------------


def test_binary_is_0_and_255_of_the_only_class_or_a_file_a_class(model: Build, tmp_path: Path) -> None:
    picture = photo(tmp_path / "a.png")
    predict_files(model(), picture, tmp_path / "one", write="binary")
    np.testing.assert_array_equal(read_labels(tmp_path / "one/binary/a.png"), np.where(red(picture) > 127, 255, 0))
    predict_files(model("b", classes=SEVERAL), picture, tmp_path / "more", write="binary")
    mask = read_labels(tmp_path / "more/masks/a.png")
    for kind, name in ((1, "crop"), (2, "weed")):
        plane = read_labels(tmp_path / f"more/binary/a.{name}.png")
        np.testing.assert_array_equal(plane, np.where(mask == kind, 255, 0))
    assert len(list((tmp_path / "more/binary").iterdir())) == 2


@pytest.mark.parametrize("classes", [SEVERAL, OVERLAPPING])
def test_colour_is_the_mask_painted(model: Build, tmp_path: Path, classes: Classes) -> None:
    picture = photo(tmp_path / "a.png")
    predict_files(model(classes=classes), picture, tmp_path / "out", write="colour")
    found = np.asarray(Image.open(tmp_path / "out/colour/a.png"))
    pixels = np.asarray(Image.open(picture)).astype(int)
    for row, column in np.ndindex(found.shape[:2]):
        if classes.exclusive:
            expected = classes.colours[int(pixels[row, column].argmax())]
        else:
            shown = [kind for kind in (0, 1) if pixels[row, column, kind] > 127]
            expected = classes.colours[shown[-1]] if shown else (0, 0, 0)
        assert tuple(found[row, column].tolist()) == expected


def test_probabilities_are_of_16_bits_and_one_is_65535(model: Build, tmp_path: Path) -> None:
    picture = photo(tmp_path / "a.png")
    predict_files(model(), picture, tmp_path / "out", write="probabilities")
    with Image.open(tmp_path / "out/probabilities/a.png") as found:
        assert found.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(found), red(picture).astype(np.uint16) * 257)  # 65535 / 255
    predict_files(model("b", classes=SEVERAL), picture, tmp_path / "more", write="probabilities")
    names = sorted(path.name for path in (tmp_path / "more/probabilities").iterdir())
    assert names == ["a.crop.png", "a.soil.png", "a.weed.png"]


def test_probabilities_are_read_back_by_evaluate(model: Build, tmp_path: Path) -> None:
    picture = photo(tmp_path / "a.png")
    predict_files(model(), picture, tmp_path / "out", write="binary,probabilities")
    dataset, alone = read_truth(tmp_path / "out/binary")
    found = find_predictions(dataset, tmp_path / "out/probabilities", masks_alone=alone, probabilities=True)
    np.testing.assert_allclose(found.read_probabilities(0)[0], red(picture) / 255, atol=1e-5)


def test_masks_are_the_same_with_and_without_probabilities(model: Build, tmp_path: Path) -> None:
    picture = photo(tmp_path / "a.png")
    for name in ("mask", "probabilities"):
        predict_files(model(), picture, tmp_path / name, write=name)
    assert (tmp_path / "mask/masks/a.png").read_bytes() == (tmp_path / "probabilities/masks/a.png").read_bytes()


def test_a_cutout_is_the_picture_s_own_pixels_turned_upright_and_nothing_of_the_rest(
    model: Build, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "a maker"
    picture = photo(tmp_path / "a.png", exif=exif)
    upright = np.rot90(np.asarray(Image.open(picture)), -1)
    predict_files(model(), picture, tmp_path / "out", write="cutout")
    with Image.open(tmp_path / "out/cutouts/a.png") as cut:
        assert (cut.mode, cut.info, len(cut.getexif())) == ("RGBA", {}, 0)
        pixels = np.asarray(cut)
    inside = upright[..., 0] > 127
    np.testing.assert_array_equal(pixels[..., 3], np.where(inside, 255, 0))
    np.testing.assert_array_equal(pixels[..., :3], upright * inside[..., None])


def test_areas_count_pixels_and_regions_of_each_class(model: Build, tmp_path: Path) -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[..., 0] = 200  # soil
    image[0, :2] = image[2:, 4:] = image[2, 0] = (0, 255, 0)  # 2 + 4 + 1 pixels of crop
    (tmp_path / "in").mkdir()
    Image.fromarray(image).save(tmp_path / "in/=a.png")
    predict_files(model(classes=SEVERAL), tmp_path / "in", tmp_path / "out", write="areas")
    with open(tmp_path / "out/areas.csv", newline="") as file:
        crop, weed = csv.DictReader(file)
    assert (crop["picture"], crop["class"], crop["pixels"], crop["regions"]) == ("./=a.png", "crop", "7", "3")
    assert (crop["largest"], crop["smallest"], float(crop["median"])) == ("4", "1", 2)
    assert float(crop["share"]) == pytest.approx(7 / 24)
    assert float(crop["mean"]) == pytest.approx(7 / 3)
    diameters = [2 * (area / np.pi) ** 0.5 for area in (2, 4, 1)]
    assert float(crop["mean_diameter"]) == pytest.approx(sum(diameters) / 3)
    assert (weed["class"], weed["pixels"], weed["regions"], weed["largest"]) == ("weed", "0", "0", "")


@pytest.mark.parametrize("kind", ["coco", "cvat", "labelme"])
@pytest.mark.parametrize("classes", [BINARY, SEVERAL, OVERLAPPING], ids=("binary", "several", "overlapping"))
def test_outlines_are_read_back_as_the_masks(model: Build, tmp_path: Path, kind: str, classes: Classes) -> None:
    folder = photos(tmp_path / "set" / "images")
    out = tmp_path / "set" / "predicted"
    result = predict_files(model(classes=classes), folder, out, write=kind)
    dataset = read_dataset(tmp_path / "set", DataOptions(
        images="images", annotations=f"predicted/{GATHERED.get(kind, 'labelme')}",
        encoding=None if classes.exclusive else "per-class",
        classes=list(classes.names) if not classes.exclusive else ["background", *classes.names[1:]],
    ))  # fmt: skip
    found = {Path(name).name: dataset.read_mask(row) for row, name in enumerate(dataset.columns.images)}
    assert len(found) == 4
    for one in result.outputs:
        planes = [read_labels(path) for path in one.get("masks", [one["mask"]])]
        mask = planes[0] if classes.exclusive else np.stack(planes, axis=2) // 255
        np.testing.assert_array_equal(found[Path(one["input"]).name], mask)


def test_labelme_finds_its_picture_from_where_it_lies(model: Build, tmp_path: Path) -> None:
    photo(tmp_path / "in" / "sub" / "a.png")
    predict_files(model(), tmp_path / "in", tmp_path / "out", write="labelme")
    file = tmp_path / "out/labelme/sub/a.json"
    content = json.loads(file.read_text())
    assert (file.parent / content["imagePath"]).resolve() == (tmp_path / "in/sub/a.png").resolve()
    assert (content["imageHeight"], content["imageWidth"]) == (30, 41)


def test_coco_s_regions_have_scores_where_probabilities_are_written_too(model: Build, tmp_path: Path) -> None:
    picture = photo(tmp_path / "a.png")
    predict_files(model(), picture, tmp_path / "out", write="coco")
    things = json.loads((tmp_path / "out/annotations.json").read_text())["annotations"]
    assert not any("score" in thing for thing in things)
    predict_files(model(), picture, tmp_path / "out", write="coco,probabilities")
    things = json.loads((tmp_path / "out/annotations.json").read_text())["annotations"]
    total = sum(thing["score"] * thing["area"] for thing in things)
    shades = red(picture).astype(float)
    assert total == pytest.approx(shades[shades > 127].sum() / 255, rel=1e-3)


def test_simplified_outlines_have_fewer_points_and_masks_stay_the_same(model: Build, tmp_path: Path) -> None:
    picture = photo(tmp_path / "a.png", size=(90, 120))
    predict_files(model(), picture, tmp_path / "out", write="geojson,coco,areas")
    exact = files(tmp_path / "out")
    predict_files(model(answers=False), picture, tmp_path / "out", write="geojson,coco,areas", simplify=1.0)
    simpler = files(tmp_path / "out")
    assert {name for name in exact if exact[name] != simpler[name]} == {"geojson/a.geojson", "annotations.json"}
    assert len(simpler["geojson/a.geojson"]) < len(exact["geojson/a.geojson"])


def test_masks_are_cleaned_before_anything_is_made_of_them(model: Build, tmp_path: Path) -> None:
    picture, out = photo(tmp_path / "a.png", size=(60, 80)), tmp_path / "out"
    predict_files(model(), picture, out, write="areas")
    rough = read_labels(out / "masks/a.png")
    result = predict_files(model(), picture, out, write="areas", clean="largest,fill-holes")
    assert not result.outputs[0]["skipped"]
    with open(out / "areas.csv", newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["regions"], int(line["pixels"])) == ("1", int(read_labels(out / "masks/a.png").sum()))
    assert (read_labels(out / "masks/a.png") != rough).any()
    again = predict_files(model(answers=False), picture, out, write="areas", clean="fill-holes,largest")
    assert again.outputs[0]["skipped"]


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_a_further_kind_is_made_of_the_masks_that_are_there_without_the_network(model: Build, tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "in"), tmp_path / "out"
    predict_files(model(), folder, out)
    before = files(out)
    others = [kind for kind in ALL if kind != "probabilities"]
    result = predict_files(model(answers=False), folder, out, write=others)
    assert not any(one["skipped"] for one in result.outputs)
    assert {name: files(out)[name] for name in before} == before
    predict_files(model(), folder, tmp_path / "anew", write=others)
    assert files(out) == files(tmp_path / "anew")


def test_what_is_there_is_not_made_again(model: Build, tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "in"), tmp_path / "out"
    predict_files(model(), folder, out, write=ALL)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file() and path.name != "labels.txt"}
    result = predict_files(model(answers=False), folder, out, write=ALL)
    assert all(one["skipped"] for one in result.outputs)
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in ("mask", "probabilities")])
def test_a_file_that_is_gone_is_made_again(model: Build, tmp_path: Path, kind: str) -> None:
    folder, out = photos(tmp_path / "in"), tmp_path / "out"
    result = predict_files(model(), folder, out, write=kind)
    first = result.files.get(kind) or result.outputs[0].get(kind) or result.outputs[0]["files"][kind][0]
    before = files(out)
    Path(first).unlink()
    predict_files(model(answers=False), folder, out, write=kind)
    assert files(out) == before


def test_probabilities_that_are_wanted_later_leave_the_mask_as_it_is(model: Build, tmp_path: Path) -> None:
    picture, out = photo(tmp_path / "a.png"), tmp_path / "out"
    predict_files(model(), picture, out)
    mask = out / "masks/a.png"
    time = mask.stat().st_mtime_ns
    predict_files(model(), picture, out, write="probabilities")
    assert (mask.stat().st_mtime_ns, (out / "probabilities/a.png").exists()) == (time, True)


def test_with_another_model_what_was_made_of_the_old_masks_is_made_anew(model: Build, tmp_path: Path) -> None:
    picture, out = photo(tmp_path / "a.png"), tmp_path / "out"
    predict_files(model(classes=BINARY), picture, out, write="binary,geojson")
    renamed = Classes(("background", "stone"))
    predict_files(model("other", classes=renamed), picture, out)
    assert "stone" in (out / "geojson/a.geojson").read_text()


def test_overlays_that_are_left_out_are_not_drawn_anew_for_another_model(model: Build, tmp_path: Path) -> None:
    picture, out = photo(tmp_path / "a.png"), tmp_path / "out"
    predict_files(model(), picture, out, write="overlay,binary")
    times = {name: (out / name).stat().st_mtime_ns for name in ("overlays/a.png", "binary/a.png")}
    predict_files(model("other"), picture, out, overlays=False)
    changed = [name for name, time in times.items() if (out / name).stat().st_mtime_ns != time]
    assert changed == ["binary/a.png"]


def test_a_picture_more_makes_files_of_all_anew_and_a_mask_changed_by_hand_counts(model: Build, tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "in", 2), tmp_path / "out"
    predict_files(model(), folder, out, write="areas")
    photo(folder / "s0" / "p9.png", 9)
    predict_files(model(), folder, out, write="areas")
    lines = (out / "areas.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["s0/p0.png", "s0/p9.png", "s1/p1.png"]
    mask = out / "masks/s0/p0.png"
    Image.fromarray(np.zeros((30, 41), np.uint8)).save(mask)
    predict_files(model(answers=False), folder, out, write="areas")
    assert (out / "areas.csv").read_text().splitlines()[1].startswith("s0/p0.png,41,30,pebble,0,")


def test_a_labelme_file_that_was_corrected_is_not_written_over_unasked(model: Build, tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "in", 2), tmp_path / "out"
    predict_files(model(), folder, out, write="labelme")
    corrected = out / "labelme/s0/p0.json"
    corrected.write_text(corrected.read_text().replace("pebble", "stone"))
    for _ in range(2):
        result = predict_files(model("other"), folder, out, write="labelme")
        assert "stone" in corrected.read_text()
        (failure,) = result.failures
        assert "changed since `predict` wrote it" in failure["error"]["what"]
        assert len(result.outputs) == 1
    assert predict_files(model("other"), folder, out, write="labelme", overwrite=True).failures == ()
    assert "stone" not in corrected.read_text()


@pytest.mark.parametrize("name", ["annotations.json", "labelme/a.json", "binary/a.png", "areas.csv"])
def test_files_that_predict_did_not_make_are_not_replaced_unasked(model: Build, tmp_path: Path, name: str) -> None:
    picture, out = photo(tmp_path / "a.png"), tmp_path / "out"
    write_bytes(out / name, b"somebody's work")
    with pytest.raises(OutputError, match="did not make") as caught:
        predict_files(model(), picture, out, write=ALL)
    assert (caught.value.where, (out / name).read_bytes()) == (str(out / name), b"somebody's work")
    predict_files(model(), picture, out, write=ALL, overwrite=True)
    assert (out / name).read_bytes() != b"somebody's work"


# --- failures and interruptions -------------------------------------------------------------------------------------


def test_failures_are_listed_with_their_mending_and_the_list_goes_when_there_are_none(
    model: Build, tmp_path: Path
) -> None:
    folder, out = photos(tmp_path / "in", 3), tmp_path / "out"
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    result = predict_files(model(), folder, out, write="areas,coco")
    with open(out / FAILURES, newline="") as file:
        (line,) = csv.DictReader(file)
    assert set(line) == {"picture", "what", "where", "fix"}
    assert (line["picture"], line["what"]) == (str(folder / "b.png"), result.failures[0]["error"]["what"])
    assert len(json.loads((out / "annotations.json").read_text())["images"]) == 3
    photo(folder / "b.png", 8)
    predict_files(model(), folder, out, write="areas,coco")
    assert not (out / FAILURES).exists()
    assert len(json.loads((out / "annotations.json").read_text())["images"]) == 4


def test_a_list_of_failures_that_is_somebody_else_s_stays(model: Build, tmp_path: Path) -> None:
    for content in (b"my,own\n", b"\xff\xfe", b""):
        write_bytes(tmp_path / "out" / FAILURES, content)
        with pytest.raises(OutputError, match="`predict` did not make"):
            predict_files(model(), photo(tmp_path / "a.png"), tmp_path / "out")
        predict_files(model(), photo(tmp_path / "a.png"), tmp_path / "out", overwrite=True)
        assert (tmp_path / "out" / FAILURES).read_bytes() == content


def test_a_mask_that_is_damaged_on_disk_is_named_and_the_others_are_gathered(model: Build, tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "in", 3), tmp_path / "out"
    predict_files(model(), folder, out)
    (out / "masks/s0/p0.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    for _ in range(2):  # and so it is the next time
        result = predict_files(model(), folder, out, write="areas")
        assert [Path(one["input"]).name for one in result.failures] == ["p0.png"]
        assert len(result.outputs) == 2
        assert len((out / "areas.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("seed", range(6))
def test_an_interrupted_folder_ends_with_the_bytes_of_one_that_was_not(
    model: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    folder, out, whole = photos(tmp_path / "in", 5), tmp_path / "out", tmp_path / "whole"
    predict_files(model(), folder, whole, write=ALL)
    chance = np.random.default_rng(seed)
    monkeypatch.setattr("maskwright.runs.predict_record.RECORD_SECONDS", 1e9 if seed % 2 else 0)

    def stopping(step: Step) -> None:
        if step.done and chance.random() < 0.3:
            raise KeyboardInterrupt

    for _ in range(50):
        try:
            predict_files(model(), folder, out, write=ALL, progress=stopping)
            break
        except KeyboardInterrupt:
            assert not [path for path in out.rglob("*") if ".part" in path.name]
    predict_files(model(), folder, out, write=ALL)
    assert files(out) == files(whole)


def test_a_full_disk_leaves_no_file_half_written(model: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out = photos(tmp_path / "in"), tmp_path / "out"
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == "cvat.xml":
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match="No space"):
        predict_files(model(), folder, out, write=ALL)
    monkeypatch.undo()
    assert not (out / "cvat.xml").exists()
    assert not [path for path in out.rglob("*") if ".part" in path.name]
    predict_files(model(answers=False), folder, out, write=ALL)
    predict_files(model(), folder, tmp_path / "out2", write=ALL)
    assert set(files(out)) == set(files(tmp_path / "out2"))
