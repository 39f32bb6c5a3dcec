"""Band selection on the Compare tab: offered, chosen, linked and displayed bands."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from app.tabs.compare.bands import bands_text, chosen_bands, displayed_bands, linked_bands, offered_bands
from core.errors import BadInputError
from imagery.reading import describe_image, read_image
from tests.app.conftest import NAMES, at_one_width, choose, picture, upload, wait_for_other, write_bands
from tests.conftest import texture


def test_bands_are_offered_where_there_is_a_choice(tmp_path: Path) -> None:
    def offered(path: Path) -> tuple[str, ...]:
        return offered_bands(path, describe_image(path))

    assert offered(write_bands(tmp_path / "five.tif")) == NAMES
    assert offered(write_bands(tmp_path / "two.tif", ("VV", "VH"))) == ("VV", "VH")
    assert offered(write_bands(tmp_path / "four.tif", NAMES[:4])) == NAMES[:4]  # although the fourth is marked as alpha
    assert offered(write_bands(tmp_path / "three.tif", NAMES[:3])) == ()
    assert offered(write_bands(tmp_path / "grey.tif", ("heights",))) == ()
    Image.fromarray(texture(0, 0)).convert("RGBA").save(tmp_path / "transparent.png")
    assert offered(tmp_path / "transparent.png") == ()


def test_chosen_bands_are_parsed_or_rejected() -> None:
    assert chosen_bands((4, "3", 2), NAMES) == (4, 3, 2)
    assert chosen_bands((5, 5, 5), NAMES) == (5,)
    for invalid in ("near infrared", "", None, 0, "6", "²"):
        with pytest.raises(BadInputError, match="is not a band of this file; choose a number from 1 to 5"):
            chosen_bands((1, invalid, 2), NAMES)


def test_displayed_bands_and_their_text() -> None:
    assert displayed_bands(None, NAMES) == (1, 2, 3)
    assert displayed_bands(None, ("VV", "VH")) == (1, 1, 1)
    assert displayed_bands((5,), NAMES) == (5, 5, 5)
    assert displayed_bands((4, 3, 2), NAMES) == (4, 3, 2)
    assert bands_text(None) == ""
    assert bands_text((5,)) == ", band 5 as greyscale"
    assert bands_text((4, 3, 2)) == ", bands 4, 3, 2 as red, green, blue"


def test_linked_bands_are_parsed_or_ignored() -> None:
    assert linked_bands("4,3,2", NAMES) == (4, 3, 2)
    assert linked_bands("5", NAMES) == (5,)
    for invalid in (None, "", "4,3", "0,1,2", "red", "6", "1,2,99", "4;DROP", "-1"):
        assert linked_bands(invalid, NAMES) is None
    assert linked_bands("1,2,3", ()) is None  # of a file without further bands


@at_one_width
def test_chosen_bands_change_image_heatmaps_link_and_report(page: Page, tmp_path: Path) -> None:
    expect(page.locator("#bands")).to_be_hidden()
    file = write_bands(tmp_path / "five.tif")
    before = picture(page, "baseline")
    upload(page, file)
    expect(page.locator("#bands")).to_be_visible(timeout=20_000)
    for control, value in (("red", "1: red"), ("green", "2: green"), ("blue", "3: blue")):
        expect(page.locator(f"#{control} input")).to_have_value(value)
    first = wait_for_other(page, "baseline", before)
    assert np.array_equal(picture(page, "image"), read_image(file))
    image = picture(page, "image")
    choose(page, "red", "4: near infrared")
    image = wait_for_other(page, "image", image)
    assert np.array_equal(image, read_image(file, bands=(4, 2, 3)))
    wait_for_other(page, "baseline", first)
    expect(page).to_have_url(re.compile("bands=4%2C2%2C3"))
    with page.expect_download() as found:
        page.get_by_role("link", name="JSON report").click()
    (report,) = json.loads(Path(found.value.path()).read_text())["pairs"]
    assert report["bands"] == [4, 2, 3]

    page.locator("#red input").fill("99")
    page.locator("#red input").press("Enter")
    expect(page.locator("#status [role=alert]")).to_contain_text("'99' is not a band of this file", timeout=20_000)
    expect(page.locator("#red input")).to_have_value("4: near infrared")

    there = page.url
    page.goto(there.replace("4%2C2%2C3", "5"))
    expect(page.locator("#blue input")).to_have_value("band 5", timeout=30_000)
    assert np.array_equal(picture(page, "image"), read_image(file, bands=(5,)))
    page.goto(there.replace("4%2C2%2C3", "7,x"))
    expect(page.locator("#red input")).to_have_value("1: red", timeout=30_000)
    assert np.array_equal(picture(page, "image"), read_image(file))
    page.locator("#examples button.thumbnail-item").nth(1).click()
    expect(page.locator("#bands")).to_be_hidden(timeout=20_000)
