"""The page in a real browser: headless Chromium through Playwright."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.address import bind
from app.pairs import PairFolder
from app.server import build_server
from tests.conftest import texture, write_pair

ARTEFACTS = Path("test-artefacts")
WIDTHS = (1280, 400)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pair(tmp_path_factory.mktemp("page") / "checkpoints" / "tiny").parent


@pytest.fixture(scope="module")
def url(checkpoints: Path) -> Iterator[str]:
    """A real server over one untrained pair."""
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(
        uvicorn.Config(
            build_server(PairFolder(checkpoints, torch.device("cpu"))), log_level="error", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


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
    expect(page.locator("#status")).to_contain_text("Overpass (a drawing", timeout=30_000)
    expect(page.locator("#scff img")).to_be_visible(timeout=30_000)
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{request.node.name.replace('[', '-').rstrip(']')}.png", full_page=True)
    context.close()
    assert not elsewhere


def picture(page: Page, name: str) -> np.ndarray:
    """The pixels of one of the page's pictures, as the server sent them."""
    source = page.locator(f"#{name} img").get_attribute("src")
    return np.asarray(Image.open(BytesIO(page.request.get(source).body())).convert("RGB"))


def wait_for_other(page: Page, name: str, before: np.ndarray) -> np.ndarray:
    """That picture once it is another one."""
    for _ in range(100):
        now = picture(page, name)
        if now.shape != before.shape or not np.array_equal(now, before):
            return now
        time.sleep(0.1)
    raise AssertionError(f"#{name} does not change")


def upload(page: Page, path: Path) -> None:
    page.locator("#upload input[type=file]").set_input_files(path)


def choose(page: Page, control: str, option: str) -> None:
    page.locator(f"#{control} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def test_first_visit_shows_something_and_says_what(page: Page) -> None:
    assert not np.array_equal(picture(page, "baseline"), picture(page, "image"))
    about = page.locator("#about")
    expect(about).to_contain_text("resnet18")
    expect(about).to_contain_text("scenes")
    expect(about).to_contain_text("50.0 %")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_tiff_is_shown_and_explained_and_the_target_changes_both_maps(page: Page, tmp_path: Path) -> None:
    scene = texture(1, 0, side=120)
    Image.fromarray(scene).save(tmp_path / "scene.tif", compression="packbits")
    upload(page, tmp_path / "scene.tif")
    expect(page.locator("#status")).to_contain_text("scene.tif", timeout=20_000)
    image = wait_for_other(page, "image", np.zeros(0))
    assert np.array_equal(image, scene)
    before = {name: picture(page, name) for name in ("baseline", "scff")}
    assert before["baseline"].shape == before["scff"].shape == image.shape
    for overlaid in before.values():
        assert not np.array_equal(overlaid, image)
    assert not np.array_equal(before["baseline"], before["scff"])
    said = page.locator("#baseline-top").inner_text()
    assert all(name in said for name in ("field", "roof", "water"))

    Image.fromarray(texture(2, 0, side=120)).save(tmp_path / "next.tif")
    upload(page, tmp_path / "next.tif")
    expect(page.locator("#status")).to_contain_text("next.tif", timeout=20_000)
    upload(page, tmp_path / "scene.tif")
    expect(page.locator("#status")).to_contain_text("scene.tif", timeout=20_000)

    predicted = page.locator("#baseline-top h2").inner_text()
    other = next(name for name in ("field", "roof") if name != predicted)
    choose(page, "target", other)
    expect(page.locator("#scff-caption")).to_contain_text(other, timeout=10_000)
    for name, former in before.items():
        wait_for_other(page, name, former)
    assert np.array_equal(picture(page, "image"), scene)


def test_strength_of_the_overlay(page: Page) -> None:
    before = picture(page, "scff")
    strength = page.locator("#opacity input[type=number]")
    strength.fill("0")
    strength.press("Enter")
    strength.blur()
    assert np.array_equal(wait_for_other(page, "scff", before), picture(page, "image"))


def test_example_can_be_clicked(page: Page) -> None:
    before = picture(page, "image")
    page.locator("#examples button.thumbnail-item").nth(2).click()
    expect(page.locator("#status")).to_contain_text("Harbour (a drawing", timeout=20_000)
    wait_for_other(page, "image", before)


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
        choose(page, "pair", "fresh")
        expect(alert).to_have_count(0, timeout=20_000)
        expect(page.locator("#status")).to_contain_text("kept.png")
        wait_for_other(page, "baseline", before)
    finally:
        for name in ("fresh", "torn"):
            shutil.rmtree(checkpoints / name, ignore_errors=True)
