"""Accessibility of the page: axe-core, keyboard operation and viewport widths."""

import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from tests.app.conftest import WIDTHS, at_one_width, choose, upload, width_needed, write_bands
from tests.conftest import texture


def violations(page: Page) -> list[str]:
    """Serious and critical violations by axe-core with their elements, at every width and in light and dark."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for colours in ("light", "dark"):
            page.evaluate("dark => document.body.classList.toggle('dark', dark)", colours == "dark")
            found += [
                f"{width}, {colours}: {each['id']}: {node['target']} {node['html'][:120]}"
                for each in Axe().run(page).response["violations"]
                if each["impact"] in ("serious", "critical")
                for node in each["nodes"]
            ]
    return found


@at_one_width
def test_page_has_no_serious_axe_violations(page: Page, tmp_path: Path) -> None:
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")
    assert violations(page) == []

    upload(page, write_bands(tmp_path / "five.tif"))
    expect(page.locator("#bands")).to_be_visible(timeout=20_000)
    page.locator("#image canvas").press("ArrowRight")
    expect(page.locator("#region table")).to_be_visible(timeout=10_000)
    page.locator("#measure").click()
    expect(page.locator("#faithfulness thead th")).to_have_count(3, timeout=90_000)
    for name in ("Advanced settings", "Display"):
        page.get_by_text(name, exact=True).click()
    choose(page, "against", "water")  # without a target: an error
    expect(page.locator("#status [role=alert]")).to_contain_text(
        "a contrast class needs a target class; choose one as well", timeout=20_000
    )
    page.locator("#closer summary").first.click()
    assert violations(page) == []

    page.get_by_role("tab", name="Layers and fusion").click()  # which shows the same error
    expect(page.locator("#inside-body [role=alert]")).to_contain_text(
        "a contrast class needs a target class; choose one as well", timeout=20_000
    )
    page.get_by_role("tab", name="Compare").click()
    choose(page, "target", "roof")
    expect(page.locator("#rows .scff figcaption")).to_contain_text("over water", timeout=20_000)
    page.get_by_role("tab", name="Layers and fusion").click()
    expect(page.locator("#inside-body figure")).to_have_count(11, timeout=20_000)
    assert violations(page) == []

    page.get_by_role("tab", name="Batch").click()
    expect(page.locator("#batch-pair input")).to_have_value("tiny", timeout=20_000)
    assert violations(page) == []
    (tmp_path / "bad.png").write_bytes(b"no picture")
    page.locator("#batch-files input[type=file]").set_input_files([tmp_path / "five.tif", tmp_path / "bad.png"])
    page.locator("#batch-start").click()
    expect(page.locator("#batch-status")).to_contain_text("1 of 2 images explained", timeout=30_000)
    page.get_by_text("Advanced settings", exact=True).last.click()
    assert violations(page) == []

    page.get_by_role("tab", name="Models").click()
    expect(page.locator("#cards .card h3")).to_have_text(["tiny"], timeout=20_000)
    for summary in page.locator("#cards summary").all():
        summary.click()
    assert violations(page) == []


FOCUSED = """() => {
  const focused = document.activeElement, outlined = (each) => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  const around = [focused, focused.closest('.two'), focused.closest('.wrap')].filter(Boolean);
  const name = focused.id || focused.getAttribute('aria-label') || focused.innerText.trim();
  return [name, around.some(outlined), focused.tagName];
}"""


def tab_stops(page: Page, most: int = 80) -> dict[str, bool]:
    """Names of the elements that Tab focuses from the address bar through the page, and whether focus is visible."""
    found: dict[str, bool] = {}
    for _ in range(most):
        page.keyboard.press("Tab")
        name, has_focus_ring, tag = page.evaluate(FOCUSED)
        if tag == "BODY":
            return found
        found[name] = found.get(name, True) and has_focus_ring
    raise AssertionError(f"the keyboard does not get out of the page: {list(found)}")


def go_to(page: Page, name: str) -> None:
    """Presses Tab until the element of that name has focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED)[0] == name:
            return
    raise AssertionError(f"Tab does not reach {name}")


@at_one_width
def test_page_is_operable_by_keyboard(page: Page) -> None:
    found = tab_stops(page)
    assert [name for name, has_focus_ring in found.items() if not has_focus_ring] == []
    upload = "Image: drop, browse or paste: Drop File Here - or - Click to Upload"
    order = [
        "compare-button", "Model pair", upload, "River", "Target class", "Method", "Layer", "Clear",
        "Slide between Baseline and With SCFF", "measure",
        "Figure, PNG", "copy-link",
    ]  # fmt: skip
    assert [name for name in found if name in order] == order

    go_to(page, "River")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("River (synthetic", timeout=20_000)
    go_to(page, "Target class")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("target="), timeout=10_000)
    for role in ("baseline", "scff"):
        expect(page.locator(f"#rows .{role} figcaption b")).to_have_text(page.locator("#target input").input_value())
    go_to(page, "layer: what is this?")
    page.keyboard.press("Enter")
    expect(page.locator("#settings details[open] span")).to_contain_text("The feature map that")
    page.keyboard.press("Escape")
    expect(page.locator("#settings details[open]")).to_have_count(0)
    page.locator("#image canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#region")).to_contain_text("25.0 % of the image", timeout=10_000)
    go_to(page, "Slide between Baseline and With SCFF")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#slider input")).to_have_attribute("aria-valuetext", "51% Baseline, 49% With SCFF")
    go_to(page, "measure")
    page.keyboard.press("Enter")
    expect(page.locator("#faithfulness thead th")).to_have_count(3, timeout=90_000)
    page.locator("#compare-button").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Layers and fusion")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Models")).to_be_focused()
    expect(page.locator("#cards .card h3")).to_have_text(["tiny"], timeout=20_000)
    expect(page.get_by_role("tabpanel", name="Models")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")


PICTURES = "#image img, #rows .stack, #slider .two, #difference .stack"


@at_one_width
def test_page_fits_every_viewport_width(page: Page, tmp_path: Path) -> None:
    Image.fromarray(np.tile(texture(1, 0), (1, 16, 1))).save(tmp_path / f"{'a_long_name_without_a_break_' * 5}.png")
    Image.fromarray(np.tile(texture(1, 0), (16, 1, 1))).save(tmp_path / "tall.png")
    for image in (None, *tmp_path.glob("*.png")):
        if image is not None:
            upload(page, image)
            expect(page.locator("#status .file")).to_have_text(image.name, timeout=20_000)
        for width in (360, 400, 768, 1280, 1920, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert width_needed(page) <= width
            boxes = [each.bounding_box() for each in page.locator(PICTURES).all()]
            assert max(box["height"] for box in boxes) <= max(0.75 * 900, 16 * 64) + 1
            if width > 640:  # on phones the image and the details are larger than the two maps
                assert max(box["width"] for box in boxes) == pytest.approx(min(box["width"] for box in boxes), abs=1)
            start, results, settings = (
                page.locator(f"#{name}").bounding_box() for name in ("start", "results", "settings")
            )
            assert start["y"] < settings["y"]
            assert (start["y"] < results["y"] < settings["y"]) == (width <= 1000)
