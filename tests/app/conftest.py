"""Shared fixtures of the page's tests: a server over one untrained pair, a browser, and actions on the page."""

import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pytest
import rasterio
import torch
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from app.listener import bind
from app.server import build_server
from pairs.folder import PairFolder
from tests.conftest import texture, write_pair

ARTEFACTS = Path("test-artefacts")
WIDTHS = (1280, 400)
at_one_width = pytest.mark.parametrize("page", WIDTHS[:1], indirect=True)
"""For tests that do not depend on the viewport width."""
phones_exhaustively = pytest.mark.parametrize(
    "page", [WIDTHS[0], pytest.param(WIDTHS[1], marks=pytest.mark.exhaustive)], indirect=True
)
"""For tests of what other tests show to fit a phone."""


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pair(tmp_path_factory.mktemp("page") / "checkpoints" / "tiny").parent


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="module")
def browser_context(browser: Browser) -> Callable[..., BrowserContext]:
    """Browser contexts by width and colour scheme; each keeps the page's scripts from one test to the next."""
    contexts: dict[tuple, BrowserContext] = {}

    def of(width: int, colours: str = "light") -> BrowserContext:
        if (width, colours) not in contexts:
            size = {"width": width, "height": 900}
            contexts[width, colours] = browser.new_context(viewport=size, color_scheme=colours)
        return contexts[width, colours]

    return of


@pytest.fixture(params=WIDTHS)
def page(browser_context: Callable[..., BrowserContext], url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page after its first example has been analysed; requests to other hosts fail the test."""
    page = browser_context(request.param).new_page()
    elsewhere: list[str] = []
    page.on("request", lambda r: r.url.startswith((url, "data:", "blob:")) or elsewhere.append(r.url))
    arrive(page, url)
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{request.node.name.replace('[', '-').rstrip(']')}.png", full_page=True)
    page.close()
    assert not elsewhere


def arrive(page: Page, url: str) -> None:
    """Opens the page and waits for its first example."""
    page.goto(url)
    expect(page.locator("#status")).to_contain_text("Overpass (synthetic", timeout=120_000)
    expect(page.locator("#rows img").first).to_be_visible(timeout=60_000)


@pytest.fixture
def full_disk() -> Iterator[None]:
    """A file size limit of 100,000 bytes, above which writes fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


NAMES = ("red", "green", "blue", "near infrared", "band 5")


def write_bands(path: Path, names: tuple[str, ...] = NAMES, side: int = 60) -> Path:
    """Writes a TIFF of different bands with these names."""
    pixels = np.concatenate([texture(label % 3, label, side) for label in range(len(names))], axis=2)
    sizes = {"height": side, "width": side, "count": len(names), "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **sizes) as file:
        file.write(pixels[..., : len(names)].transpose(2, 0, 1))
        file.descriptions = names
    return path


PLACES = {"image": "#image img", "baseline": "#rows .baseline .heat", "scff": "#rows .scff .heat"}


def picture(page: Page, name: str) -> np.ndarray:
    """Pixels of the image or of a heatmap on the page, as the server sent them."""
    source = page.locator(PLACES[name]).first.get_attribute("src")
    response = page.request.get(urljoin(page.url, source))
    return np.asarray(Image.open(BytesIO(response.body())).convert("RGB"))


def wait_for_other(page: Page, name: str, before: np.ndarray) -> np.ndarray:
    """Pixels of that picture, after waiting until they differ from `before`."""
    for _ in range(150):
        now = picture(page, name)
        if now.shape != before.shape or not np.array_equal(now, before):
            return now
        time.sleep(0.1)
    raise AssertionError(f"{name} does not change")


def upload(page: Page, path: Path) -> None:
    page.locator("#upload input[type=file]").set_input_files(path)


def open_list(page: Page, control: str) -> Locator:
    """Opens a dropdown and returns its options; retries, since an answer that renders it anew closes it."""
    box, options = page.locator(f"#{control} input"), page.locator(f"#{control} [role=option]")
    for _ in range(10):
        box.blur()
        box.click()
        with suppress(PlaywrightTimeout):
            options.first.wait_for(timeout=1_000)
            return options
    raise AssertionError(f"the list of {control} does not open")


def choose(page: Page, control: str, option: str) -> None:
    open_list(page, control)
    page.get_by_role("option", name=option, exact=True).click()


def drag_box(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Draws a box over the image, in fractions of its sides."""
    canvas = page.locator("#image canvas")
    canvas.scroll_into_view_if_needed()
    frame = canvas.bounding_box()
    page.mouse.move(frame["x"] + left * frame["width"], frame["y"] + top * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + right * frame["width"], frame["y"] + bottom * frame["height"], steps=4)
    page.mouse.up()


def width_needed(page: Page) -> int:
    """Width in pixels that the page needs, including overflow."""
    return page.evaluate(
        "Math.max(...[...document.querySelectorAll('html, .gradio-container, [role=tabpanel]')].map((each) => "
        "each.scrollWidth + each.getBoundingClientRect().left))"
    )
