"""The page in headless Chromium, through Playwright."""

import asyncio
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from gradio.block_function import BlockFunction
from gradio.blocks import Blocks
from PIL import Image
from playwright.sync_api import Page, expect

from tests.app.conftest import (
    at_one_width,
    choose,
    drag_box,
    open_list,
    phones_exhaustively,
    picture,
    upload,
    wait_for_other,
    width_needed,
)
from tests.conftest import texture, write_pair


def test_first_visit_shows_an_analysed_example(page: Page) -> None:
    for role in ("baseline", "scff"):
        figure = page.locator(f"#rows .{role}")
        expect(figure).to_contain_text("Evidence for")
        expect(figure.locator(".bars li")).to_have_count(3)
    expect(page.locator("#difference img").first).to_be_visible()
    expect(page.locator("#slider input")).to_have_attribute("aria-label", "Slide between Baseline and With SCFF")
    assert width_needed(page) <= page.viewport_size["width"]
    boxes = [page.locator(place).first.bounding_box() for place in ("#rows .baseline img", "#rows .scff img")]
    assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], abs=2)
    assert boxes[0]["y"] == boxes[1]["y"]  # beside each other, on a phone as well


@phones_exhaustively
def test_uploaded_tiff_is_explained_and_the_target_changes_both_maps(page: Page, tmp_path: Path) -> None:
    scene = texture(1, 0, side=120)
    Image.fromarray(scene).save(tmp_path / "scene.tif", compression="packbits")
    upload(page, tmp_path / "scene.tif")
    expect(page.locator("#status")).to_contain_text("scene.tif", timeout=20_000)
    assert np.array_equal(wait_for_other(page, "image", np.zeros(0)), scene)
    before = {name: picture(page, name) for name in ("baseline", "scff")}
    assert before["baseline"].shape == before["scff"].shape == scene.shape
    assert not np.array_equal(before["baseline"], before["scff"])
    text = page.locator("#rows .baseline .bars").inner_text()
    assert all(name in text for name in ("field", "roof", "water"))

    Image.fromarray(texture(2, 0, side=120)).save(tmp_path / "next.tif")
    upload(page, tmp_path / "next.tif")
    expect(page.locator("#status")).to_contain_text("next.tif", timeout=20_000)
    upload(page, tmp_path / "scene.tif")
    expect(page.locator("#status")).to_contain_text("scene.tif", timeout=20_000)

    predicted = page.locator("#rows .baseline .prediction").inner_text().split(",")[0]
    other = next(name for name in ("field", "roof") if name != predicted)
    choose(page, "target", other)
    expect(page.locator("#rows .scff figcaption")).to_contain_text(other, timeout=10_000)
    for name, former in before.items():
        wait_for_other(page, name, former)
    assert np.array_equal(picture(page, "image"), scene)


@at_one_width
def test_method_layer_and_colours_change_the_maps(page: Page) -> None:
    before = picture(page, "scff")
    choose(page, "method", "HiResCAM")
    before = wait_for_other(page, "scff", before)
    choose(page, "layer", "X1: stage")
    expect(page.locator("#rows .scff figcaption")).to_contain_text("16 × 16 cells", timeout=10_000)
    before = wait_for_other(page, "scff", before)
    page.get_by_text("Display", exact=True).click()
    choose(page, "colour-map", "viridis")
    wait_for_other(page, "scff", before)
    expect(page).to_have_url(re.compile("colour_map=viridis"))


@at_one_width
def test_overlay_opacity_sends_no_request(page: Page) -> None:
    requests: list[str] = []
    page.get_by_text("Display", exact=True).click()
    opacity = page.locator("#opacity input[type=range]")
    opacity.focus()
    page.on("request", lambda request: requests.append(request.url))
    heat = page.locator("#rows .scff .heat")
    for value in ("0.5", "0.45", "0.4"):
        opacity.press("ArrowLeft")
        expect(heat).to_have_css("opacity", value)
    assert not requests
    expect(page).to_have_url(re.compile("opacity=0.4"))


def test_drawn_box_shows_localisation_and_is_part_of_the_link(page: Page) -> None:
    drag_box(page, 0.25, 0.25, 0.75, 0.5)
    expect(page.locator("#region")).to_contain_text("12.5 % of the image", timeout=10_000)
    expect(page.locator("#region tbody tr")).to_have_count(2)
    expect(page.locator("#image .marked")).to_contain_text("from 50, 50 to 150, 100 of 200 × 200 pixels")
    page.goto(page.url)
    expect(page.locator("#region")).to_contain_text("12.5 % of the image", timeout=30_000)
    page.locator("#image canvas").press("Delete")
    expect(page.locator("#region")).to_contain_text("Mark an object", timeout=10_000)


@phones_exhaustively
def test_region_can_be_marked_by_keyboard_and_brush(page: Page) -> None:
    canvas = page.locator("#image canvas")
    canvas.press("ArrowRight")
    expect(page.locator("#region")).to_contain_text("25.0 % of the image", timeout=10_000)
    canvas.press("Shift+ArrowDown")
    expect(page.locator("#image .marked")).to_contain_text("to 150, 153", timeout=10_000)
    page.get_by_role("button", name="Brush").click()
    drag_box(page, 0.3, 0.3, 0.6, 0.3)
    expect(page.locator("#image .marked")).to_contain_text("Marked: a brushed region", timeout=10_000)
    expect(page.locator("#region")).to_contain_text("of the image", timeout=10_000)


@phones_exhaustively
def test_faithfulness_is_computed_on_request(page: Page) -> None:
    page.locator("#measure").click()
    expect(page.locator("#faithfulness thead th")).to_have_count(3, timeout=90_000)
    for word in ("drop in confidence", "Insertion AUC", "Deletion AUC", "ROAD"):
        expect(page.locator("#faithfulness")).to_contain_text(word)
    page.locator("#faithfulness summary").first.click()
    expect(page.locator("#faithfulness details[open] span")).to_contain_text(
        "How much of the target class's probability is lost when the image is multiplied"
    )


@at_one_width
def test_files_can_be_exported(page: Page) -> None:
    titles = ["Figure, PNG", "Figure, SVG", "Figure, PDF", "Raw heatmaps, NPZ", "JSON report"]
    expect(page.locator("#files a")).to_have_text(titles)
    with page.expect_download() as found:
        page.locator("#files a").nth(2).click()
    assert Path(found.value.path()).read_bytes().startswith(b"%PDF")


def test_models_are_listed(page: Page) -> None:
    page.get_by_role("tab", name="Models").click()
    expect(page.locator("#cards .card h3")).to_have_text(["tiny"], timeout=20_000)
    assert width_needed(page) <= page.viewport_size["width"]


@at_one_width
def test_a_link_opens_its_tab_and_tabs_are_in_the_address(page: Page, url: str) -> None:
    page.goto(f"{url}/?tab=models&image=river")
    expect(page.locator("#cards .card h3")).to_have_text(["tiny"], timeout=30_000)
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator("#status")).to_contain_text("River (synthetic", timeout=20_000)
    expect(page).to_have_url(re.compile(r"\?image=river(&pair=tiny)?$"))
    choose(page, "method", "HiResCAM")
    expect(page).to_have_url(re.compile("method=hirescam"))
    page.get_by_role("tab", name="Models").click()
    expect(page).to_have_url(re.compile("method=hirescam.*&tab=models"))
    page.goto(f"{url}/?tab=inside&image=river")
    expect(page.locator("#inside-body")).to_contain_text("River (synthetic", timeout=30_000)
    page.goto(f"{url}/?tab=nonsense")
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#rows img").first).to_be_visible(timeout=30_000)


@at_one_width
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


@phones_exhaustively
def test_example_can_be_clicked(page: Page) -> None:
    before = picture(page, "image")
    page.locator("#examples button.thumbnail-item").nth(2).click()
    expect(page.locator("#status")).to_contain_text("Harbour (synthetic", timeout=20_000)
    wait_for_other(page, "image", before)


@at_one_width
def test_link_to_an_expired_image_shows_an_error(page: Page, url: str) -> None:
    page.goto(f"{url}/?image=gone&target=roof&method=nonsense")
    expect(page.locator("#status [role=alert]")).to_contain_text("has expired", timeout=30_000)


@at_one_width
def test_errors_of_invalid_files_stay_until_the_next_image(page: Page, tmp_path: Path) -> None:
    before = picture(page, "baseline")
    alert = page.locator("#status [role=alert]")
    for name, content, message in (
        ("words.tif", b"not pixels", "words.tif: not an image of a supported format"),
        ("empty.png", b"", "empty.png: the file is empty"),
        ("cut.jpg", b"\xff\xd8\xff\xe0" + bytes(100), "cut.jpg"),
    ):
        (tmp_path / name).write_bytes(content)
        upload(page, tmp_path / name)
        expect(alert).to_contain_text(message, timeout=20_000)
        expect(alert).to_contain_text("Still displayed: Overpass (synthetic")
        expect(page.locator("#upload")).to_contain_text("Drop File Here")
    assert np.array_equal(picture(page, "baseline"), before)
    expect(alert).to_be_visible()
    page.locator("#examples button.thumbnail-item").nth(1).click()
    expect(page.locator("#status")).to_contain_text("River (synthetic", timeout=20_000)
    expect(alert).to_have_count(0)


@phones_exhaustively
def test_new_and_broken_pairs_are_listed_without_restart(page: Page, checkpoints: Path, tmp_path: Path) -> None:
    try:
        write_pair(checkpoints / "fresh", seed=7)
        shutil.copytree(checkpoints / "tiny", checkpoints / "torn")
        path = checkpoints / "torn" / "scff.safetensors"
        path.write_bytes(path.read_bytes()[:5000])
        before = picture(page, "baseline")
        choose(page, "pair", "torn")
        alert = page.locator("#status [role=alert]")
        expect(alert).to_contain_text("torn/scff.safetensors is damaged or truncated", timeout=20_000)
        Image.fromarray(texture(2, 5)).save(tmp_path / "kept.png")
        upload(page, tmp_path / "kept.png")  # the upload is kept although this pair cannot explain it
        expect(alert).to_contain_text("kept.png is still selected; choose another model pair", timeout=20_000)
        choose(page, "pair", "fresh")
        expect(alert).to_have_count(0, timeout=20_000)
        expect(page.locator("#status")).to_contain_text("kept.png")
        wait_for_other(page, "baseline", before)
        page.get_by_text("Advanced settings", exact=True).click()
        choose(page, "more", "tiny")
        expect(page.locator("#rows section")).to_have_count(2, timeout=20_000)
        page.get_by_role("tab", name="Models").click()
        expect(page.locator("#cards .card.broken")).to_contain_text("torn", timeout=20_000)
    finally:
        for name in ("fresh", "torn"):
            shutil.rmtree(checkpoints / name, ignore_errors=True)


@at_one_width
def test_layers_follow_the_pair_and_the_region_stays(page: Page, checkpoints: Path) -> None:
    """The brushed region stays, since the image is the same."""

    def layers() -> list[str]:
        found = open_list(page, "layer").all_inner_texts()
        page.keyboard.press("Escape")
        return [name.strip("✓ \n") for name in found]

    try:
        write_pair(
            checkpoints / "other", arch="legacy_xception", seed=1
        )  # only its last stages are on the forward path
        all_layers = layers()
        assert any("X2" in name for name in all_layers)
        page.get_by_role("button", name="Brush").click()
        drag_box(page, 0.3, 0.3, 0.6, 0.3)
        expect(page.locator("#region")).to_contain_text("of the image", timeout=10_000)
        for pair, has_x2 in (("other", False), ("tiny", True), ("other", False)):
            before = picture(page, "scff")
            choose(page, "pair", pair)
            wait_for_other(page, "scff", before)
            assert any("X2" in name for name in layers()) == has_x2
            assert (layers() == all_layers) == has_x2
            expect(page.locator("#image .marked")).to_contain_text("Marked: a brushed region")
            expect(page.locator("#region")).to_contain_text("of the image")
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#region")).to_contain_text("Mark an object", timeout=10_000)
        expect(page.locator("#image .marked")).to_be_empty()
    finally:
        shutil.rmtree(checkpoints / "other", ignore_errors=True)


def test_layers_and_fusion_tab_shows_every_stage(page: Page) -> None:
    choose(page, "target", "water")
    expect(page.locator("#rows .scff figcaption")).to_contain_text("water", timeout=10_000)
    page.get_by_role("tab", name="Layers and fusion").click()
    body = page.locator("#inside-body")
    expect(body.locator(".inside-row")).to_have_count(4, timeout=20_000)
    expect(body).to_contain_text("Evidence for water, by Grad-CAM++")
    expect(body.locator(".heat").first).to_be_visible()
    assert width_needed(page) <= page.viewport_size["width"]
    with page.expect_download() as found:
        body.get_by_role("link", name="All heatmaps, NPZ").click()
    assert set(np.load(found.value.path())) > {"baseline/X1", "scff/X4", "scff/Y2"}


@at_one_width
def test_overtaken_answer_is_replaced_by_the_latest_view(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's answer is delayed after its callback has ended."""
    postprocess, delayed_calls = Blocks.postprocess_data, []

    async def delayed(self: Blocks, block_fn: BlockFunction, *arguments: object, **options: object) -> object:
        answer = await postprocess(self, block_fn, *arguments, **options)
        if block_fn.name == "open_example" and not delayed_calls:
            delayed_calls.append(block_fn)
            await asyncio.sleep(3)
        return answer

    monkeypatch.setattr(Blocks, "postprocess_data", delayed)
    arrived = int(page.evaluate("window.scffLensSequence"))
    page.locator("#examples button.thumbnail-item").nth(1).click()
    choose(page, "target", "roof")
    expect(page).to_have_url(re.compile("image=river.*target=roof"), timeout=10_000)
    expect(page.locator("#rows .scff figcaption")).to_contain_text("roof")
    page.wait_for_function(f"window.scffLensSequence >= {arrived + 3}", timeout=20_000)  # the latest view is sent again
    assert delayed_calls
    expect(page).to_have_url(re.compile("image=river.*target=roof"))
    expect(page.locator("#status")).to_contain_text("River (synthetic")
    expect(page.locator("#rows .scff figcaption")).to_contain_text("roof")
    expect(page.locator("#target input")).to_have_value("roof")
    page.wait_for_timeout(1000)  # the dropdown may be rendered anew
    choose(page, "target", "water")  # its choices are complete
    expect(page.locator("#rows .scff figcaption")).to_contain_text("water", timeout=10_000)


@at_one_width
def test_last_of_rapid_choices_is_shown(page: Page) -> None:
    choose(page, "method", "LayerCAM")
    for number in (1, 2, 3):  # River, Harbour, Houses
        page.locator("#examples button.thumbnail-item").nth(number).click()
    choose(page, "target", "roof")
    expect(page.locator("#status")).to_contain_text("Houses (synthetic", timeout=20_000)
    expect(page).to_have_url(re.compile("image=houses.*target=roof.*method=layercam"), timeout=20_000)
    expect(page.locator("#rows .scff figcaption b")).to_have_text("roof")
