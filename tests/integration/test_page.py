"""The page of the service, driven in headless Chromium as a person would: hands, eyes, keyboard, telephone."""

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
BROWSER = shutil.which("chromium")
if BROWSER is None:
    pytest.skip("chromium is not installed: apt-get install chromium", allow_module_level=True)

TOKEN = "a token for tests+%"
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"  # until two are drawn
QUICK = 60_000  # milliseconds that a page may take on a busy machine
Services = dict[str, str]


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def ramp(height: int = 60, width: int = 80) -> np.ndarray:
    """Dark on the left, bright on the right: probabilities grow from 0 to 1."""
    grey = np.linspace(0, 255, width).astype(np.uint8)
    return np.broadcast_to(grey[None, :, None], (height, width, 3)).copy()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three models by the brightness of a pixel alone: one class, several exclusive ones, overlapping ones."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from maskwright.export.graph import export_model
    from maskwright.images.classes import Classes
    from maskwright.runtime.description import ModelDescription

    kinds = {
        "one": (Classes(("background", "stone")), 0.5),
        "several": (Classes(("soil", "crop", "weed")), None),
        "both": (Classes(("leaf", "spot"), colours=((0, 160, 160), (231, 41, 138)), exclusive=False), 0.5),
    }
    folder = tmp_path_factory.mktemp("models")
    for name, (classes, threshold) in kinds.items():
        network = torch.nn.Conv2d(3, classes.num_outputs, 1)
        with torch.no_grad():
            for output in range(classes.num_outputs):
                network.weight[output] = 0.5 * (1 + output)
                network.bias[output] = -0.5 * output
        mean, std = (0.5,) * 3, (0.25,) * 3
        description = ModelDescription(classes, "whole", (60, 80), threshold=threshold, mean=mean, std=std)
        export_model(network, description, folder / f"{name}.onnx")
    return {name: folder / f"{name}.onnx" for name in kinds}


@pytest.fixture(scope="module")
def services(models: dict[str, Path]) -> Iterator[Services]:
    """The addresses of a service without a token, and of one with."""
    import uvicorn

    from maskwright.runtime.predictor import load_model
    from maskwright.serve.app import create_app
    from maskwright.serve.engine import Engine

    running = []
    for token in (None, TOKEN):
        predictors = {name: load_model(path, masks_only=True, callers=2) for name, path in models.items()}
        app = create_app(Engine(predictors, capacity=16, threads=2), token=token)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        running.append((server, thread))
    try:
        while not all(server.started for server, _ in running):
            assert all(thread.is_alive() for _, thread in running)
        ports = [server.servers[0].sockets[0].getsockname()[1] for server, _ in running]
        yield {"open": f"http://127.0.0.1:{ports[0]}/", "closed": f"http://127.0.0.1:{ports[1]}/"}
    finally:
        for server, thread in running:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, services: Services) -> Iterator[Callable[..., Any]]:
    """Open the page. Whatever it then does, it must ask no other server, and no script may fail."""
    contexts, faults = [], []
    allowed = (*services.values(), "blob:", "data:")

    def open_page(address: str = "", service: str = "open", **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": 1200, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(QUICK)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("request", lambda one: None if one.url.startswith(allowed) else faults.append(one.url))
        page.goto(services[service] + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def expect(thing: Any) -> Any:
    playwright.expect.set_options(timeout=QUICK)
    return playwright.expect(thing)


def give(page: Any, **files: np.ndarray | bytes) -> None:
    """Choose pictures, as PNG unless they are bytes already."""
    page.set_input_files("#files", [
        {"name": name.replace("_", "."), "mimeType": "", "buffer": one if isinstance(one, bytes) else encoded(one)}
        for name, one in files.items()
    ])  # fmt: skip


def wait_done(page: Any, count: int = 1, *, shown: bool = True) -> None:
    """Wait until so many pictures are answered, and the mask of the one that is looked at is shown."""
    expect(page.locator('#strip li[data-state="done"]')).to_have_count(count)
    if shown:
        expect(page.locator("#classes td").first).to_have_text(re.compile("%"))


def mask_pixels(page: Any) -> np.ndarray:
    """The mask's canvas as (H, W, 4)."""
    size, values = page.evaluate("""() => {
        const canvas = document.getElementById("mask"), {width, height} = canvas;
        return [[height, width], [...canvas.getContext("2d").getImageData(0, 0, width, height).data]];
    }""")
    return np.array(values, np.uint8).reshape(*size, 4)


def shares(page: Any) -> dict[str, float]:
    rows = page.locator("#classes tr")
    texts = [rows.nth(n).locator("th, td").all_inner_texts() for n in range(rows.count())]
    return {name: float(share.removesuffix(" %")) for name, share in texts}


def asked(page: Any, services: Services, picture: bytes, **query: Any) -> Any:
    """What the service itself answers."""
    response = page.request.post(services["open"] + "predict", data=picture, params=query)
    assert response.ok
    return response


def set_range(page: Any, name: str, value: float) -> None:
    """Move a slider, as far as its own steps go."""
    page.locator(f"#{name}").fill(str(value))


def saved(page: Any, button: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


class TestTakingPicturesIn:
    def test_dropped_pictures_get_masks_and_stand_in_a_strip(self, visit: Any) -> None:
        page = visit()
        transfer = page.evaluate_handle(
            """(given) => {
                const transfer = new DataTransfer();
                for (const [name, bytes] of given) transfer.items.add(new File([new Uint8Array(bytes)], name));
                return transfer;
            }""",
            [["a.png", list(encoded(ramp()))], ["b.png", list(encoded(ramp()[:, ::-1]))]],
        )
        page.dispatch_event("#name", "drop", {"dataTransfer": transfer})
        wait_done(page, 2)
        expect(page.locator("#name")).to_have_text("a.png")
        mask = mask_pixels(page)
        assert mask.shape == (60, 80, 4)
        assert (
            not mask[:, :38].any()
            and (mask[:, 42:, 3] > 0).all()
            and (abs(mask[2, 60, :3].astype(int) - (230, 85, 13)) <= 2).all()
        )
        page.get_by_role("button", name="b.png, done").click()
        expect(page.locator("#name")).to_have_text("b.png")
        expect(page.locator("#news")).to_have_text(re.compile("^b.png: stone"))
        assert (mask_pixels(page)[:, :38, 3] > 0).all()

    def test_pasted_pictures_too(self, visit: Any) -> None:
        page = visit()
        page.evaluate(
            """(bytes) => {
                const clipboardData = new DataTransfer();
                clipboardData.items.add(new File([new Uint8Array(bytes)], "pasted.png"));
                document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
            }""",
            list(encoded(ramp())),
        )
        wait_done(page)
        expect(page.locator("#name")).to_have_text("pasted.png")

    def test_examples_are_there_to_click(self, visit: Any) -> None:
        page = visit()
        expect(page.locator(".examples")).to_contain_text("Pebbles, drawn by maskwright")
        page.get_by_role("button", name="Example 2: pebbles").click()
        wait_done(page)
        expect(page.locator("#size")).to_have_text("384 × 288")

    def test_a_picture_that_the_browser_cannot_read_is_shown_by_the_service(self, visit: Any) -> None:
        page = visit()
        give(page, plant_tif=encoded(ramp(), "TIFF"))
        wait_done(page)
        expect(page.locator("#strip canvas")).to_have_count(1)
        expect(page.locator("#mask")).to_have_attribute("width", "80")
        middle = page.evaluate(
            "[...document.getElementById('picture').getContext('2d').getImageData(70, 30, 1, 1).data]"
        )
        assert abs(middle[0] - ramp()[30, 70, 0]) < 8

    def test_large_photographs_are_drawn_at_the_size_of_a_screen(self, visit: Any, services: Services) -> None:
        page = visit()
        picture = encoded(ramp(1500, 3000), "JPEG")
        give(page, large_jpg=picture)
        wait_done(page)
        expect(page.locator("#size")).to_have_text("3000 × 1500")
        for canvas in ("picture", "mask"):
            assert page.evaluate(f"[{canvas}.width, {canvas}.height]") == [1600, 800]
        areas = asked(page, services, picture, answer="polygons", model="one").json()["classes"]
        assert shares(page)["stone"] == pytest.approx(100 * areas[1]["share"], abs=0.3)

    def test_a_photograph_that_was_taken_upright_stands_upright(self, visit: Any) -> None:
        image, stream = Image.fromarray(ramp()), BytesIO()
        exif = image.getexif()
        exif[0x0112] = 6  # to be turned by 90 degrees
        image.save(stream, "JPEG", exif=exif)
        page = visit()
        give(page, upright_jpg=stream.getvalue())
        wait_done(page)
        expect(page.locator("#size")).to_have_text("60 × 80")
        mask = mask_pixels(page)
        assert not mask[:36].any() and (mask[44:, :, 3] > 0).all()


class TestLookingAtMasks:
    def test_the_threshold_cuts_in_the_browser_and_counts_along(self, visit: Any, services: Services) -> None:
        page = visit()
        give(page, a_png=ramp())
        wait_done(page)
        requests: list[str] = []
        page.on("request", lambda one: requests.append(one.url))
        at_own = shares(page)["stone"]
        expect(page.locator("#threshold-value")).to_have_text("0.50")
        for threshold in (0.2, 0.9):
            set_range(page, "threshold", threshold)
            areas = asked(page, services, encoded(ramp()), answer="polygons", threshold=threshold).json()["classes"]
            expect(page.locator("#classes")).to_contain_text(f"{100 * areas[1]['share']:.1f} %")
            page.evaluate(FRAMES)
            assert np.count_nonzero(mask_pixels(page)[..., 3]) == areas[1]["pixels"]
        assert shares(page)["stone"] < at_own
        page.locator("#own-threshold").click()
        expect(page.locator("#classes")).to_contain_text(f"{at_own:.1f} %")
        assert requests == []

    def test_opacity_is_that_of_the_canvas(self, visit: Any) -> None:
        page = visit()
        give(page, a_png=ramp())
        wait_done(page)
        for percent in (0, 20, 100):
            set_range(page, "opacity", percent)
            page.evaluate(FRAMES)
            assert mask_pixels(page)[30, 70, 3] == round(2.55 * percent)
            expect(page.locator("#opacity-value")).to_have_text(f"{percent} %")

    def test_the_compare_slider_bares_the_picture_from_the_left(self, visit: Any) -> None:
        page = visit()
        give(page, a_png=ramp())
        wait_done(page)
        clip = "getComputedStyle(document.getElementById('mask')).clipPath"
        assert page.evaluate(clip) in ("inset(0px 0px 0px 0%)", "inset(0px 0px 0px)")
        page.locator("#compare").focus()
        for _ in range(3):
            page.keyboard.press("PageUp")
        value = page.locator("#compare").input_value()
        assert int(value) >= 15 and page.evaluate(clip).endswith(f" {value}%)")
        stage = page.locator("#stage").bounding_box()
        page.mouse.move(stage["x"] + 0.25 * stage["width"], stage["y"] + 50)
        page.mouse.down()
        page.mouse.move(stage["x"] + 0.75 * stage["width"], stage["y"] + 50, steps=4)
        page.mouse.up()
        assert page.locator("#compare").input_value() == "75"
        assert page.evaluate(clip).endswith(" 75%)")
        divider = page.locator("#divider").bounding_box()
        assert divider["x"] == pytest.approx(stage["x"] + 0.75 * stage["width"], abs=6)

    def test_exclusive_classes_have_colours_and_shares_and_no_threshold(self, visit: Any, services: Services) -> None:
        page = visit()
        page.locator("#model").select_option("several")
        give(page, a_png=ramp())
        wait_done(page)
        expect(page.locator("#threshold-row")).to_be_hidden()
        areas = asked(page, services, encoded(ramp()), answer="polygons", model="several").json()["classes"]
        assert shares(page) == {one["name"]: pytest.approx(100 * one["share"], abs=0.06) for one in areas}
        labels = np.asarray(Image.open(BytesIO(asked(page, services, encoded(ramp()), model="several").body())))
        painted, colours = mask_pixels(page), [(0, 0, 0), (230, 85, 13), (49, 130, 189)]
        assert len(np.unique(labels)) >= 2
        for value in np.unique(labels):
            inside = painted[labels == value].astype(int)
            assert (abs(inside[:, :3] - colours[value]) <= 2).all() and ((inside[:, 3] > 0) == (value > 0)).all()

    def test_overlapping_classes_are_asked_for_again_at_another_threshold(self, visit: Any, services: Services) -> None:
        page = visit()
        give(page, a_png=ramp())
        wait_done(page)
        page.locator("#model").select_option("both")
        expect(page.locator("#classes")).to_contain_text("spot")
        for threshold in (0.5, 0.8):
            set_range(page, "threshold", threshold)
            query = {"answer": "polygons", "model": "both", "threshold": threshold}
            areas = asked(page, services, encoded(ramp()), **query).json()["classes"]
            for one in areas:
                expect(page.locator("#classes tr", has_text=one["name"])).to_contain_text(f"{100 * one['share']:.1f} %")
        painted = mask_pixels(page)
        assert (painted[30, 78, 3], painted[30, 5, 3]) > (128, -1) and painted[30, 5, 3] == 0

    def test_another_model_looks_at_all_pictures_and_the_first_one_s_answers_are_kept(self, visit: Any) -> None:
        page = visit()
        give(page, a_png=ramp(), b_png=ramp()[::-1])
        wait_done(page, 2)
        asked_for: list[str] = []
        page.on("request", lambda one: asked_for.append(one.url) if "predict" in one.url else None)
        page.locator("#model").select_option("several")
        expect(page.locator("#classes")).to_contain_text("weed")
        wait_done(page, 2)
        assert len(asked_for) == 2 and all("model=several" in url for url in asked_for)
        page.locator("#model").select_option("one")
        expect(page.locator("#classes")).to_contain_text("stone")
        wait_done(page, 2)
        assert len(asked_for) == 2


def test_files_can_be_had_with_the_threshold_that_is_looked_at(visit: Any, services: Services) -> None:
    page = visit()
    give(page, **{"my.leaf_png": ramp()})
    wait_done(page)
    picture = encoded(ramp())
    assert saved(page, "Mask PNG") == ("my.leaf-mask.png", asked(page, services, picture).body())
    set_range(page, "threshold", 0.8)
    cut = {"threshold": 0.8}
    assert saved(page, "Mask PNG")[1] == asked(page, services, picture, **cut).body()
    name, content = saved(page, "Cut-out PNG")
    assert (name, content) == ("my.leaf-cutout.png", asked(page, services, picture, answer="cutout", **cut).body())
    whole = asked(page, services, picture, answer="polygons", **cut).json()
    name, content = saved(page, "Polygons GeoJSON")
    assert (name, json.loads(content)) == ("my.leaf.geojson", whole["polygons"])
    name, content = saved(page, "Areas and polygons JSON")
    assert (name, json.loads(content)) == ("my.leaf.json", whole)


class TestWhatGoesWrong:
    def test_an_error_stands_beside_its_picture_and_touches_no_other(self, visit: Any) -> None:
        page = visit()
        give(page, broken_png=encoded(ramp())[:60], good_png=ramp())
        wait_done(page, shown=False)
        expect(page.locator('#strip li[data-state="failed"]')).to_have_count(1)
        expect(page.locator("#trouble")).to_contain_text("part of the picture is missing")
        expect(page.get_by_role("button", name="broken.png, failed")).to_be_visible()
        expect(page.locator("#downloads")).to_be_hidden()
        page.get_by_role("button", name="good.png, done").click()
        expect(page.locator("#trouble")).to_be_hidden()
        expect(page.locator("#downloads")).to_be_visible()

    def test_a_busy_service_is_asked_again_after_the_seconds_that_it_names(self, visit: Any) -> None:
        page = visit()
        answers = iter([429, 429])

        def busy(route: Any) -> None:
            status = next(answers, None)
            if status is None:
                route.continue_()
            else:
                route.fulfill(status=status, headers={"Retry-After": "3"}, body="{}")

        page.route("**/predict*", busy)
        give(page, a_png=ramp())
        expect(page.locator("#progress")).to_have_text(re.compile("The service is busy: again in [123] s"))
        expect(page.locator("#news")).to_have_text(re.compile("The service is busy: again in [23] s"))
        expect(page.locator("#strip li")).to_have_attribute("data-state", "busy")
        wait_done(page)
        assert next(answers, None) is None
        expect(page.locator("#progress")).to_be_hidden()

    def test_a_service_that_is_gone_is_said_and_can_be_asked_again(self, visit: Any) -> None:
        page = visit()
        page.route("**/predict*", lambda route: route.abort())
        give(page, a_png=ramp())
        expect(page.locator("#trouble")).to_contain_text("The service does not answer.")
        page.unroute("**/predict*")
        page.get_by_role("button", name="Try again").click()
        wait_done(page)
        expect(page.locator("#trouble")).to_be_hidden()

    def test_a_removed_picture_leaves_the_others(self, visit: Any) -> None:
        page = visit()
        give(page, a_png=ramp(), b_png=ramp())
        wait_done(page, 2)
        page.get_by_role("button", name="Remove this picture").click()
        expect(page.locator("#strip li")).to_have_count(1)
        expect(page.locator("#name")).to_have_text("b.png")
        page.keyboard.press("Delete")
        expect(page.locator("#work")).to_be_hidden()
        expect(page.locator(".drop .lead")).to_be_visible()


class TestToken:
    def test_it_is_asked_for_once_and_kept_for_the_tab(self, visit: Any) -> None:
        page = visit(service="closed")
        expect(page.locator("#token")).to_be_focused()
        expect(page.locator("#intake")).to_be_hidden()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#token-wrong")).to_have_text("That is not the token.")
        page.locator("#token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("#intake")).to_be_visible()
        give(page, a_png=ramp())
        wait_done(page)
        page.reload()
        expect(page.locator("#intake")).to_be_visible()
        expect(page.locator("#token-form")).to_be_hidden()

    def test_it_may_come_in_the_address_and_does_not_stay_there(self, visit: Any) -> None:
        from urllib.parse import quote

        page = visit(f"#token={quote(TOKEN)}", service="closed")
        expect(page.locator("#intake")).to_be_visible()
        assert "#" not in page.url and "token" not in page.url
        give(page, a_png=ramp())
        wait_done(page)
        name, content = saved(page, "Mask PNG")
        assert name == "a-mask.png" and Image.open(BytesIO(content)).size == (80, 60)


class TestHandsAndEyes:
    def test_the_keyboard_alone_reaches_everything_with_focus_in_sight(self, visit: Any) -> None:
        page = visit()
        give(page, a_png=ramp(), b_png=ramp())
        wait_done(page, 2)
        page.evaluate("document.activeElement.blur()")
        reached = []
        for _ in range(30):
            page.keyboard.press("Tab")
            focus = page.evaluate("""() => {
                const one = document.activeElement;
                const seen = one.classList.contains("unseen") ? one.nextElementSibling : one;
                const style = getComputedStyle(seen);
                return [one.id || one.dataset.answer || one.ariaLabel || one.tagName, style.outlineStyle,
                        parseFloat(style.outlineWidth)];
            }""")
            if focus[0] == "BODY":
                break
            assert focus[1] != "none" and focus[2] >= 2, focus
            reached.append(focus[0])
        wanted = ["model", "files", "a.png, done", "b.png, done", "compare", "opacity", "threshold"]
        wanted += ["mask", "cutout", "geojson", "polygons", "remove"]
        assert [one for one in reached if one in wanted] == wanted
        page.get_by_role("button", name="a.png, done").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.locator("#name")).to_have_text("b.png")
        page.locator("#threshold").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#threshold-value")).to_have_text("0.51")

    def test_results_are_announced(self, visit: Any) -> None:
        page = visit()
        give(page, a_png=ramp())
        expect(page.locator("#news[role=status]")).to_have_text(re.compile(r"^a\.png: stone \d+\.\d %$"))
        set_range(page, "threshold", 0.9)
        expect(page.locator("#news")).to_have_text(re.compile(r"^stone \d+\.\d %$"))

    @pytest.mark.parametrize("width", [400, 320])
    def test_a_telephone_shows_everything_without_scrolling_sideways(self, visit: Any, width: int) -> None:
        page = visit()
        page.set_viewport_size({"width": width, "height": 800})
        sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(sideways) == 0
        give(page, **{"a.very.long.name." + "x" * 60 + "_png": ramp(300, 400), "b_png": ramp()})
        wait_done(page, 2)
        assert page.evaluate(sideways) == 0
        small = page.evaluate("""() => [...document.querySelectorAll("button, select, input[type=range], .button")]
            .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 36)
            .map((one) => one.outerHTML)""")
        assert small == []
        stage = page.locator("#stage").bounding_box()
        assert stage["width"] > 0.9 * width and stage["y"] + stage["height"] < 800

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_can_be_read_by_day_and_by_night(self, visit: Any, scheme: str) -> None:
        page = visit(color_scheme=scheme)
        give(page, a_png=ramp(), b_png=b"broken")
        wait_done(page)
        page.get_by_role("button", name="b.png, failed").click()
        found = page.evaluate("""() => {
            const ground = (one) => {
                for (; one; one = one.parentElement) {
                    const colour = getComputedStyle(one).backgroundColor;
                    if (!/, 0\\)$/.test(colour)) return colour;
                }
            };
            return [...document.querySelectorAll("h1, h2, p, label, output, th, td, button, .soft, b")]
                .filter((one) => one.offsetParent && one.textContent.trim() && !one.closest(":disabled, .unseen"))
                .map((one) => [one.textContent, getComputedStyle(one).color, ground(one)]);
        }""")
        assert len(found) > 15
        body = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert (body < 0.05) == (scheme == "dark")
        for text, colour, ground in found:
            bright, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, colour, ground)

    def test_who_wants_no_motion_sees_none(self, visit: Any) -> None:
        for motion, name in (("reduce", "none"), ("no-preference", "breathe")):
            page = visit(reduced_motion=motion)
            assert page.evaluate("getComputedStyle(document.getElementById('progress')).animationName") == name


def luminance(colour: str) -> float:
    """Relative luminance of "rgb(r, g, b)". Source: WCAG 2.2."""
    values = np.array([float(part) for part in re.findall(r"[\d.]+", colour)[:3]]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_the_page_reads_every_png_that_the_service_may_send(visit: Any) -> None:
    """Palettes of 1, 2, 4 and 8 bits and grey, with each of PNG's filters."""
    from maskwright.images.label_png import encode_label_png
    from maskwright.images.writing import encode_png

    page = visit()
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(37), 2 * np.arange(53)).astype(np.uint8)
    cases = [(encode_png(smooth), smooth), (encode_png(smooth, quick=True), smooth)]
    noisy = rng.integers(0, 256, (37, 53), np.uint8)
    cases += [(encode_png(noisy), noisy), (encode_label_png(noisy), noisy)]
    for count in (2, 3, 9, 200):
        labels = rng.integers(0, count, (37, 53), np.uint8)
        colours = tuple((n, n, n) for n in range(count))
        cases += [(encode_label_png(labels, colours), labels), (encode_png(labels, palette=colours), labels)]
    for content, pixels in cases:
        width, height, values = page.evaluate(
            """async (bytes) => {
                const {decodePng} = await import("./page/png.js");
                const {width, height, values} = await decodePng(new Uint8Array(bytes).buffer);
                return [width, height, [...values]];
            }""",
            list(content),
        )
        np.testing.assert_array_equal(np.array(values).reshape(height, width), pixels)
