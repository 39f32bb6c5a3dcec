"""Contrast stretch of samples of other than 8 bits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadInputError
from imagery.reading import read_image
from imagery.stretch import stretch
from tests.imagery.rasters import DEEP, RANDOM, raster, stretched, waves


def test_8_bit_images_of_any_width_are_not_stretched(tmp_path: Path) -> None:
    flat = RANDOM.integers(60, 120, (60, 720, 3), dtype=np.uint8)
    for name in ("a.bmp", "a.png", "a.tif"):
        Image.fromarray(flat).save(tmp_path / name)
        assert np.array_equal(read_image(tmp_path / name), flat)


def test_8_bit_tiff_of_many_bands_is_not_stretched(tmp_path: Path) -> None:
    bands = RANDOM.integers(60, 120, (5, 40, 50), dtype=np.uint8)
    found = read_image(raster(tmp_path / "a.tif", bands, photometric="minisblack"))
    assert np.array_equal(found, bands[:3].transpose(1, 2, 0))


@pytest.mark.essential
@pytest.mark.parametrize(("driver", "name"), [("GTiff", "a.tif"), ("PNG", "a.png")])
def test_16_bit_rgb_is_stretched_band_by_band(tmp_path: Path, driver: str, name: str) -> None:
    bands = DEEP * np.array([1, 2, 4], dtype=np.uint16)[:, None, None]
    found = read_image(raster(tmp_path / name, bands, driver))
    for channel in range(3):
        assert np.abs(found[..., channel] - stretched(bands[channel])).max() <= 0.51


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_16_bit_grey_is_stretched(tmp_path: Path, name: str) -> None:
    Image.fromarray(DEEP[0]).save(tmp_path / name)
    found = read_image(tmp_path / name)
    assert np.array_equal(found[..., 0], found[..., 2])
    assert np.abs(found[..., 0] - stretched(DEEP[0])).max() <= 0.51


def test_nearly_constant_16_bit_keeps_its_few_other_pixels(tmp_path: Path) -> None:
    band = np.zeros((1, 40, 40), dtype=np.uint16)
    band[0, 5, 5] = 900
    found = read_image(raster(tmp_path / "a.tif", band))
    assert found[5, 5].tolist() == [255, 255, 255]
    assert found.sum() == 3 * 255


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize(("name", "driver"), [("a.tif", "GTiff"), ("a.png", "PNG")])
@pytest.mark.parametrize("bands", [None, (1,)])
def test_few_bits_are_spread_from_black_to_white(
    tmp_path: Path, bits: int, name: str, driver: str, bands: tuple | None
) -> None:
    levels = np.round(waves(1) * (2**bits - 1)).astype(np.uint8)
    found = read_image(raster(tmp_path / name, levels, driver, nbits=bits), bands=bands)
    assert np.array_equal(found[..., 0], np.round(levels[0] * (255 / (2**bits - 1))))


def test_raster_without_a_valid_pixel_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no valid pixel"):
        read_image(raster(tmp_path / "a.tif", np.full((1, 20, 20), np.nan, dtype=np.float32)))


@pytest.mark.essential
def test_values_are_scaled_and_clipped() -> None:
    band = np.array([-5, 10, 15, 20, 99, np.nan])
    assert stretch(band, 10, 20).tolist() == [0, 0, 128, 255, 255, 0]
    assert stretch(np.array([7, 7]), 7, 7).tolist() == [0, 0]
