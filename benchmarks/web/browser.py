"""The page in Chromium: its first load, and the time until a changed control shows other heatmaps."""

import os
import shutil
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.web.server import CLASSES
from core.errors import BadInputError

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["measure_page"]

_TIMEOUT_MS = 120_000
_CHANGES = 5  # of each control
_CONTROLS = {
    "method": ("#method", "HiResCAM", "Grad-CAM++"),
    "fused map": ("#layer", "Y3: fused map (baseline: X3)", "Last feature map (default)"),
    "stage": ("#layer", "X3: stage", "Last feature map (default)"),
    "first stage": ("#layer", "X1: stage", "Last feature map (default)"),
    "colours": ("#colour-map", "viridis", "inferno"),
}
"""Selector, another value, default value."""
_CHOOSE = """option => new Promise((done) => {
  const rows = document.querySelector('#rows'), before = rows.innerHTML, start = performance.now();
  const updated = () => rows.innerHTML !== before
    && [...rows.querySelectorAll('img')].every((image) => image.complete && image.naturalWidth);
  const poll = () => updated() ? done(performance.now() - start) : setTimeout(poll, 5);
  option.dispatchEvent(new MouseEvent('mousedown', { bubbles: true }));
  poll();
})"""
"""Chooses an option and resolves to the milliseconds until other heatmaps are shown; Playwright's own clicks take
longer."""
_LOADED = (
    "[...document.querySelectorAll('#rows .heat')].filter((heat) => heat.complete && heat.naturalWidth).length"
    " && window.scffLensArrived"
)


def measure_page(url: str, loads: int) -> dict[str, Any]:
    """What a browser with an empty cache downloads, and how long until the first example's heatmaps are shown.

    Args:
        url: of the server.
        loads: how often; the median counts.

    Raises:
        BadInputError: Chromium or Playwright is not installed.
    """
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise BadInputError("no Chromium found (Debian: apt-get install chromium, or set CHROMIUM to its path)")
    try:
        from playwright.sync_api import ViewportSize, sync_playwright
    except ImportError:
        raise BadInputError("playwright not installed: install requirements-dev.txt") from None
    viewport = ViewportSize(width=1280, height=900)
    durations: list[float] = []
    sizes: list[float] = []  # bytes of each response of the latest load
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(loads):
            page = browser.new_context(viewport=viewport).new_page()
            sizes.clear()
            network = page.context.new_cdp_session(page)
            network.send("Network.enable")
            network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
            start = time.perf_counter()
            page.goto(url)
            page.wait_for_function(_LOADED, timeout=_TIMEOUT_MS)
            durations.append(time.perf_counter() - start)
            page.context.close()
        page = browser.new_context(viewport=viewport).new_page()
        page.goto(f"{url}/?target={CLASSES[0]}")
        page.wait_for_function("window.scffLensArrived", timeout=_TIMEOUT_MS)
        changes = _measure_changes(page)
        browser.close()
    return {
        "seconds": round(statistics.median(durations), 2),
        "requests": len(sizes),
        "kilobytes": round(sum(sizes) / 1000),
        "changes_ms": changes,
    }


def _measure_changes(page: "Page") -> dict[str, int]:
    """Milliseconds from choosing another value to both heatmaps being shown, none of them cached."""
    page.get_by_text("Display", exact=True).click()
    targets = CLASSES[1 : 1 + _CHANGES]
    durations = {"target": [_choose(page, "#target", target) for target in targets]}
    for name, (control, value, default) in _CONTROLS.items():
        durations[name] = []
        for target in targets:
            _choose(page, "#target", target)
            durations[name].append(_choose(page, control, value))
            _choose(page, control, default)
    return {name: round(statistics.median(each)) for name, each in durations.items()}


def _choose(page: "Page", control: str, value: str) -> float:
    """Milliseconds until the page shows the heatmaps of another value of a control."""
    page.locator(f"{control} input").first.click()
    return page.get_by_role("option", name=value, exact=True).evaluate(_CHOOSE)
