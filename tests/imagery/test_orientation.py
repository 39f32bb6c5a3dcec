"""Orientation tag of EXIF and TIFF."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from imagery.orientation import apply_orientation, swaps_sides, undo_orientation
from imagery.reading import describe_image, read_image
from tests.imagery.rasters import DEEP, RGB


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_orientation_is_applied(tmp_path: Path, suffix: str) -> None:
    picture = Image.new("RGB", (64, 32))
    picture.paste((255, 255, 255), (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees clockwise to be upright
    path = tmp_path / f"a{suffix}"
    if suffix == ".jpg":
        picture.save(path, exif=exif)
    else:
        picture.save(path, tiffinfo={0x0112: 6})
    found = read_image(path)
    assert found.shape == (64, 32, 3)
    assert found[:30].mean() > 250
    assert found[34:].mean() < 5


def test_orientation_of_16_bit_tiff_is_applied(tmp_path: Path) -> None:
    Image.fromarray(DEEP[0]).save(tmp_path / "a.tif", tiffinfo={0x0112: 3})
    turned = read_image(tmp_path / "a.tif")
    Image.fromarray(DEEP[0]).save(tmp_path / "b.tif")
    assert np.array_equal(turned, read_image(tmp_path / "b.tif")[::-1, ::-1])


@pytest.mark.parametrize("value", range(1, 9))
def test_every_orientation_of_png_and_tiff_is_applied(tmp_path: Path, value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(RGB).save(tmp_path / "a.tif", tiffinfo={0x0112: value})
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    for name in ("a.png", "a.tif"):
        found = read_image(tmp_path / name)
        assert np.array_equal(found, expected)
        assert found.flags.c_contiguous
        assert found.flags.writeable
        assert np.array_equal(read_image(tmp_path / name, bands=(3, 2, 1)), expected[..., ::-1])
        described = describe_image(tmp_path / name)
        assert (described.height, described.width) == found.shape[:2]


def test_orientation_behind_the_pixels_of_a_png_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    (tmp_path / "b.png").write_bytes(data[:start] + data[end:-12] + data[start:end] + data[-12:])
    assert np.array_equal(read_image(tmp_path / "b.png"), read_image(tmp_path / "a.png"))


@pytest.mark.essential
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_is_applied_as_pillow_does_and_undone(value: int) -> None:
    picture = Image.fromarray(RGB)
    picture.getexif()[0x0112] = value
    expected = np.asarray(ImageOps.exif_transpose(picture))
    found = apply_orientation(RGB, value)
    assert np.array_equal(found, expected)
    assert swaps_sides(value) == (found.shape[:2] != RGB.shape[:2])
    assert np.array_equal(undo_orientation(found, value), RGB)
