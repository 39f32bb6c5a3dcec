"""RGB composites: palettes, nodata, masks and transparency."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from imagery.reading import describe_image, read_image
from tests.imagery.rasters import RANDOM, as_bytes, picture, raster, stretched, waves


@pytest.mark.parametrize(("mode", "name"), [("RGBA", "a.png"), ("RGBA", "a.tif"), ("LA", "a.png")])
def test_transparency_is_composited_over_white(tmp_path: Path, mode: str, name: str) -> None:
    picture = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 10, 10))
    picture.convert(mode).save(tmp_path / name)
    found = read_image(tmp_path / name)
    assert found[:, :10].max() == 0
    assert found[:, 10:].min() == 255


def test_transparent_palette_entry_is_white(tmp_path: Path) -> None:
    picture = Image.new("P", (20, 10), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.paste(1, (0, 0, 10, 10))
    picture.save(tmp_path / "a.png", transparency=0)
    found = read_image(tmp_path / "a.png")
    assert found[0, 0].tolist() == [200, 100, 50]
    assert found[0, 19].tolist() == [255, 255, 255]


def test_missing_pixels_of_float_tiff_are_white(tmp_path: Path) -> None:
    band = RANDOM.random((1, 30, 30), dtype=np.float32)
    band[0, :3] = np.nan
    band[0, -3:] = -9999
    found = read_image(raster(tmp_path / "a.tif", band, nodata=-9999))
    assert found[:3].min() == 255
    assert found[-3:].min() == 255
    assert np.abs(found[3:-3, :, 0] - stretched(band[0, 3:-3])).max() <= 0.51


MASK = np.full((64, 80), 255, dtype=np.uint8)
MASK[:10] = 0


@pytest.mark.essential
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_masked_pixels_are_white(tmp_path: Path, kind: str) -> None:
    bands = as_bytes(waves(3)).astype(kind)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=80, height=64, count=3, dtype=kind
    ) as file:  # fmt: skip
        file.write(bands)
        file.write_mask(MASK)
    found = read_image(tmp_path / "a.tif")
    assert found[:10].min() == 255
    assert np.abs(found[10:] - picture(bands[:, 10:])).max() <= 0.51
    assert describe_image(tmp_path / "a.tif").pages == 1


def test_8_bit_nodata_is_white_where_all_bands_miss(tmp_path: Path) -> None:
    bands = np.maximum(as_bytes(waves(3)), 1)
    bands[:, :5] = 0
    bands[0, 20] = 0  # black in red alone, such as deep water
    found = read_image(raster(tmp_path / "a.tif", bands, nodata=0))
    assert found[:5].min() == 255
    assert np.array_equal(found[5:], bands[:, 5:].transpose(1, 2, 0))


def test_missing_value_of_a_single_band_is_black(tmp_path: Path) -> None:
    bands = waves(3).astype(np.float32)
    bands[1, 7, 7] = np.nan
    found = read_image(raster(tmp_path / "a.tif", bands))
    assert found[7, 7, 1] == 0
    assert found[7, 7, 0] == read_image(raster(tmp_path / "b.tif", waves(3).astype(np.float32)))[7, 7, 0]


@pytest.mark.parametrize(("kind", "bits"), [("uint8", 1), ("uint8", 4), ("uint8", 8), ("uint16", 16)])
def test_miniswhite_is_inverted(tmp_path: Path, kind: str, bits: int) -> None:
    levels = np.round(waves(1) * (2**bits - 1)).astype(kind)
    found = read_image(raster(tmp_path / "a.tif", levels, photometric="miniswhite", nbits=bits))
    usual = read_image(raster(tmp_path / "b.tif", levels, nbits=bits))
    assert np.array_equal(found, 255 - usual)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_palette_raster_has_its_colours_and_white_nodata(tmp_path: Path, kind: str) -> None:
    """For example a land cover map."""
    classes = np.round(waves(1) * 5).astype(kind)
    colours = {number: (40 * number, 250 - 40 * number, 7, 255) for number in range(6)}
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=80, height=64, count=1, dtype=kind, nodata=0
    ) as file:
        file.write(classes)
        file.write_colormap(1, colours)
    found = read_image(tmp_path / "a.tif")
    expected = np.array([(255, 255, 255), *(colours[number][:3] for number in range(1, 6))])[classes[0]]
    assert np.array_equal(found, expected)


@pytest.mark.essential
@pytest.mark.parametrize(
    ("name", "driver", "options"),
    [
        ("a.tif", "GTiff", {"photometric": "rgb", "alpha": "yes"}),
        ("a.png", "PNG", {}),
        ("a.jp2", "JP2OpenJPEG", {"photometric": "rgb", "alpha": "yes", "QUALITY": "100", "REVERSIBLE": "YES"}),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_partial_transparency_is_blended_with_white(
    tmp_path: Path, name: str, driver: str, options: dict, deep: bool
) -> None:
    bands = np.round(waves(4) * (65535 if deep else 255)).astype(np.uint16 if deep else np.uint8)
    bands[3] = 65535 if deep else 255
    bands[3, 30:] = (65535 if deep else 255) * 2 // 5
    found = read_image(raster(tmp_path / name, bands, driver, **options))
    opaque = picture(bands[:3])
    assert np.abs(found[:30] - opaque[:30]).max() <= 1
    assert np.abs(found[30:] - (0.4 * opaque[30:] + 0.6 * 255)).max() <= 1.1


def test_premultiplied_alpha_is_composited_over_white(tmp_path: Path) -> None:
    bands = as_bytes(waves(4))
    share = bands[3] / 255
    stored = np.concatenate([np.round(bands[:3] * share).astype(np.uint8), bands[3:]])
    found = read_image(raster(tmp_path / "a.tif", stored, photometric="rgb", alpha="premultiplied"))
    expected = picture(bands[:3]) * share[..., None] + 255 * (1 - share[..., None])
    assert np.abs(found - expected).max() <= 1.1
