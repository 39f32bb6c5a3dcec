"""The page in a real browser: headless Chromium through Playwright."""

import os
import shutil
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import texture, write_pair

ARTEFACTS = Path("test-artefacts")
WIDTHS = (1280, 400)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium found: install Debian's package chromium, or set CHROMIUM to the program's path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=WIDTHS)
def page(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page after its first example has been analysed; requests to anywhere else fail the test."""
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    elsewhere: list[str] = []
    context.on("request", lambda r: r.url.startswith((url, "data:", "blob:")) or elsewhere.append(r.url))
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#status")).to_contain_text("Overpass (a drawing", timeout=60_000)
    expect(page.locator("#rows img").first).to_be_visible(timeout=60_000)
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{request.node.name.replace('[', '-').rstrip(']')}.png", full_page=True)
    context.close()
    assert not elsewhere


PLACES = {"image": "#image img", "baseline": "#rows .baseline .heat", "scff": "#rows .scff .heat"}


def picture(page: Page, name: str) -> np.ndarray:
    """The pixels of one of the page's pictures, as the server sent them: the image, or the heat over it."""
    source = page.locator(PLACES[name]).first.get_attribute("src")
    response = page.request.get(urljoin(page.url, source))
    return np.asarray(Image.open(BytesIO(response.body())).convert("RGB"))


def wait_for_other(page: Page, name: str, before: np.ndarray) -> np.ndarray:
    """That picture once it is another one."""
    for _ in range(150):
        now = picture(page, name)
        if now.shape != before.shape or not np.array_equal(now, before):
            return now
        time.sleep(0.1)
    raise AssertionError(f"{name} does not change")


def upload(page: Page, path: Path) -> None:
    page.locator("#upload input[type=file]").set_input_files(path)


def choose(page: Page, control: str, option: str) -> None:
    page.locator(f"#{control} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def drag_box(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Draws a box over the image, in shares of its sides."""
    canvas = page.locator("#image canvas")
    canvas.scroll_into_view_if_needed()
    frame = canvas.bounding_box()
    page.mouse.move(frame["x"] + left * frame["width"], frame["y"] + top * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + right * frame["width"], frame["y"] + bottom * frame["height"], steps=4)
    page.mouse.up()


def test_first_visit_shows_something_and_says_what(page: Page) -> None:
    for role in ("baseline", "scff"):
        figure = page.locator(f"#rows .{role}")
        expect(figure).to_contain_text("Evidence for")
        expect(figure.locator(".bars li")).to_have_count(3)
    expect(page.locator("#difference img").first).to_be_visible()
    expect(page.locator("#slider input")).to_have_attribute("aria-label", "Slide between Baseline and With SCFF")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    boxes = [page.locator(place).first.bounding_box() for place in ("#rows .baseline img", "#rows .scff img")]
    assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], abs=2)
    assert boxes[0]["y"] == boxes[1]["y"]  # beside each other, on a phone as well


def test_tiff_is_shown_and_explained_and_the_target_changes_both_maps(page: Page, tmp_path: Path) -> None:
    scene = texture(1, 0, side=120)
    Image.fromarray(scene).save(tmp_path / "scene.tif", compression="packbits")
    upload(page, tmp_path / "scene.tif")
    expect(page.locator("#status")).to_contain_text("scene.tif", timeout=20_000)
    assert np.array_equal(wait_for_other(page, "image", np.zeros(0)), scene)
    before = {name: picture(page, name) for name in ("baseline", "scff")}
    assert before["baseline"].shape == before["scff"].shape == scene.shape
    assert not np.array_equal(before["baseline"], before["scff"])
    said = page.locator("#rows .baseline .bars").inner_text()
    assert all(name in said for name in ("field", "roof", "water"))

    Image.fromarray(texture(2, 0, side=120)).save(tmp_path / "next.tif")
    upload(page, tmp_path / "next.tif")
    expect(page.locator("#status")).to_contain_text("next.tif", timeout=20_000)
    upload(page, tmp_path / "scene.tif")
    expect(page.locator("#status")).to_contain_text("scene.tif", timeout=20_000)

    predicted = page.locator("#rows .baseline .said").inner_text().split(",")[0]
    other = next(name for name in ("field", "roof") if name != predicted)
    choose(page, "target", other)
    expect(page.locator("#rows .scff figcaption")).to_contain_text(other, timeout=10_000)
    for name, former in before.items():
        wait_for_other(page, name, former)
    assert np.array_equal(picture(page, "image"), scene)


def test_method_layer_and_colours_change_the_maps(page: Page) -> None:
    before = picture(page, "scff")
    choose(page, "method", "HiResCAM")
    before = wait_for_other(page, "scff", before)
    choose(page, "layer", "X1: stage")
    expect(page.locator("#rows .scff figcaption")).to_contain_text("16 × 16 cells", timeout=10_000)
    before = wait_for_other(page, "scff", before)
    page.get_by_text("Colours", exact=True).click()
    choose(page, "colour-map", "viridis")
    wait_for_other(page, "scff", before)
    assert "colour_map=viridis" in page.url


def test_strength_of_the_overlay_asks_nobody(page: Page) -> None:
    asked: list[str] = []
    page.get_by_text("Colours", exact=True).click()
    strength = page.locator("#opacity input[type=range]")
    strength.focus()
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(3):
        strength.press("ArrowLeft")
    heat = page.locator("#rows .scff .heat")
    expect(heat).to_have_css("opacity", "0.4")
    assert not asked
    assert "opacity=0.4" in page.url


def test_a_box_is_judged_and_is_part_of_the_link(page: Page) -> None:
    drag_box(page, 0.25, 0.25, 0.75, 0.5)
    expect(page.locator("#region")).to_contain_text("12.5% of the image", timeout=10_000)
    expect(page.locator("#region tbody tr")).to_have_count(2)
    expect(page.locator("#image .marked")).to_contain_text("from 50, 50 to 150, 100 of 200 × 200 pixels")
    page.goto(page.url)
    expect(page.locator("#region")).to_contain_text("12.5% of the image", timeout=30_000)
    page.locator("#image canvas").press("Delete")
    expect(page.locator("#region")).to_contain_text("Mark an object", timeout=10_000)


def test_a_box_by_the_keyboard_and_a_brush(page: Page) -> None:
    canvas = page.locator("#image canvas")
    canvas.press("ArrowRight")
    expect(page.locator("#region")).to_contain_text("25.0% of the image", timeout=10_000)
    canvas.press("Shift+ArrowDown")
    expect(page.locator("#image .marked")).to_contain_text("to 150, 153", timeout=10_000)
    page.get_by_role("button", name="Brush").click()
    drag_box(page, 0.3, 0.3, 0.6, 0.3)
    expect(page.locator("#image .marked")).to_contain_text("A brushed region is marked", timeout=10_000)
    expect(page.locator("#region")).to_contain_text("of the image", timeout=10_000)


def test_faithfulness_on_request(page: Page) -> None:
    page.locator("#measure").click()
    expect(page.locator("#worth thead th")).to_have_count(3, timeout=90_000)
    for word in ("drop in confidence", "insertion", "deletion", "ROAD"):
        expect(page.locator("#worth")).to_contain_text(word)
    page.locator("#worth summary").first.click()
    expect(page.locator("#worth details[open] span")).to_contain_text("By how much the confidence falls")


def test_files_can_be_taken_away(page: Page) -> None:
    titles = ["Figure, PNG", "Figure, SVG", "Figure, PDF", "Raw maps, NPZ", "Everything, JSON"]
    expect(page.locator("#files a")).to_have_text(titles)
    with page.expect_download() as found:
        page.locator("#files a").nth(2).click()
    assert Path(found.value.path()).read_bytes().startswith(b"%PDF")


def test_models_are_listed(page: Page) -> None:
    page.get_by_role("tab", name="Models").click()
    expect(page.locator("#cards .card h3")).to_have_text(["tiny"], timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_an_image_can_be_pasted(page: Page) -> None:
    page.evaluate(
        """() => {
          const canvas = document.createElement('canvas');
          canvas.width = canvas.height = 40;
          canvas.toBlob((blob) => {
            const data = new DataTransfer();
            data.items.add(new File([blob], 'image.png', { type: 'image/png' }));
            document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
          });
        }"""
    )
    expect(page.locator("#status")).to_contain_text("pasted-", timeout=20_000)


def test_example_can_be_clicked(page: Page) -> None:
    before = picture(page, "image")
    page.locator("#examples button.thumbnail-item").nth(2).click()
    expect(page.locator("#status")).to_contain_text("Harbour (a drawing", timeout=20_000)
    wait_for_other(page, "image", before)


def test_a_link_whose_image_is_gone_says_so(page: Page, url: str) -> None:
    page.goto(f"{url}/?image=gone&target=roof&method=nonsense")
    expect(page.locator("#status [role=alert]")).to_contain_text("no longer kept", timeout=30_000)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("words.tif", b"not pixels", "words.tif: not an image of a kind that can be read"),
        ("empty.png", b"", "empty.png: the file is empty"),
        ("cut.jpg", b"\xff\xd8\xff\xe0" + bytes(100), "cut.jpg"),
    ],
)
def test_a_bad_file_is_said_and_stays_said(page: Page, tmp_path: Path, name: str, content: bytes, words: str) -> None:
    before = picture(page, "baseline")
    (tmp_path / name).write_bytes(content)
    upload(page, tmp_path / name)
    alert = page.locator("#status [role=alert]")
    expect(alert).to_contain_text(words, timeout=20_000)
    expect(alert).to_contain_text("Below is still Overpass (a drawing")
    assert np.array_equal(picture(page, "baseline"), before)
    time.sleep(2)
    expect(alert).to_be_visible()
    expect(page.locator("#upload")).to_contain_text("Drop File Here")
    page.locator("#examples button.thumbnail-item").nth(1).click()
    expect(page.locator("#status")).to_contain_text("River (a drawing", timeout=20_000)
    expect(alert).to_have_count(0)


def test_new_and_broken_pairs_without_restart(page: Page, checkpoints: Path, tmp_path: Path) -> None:
    try:
        write_pair(checkpoints / "fresh", seed=7)
        shutil.copytree(checkpoints / "tiny", checkpoints / "torn")
        path = checkpoints / "torn" / "scff.safetensors"
        path.write_bytes(path.read_bytes()[:5000])
        before = picture(page, "baseline")
        choose(page, "pair", "torn")
        alert = page.locator("#status [role=alert]")
        expect(alert).to_contain_text("torn/scff.safetensors is damaged or cut short", timeout=20_000)
        Image.fromarray(texture(2, 5)).save(tmp_path / "kept.png")
        upload(page, tmp_path / "kept.png")  # is not lost, though this pair cannot say anything about it
        expect(alert).to_contain_text("kept.png is kept for another pair", timeout=20_000)
        choose(page, "pair", "fresh")
        expect(alert).to_have_count(0, timeout=20_000)
        expect(page.locator("#status")).to_contain_text("kept.png")
        wait_for_other(page, "baseline", before)
        page.get_by_text("More questions", exact=True).click()
        choose(page, "more", "tiny")
        expect(page.locator("#rows section")).to_have_count(2, timeout=20_000)
        page.get_by_role("tab", name="Models").click()
        expect(page.locator("#cards .card.broken")).to_contain_text("torn", timeout=20_000)
    finally:
        for name in ("fresh", "torn"):
            shutil.rmtree(checkpoints / name, ignore_errors=True)
