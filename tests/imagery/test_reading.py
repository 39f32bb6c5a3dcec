"""Files as users send them, good and bad."""

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image, ImageOps

from core.errors import BadInputError
from imagery.reading import ImageFile, describe_image, read_image

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (40, 50, 3), dtype=np.uint8)
DEEP = RANDOM.integers(500, 4000, (3, 40, 50), dtype=np.uint16)


def raster(path: Path, bands: np.ndarray, driver: str = "GTiff", **profile: object) -> Path:
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", driver=driver, width=width, height=height, count=count, dtype=bands.dtype.name, **profile
    ) as file:
        file.write(bands)
    return path


def stretched(band: np.ndarray) -> np.ndarray:
    low, high = np.percentile(band, (2, 98))
    return np.clip((band - low) / (high - low), 0, 1) * 255


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp", "a.jp2", "a.gif"])
def test_lossless_formats_are_read_exactly(tmp_path: Path, name: str) -> None:
    options = {"a.webp": {"lossless": True}, "a.jp2": {"irreversible": False}}.get(name, {})
    picture = RGB // 128 * 128  # few enough colours for GIF
    Image.fromarray(picture).save(tmp_path / name, **options)
    assert np.array_equal(read_image(tmp_path / name), picture)


def test_8_bit_images_of_any_width_are_not_stretched(tmp_path: Path) -> None:
    flat = RANDOM.integers(60, 120, (60, 720, 3), dtype=np.uint8)
    for name in ("a.bmp", "a.png", "a.tif"):
        Image.fromarray(flat).save(tmp_path / name)
        assert np.array_equal(read_image(tmp_path / name), flat)


@pytest.mark.parametrize("bands", [1, 3, 6])
@pytest.mark.parametrize("deep", [False, True])
def test_jpeg_2000_as_gis_programs_write_it(tmp_path: Path, bands: int, deep: bool) -> None:
    pixels = RANDOM.integers(0, 4000, (bands, 64, 80), dtype=np.uint16)
    pixels = pixels if deep else (pixels // 16).astype(np.uint8)
    found = read_image(raster(tmp_path / "a.jp2", pixels, "JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES"))
    expected = stretched(pixels[0]) if deep else pixels[0]
    assert np.abs(found[..., 0] - expected).max() <= 0.51


def test_8_bit_tiff_of_many_bands_is_not_stretched(tmp_path: Path) -> None:
    bands = RANDOM.integers(60, 120, (5, 40, 50), dtype=np.uint8)
    found = read_image(raster(tmp_path / "a.tif", bands, photometric="minisblack"))
    assert np.array_equal(found, bands[:3].transpose(1, 2, 0))


@pytest.mark.parametrize("compression", ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate"])
def test_compressed_tiff(tmp_path: Path, compression: str) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.tif", compression=compression)
    assert np.array_equal(read_image(tmp_path / "a.tif"), RGB)


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


def test_orientation_of_16_bit_tiff(tmp_path: Path) -> None:
    Image.fromarray(DEEP[0]).save(tmp_path / "a.tif", tiffinfo={0x0112: 3})
    turned = read_image(tmp_path / "a.tif")
    Image.fromarray(DEEP[0]).save(tmp_path / "b.tif")
    assert np.array_equal(turned, read_image(tmp_path / "b.tif")[::-1, ::-1])


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGB", (20, 10), (255, 255, 255)).convert(mode)
    picture.save(tmp_path / "a.tif")
    found = read_image(tmp_path / "a.tif")
    assert found.shape == (10, 20, 3)
    assert found.min() >= 254


@pytest.mark.parametrize(("mode", "name"), [("RGBA", "a.png"), ("RGBA", "a.tif"), ("LA", "a.png")])
def test_transparency_is_laid_over_white(tmp_path: Path, mode: str, name: str) -> None:
    picture = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 10, 10))
    picture.convert(mode).save(tmp_path / name)
    found = read_image(tmp_path / name)
    assert found[:, :10].max() == 0
    assert found[:, 10:].min() == 255


def test_palette_with_transparency(tmp_path: Path) -> None:
    picture = Image.new("P", (20, 10), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.paste(1, (0, 0, 10, 10))
    picture.save(tmp_path / "a.png", transparency=0)
    found = read_image(tmp_path / "a.png")
    assert found[0, 0].tolist() == [200, 100, 50]
    assert found[0, 19].tolist() == [255, 255, 255]


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


def test_float_tiff_with_missing_pixels(tmp_path: Path) -> None:
    band = RANDOM.random((1, 30, 30), dtype=np.float32)
    band[0, :3] = np.nan
    band[0, -3:] = -9999
    found = read_image(raster(tmp_path / "a.tif", band, nodata=-9999))
    assert found[:3].min() == 255
    assert found[-3:].min() == 255
    assert np.abs(found[3:-3, :, 0] - stretched(band[0, 3:-3])).max() <= 0.51


def test_many_bands_are_read_as_their_first_three(tmp_path: Path) -> None:
    bands = RANDOM.integers(0, 4000, (6, 20, 20), dtype=np.uint16)
    found = read_image(raster(tmp_path / "a.tif", bands))
    assert np.abs(found[..., 2] - stretched(bands[2])).max() <= 0.51


def test_nearly_constant_16_bit_keeps_its_few_other_pixels(tmp_path: Path) -> None:
    band = np.zeros((1, 40, 40), dtype=np.uint16)
    band[0, 5, 5] = 900
    found = read_image(raster(tmp_path / "a.tif", band))
    assert found[5, 5].tolist() == [255, 255, 255]
    assert found.sum() == 3 * 255


def test_first_page_of_several(tmp_path: Path) -> None:
    pages = [Image.fromarray(RGB), Image.new("RGB", (30, 30), "red")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert np.array_equal(read_image(tmp_path / "a.tif"), RGB)


def waves(bands: int) -> np.ndarray:
    """Bands that differ, from 0 to 1, [bands, 64, 80]; smooth, so that lossy compression keeps them."""
    y, x = np.mgrid[:64, :80]
    return np.stack([(np.sin(x / 7 + band) + np.cos(y / 9 - band) + 2) / 4 for band in range(bands)])


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.round(values * 255).astype(np.uint8)


def picture(bands: np.ndarray) -> np.ndarray:
    """What is to be seen of bands [bands, h, w]: [h, w, 3], floating point."""
    shown = bands[[0, 1, 2] if len(bands) >= 3 else [0, 0, 0]]
    return np.stack([band.astype(float) if band.dtype == np.uint8 else stretched(band) for band in shown], axis=-1)


LAYOUTS = {
    "strips": {},
    "separate": {"interleave": "band"},
    "tiles": {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "lzw"},
    "separate tiles": {"tiled": True, "blockxsize": 16, "blockysize": 16, "interleave": "band", "compress": "deflate"},
    "BigTIFF": {"BIGTIFF": "YES", "compress": "zstd"},
    "big-endian": {"ENDIANNESS": "BIG"},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        ("uint8", 0, 255),
        ("int8", -90, 100),
        ("uint16", 300, 9000),
        ("int16", -2000, 2000),
        ("uint32", 0, 3e9),
        ("int32", -1e6, 1e6),
        ("float32", -0.3, 1),
        ("float64", 1e6, 1e6 + 1),
    ],
)
def test_tiff_of_every_sample_and_layout(tmp_path: Path, kind: str, least: float, most: float, layout: dict) -> None:
    for count in (1, 2, 3, 4, 7):
        bands = (waves(count) * (most - least) + least).astype(kind)
        found = read_image(raster(tmp_path / "a.tif", bands, photometric="minisblack", **layout))
        assert np.abs(found - picture(bands)).max() <= 0.51


MASK = np.full((64, 80), 255, dtype=np.uint8)
MASK[:10] = 0


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_masks_are_white(tmp_path: Path, kind: str) -> None:
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


def test_a_band_that_misses_alone_is_black(tmp_path: Path) -> None:
    bands = waves(3).astype(np.float32)
    bands[1, 7, 7] = np.nan
    found = read_image(raster(tmp_path / "a.tif", bands))
    assert found[7, 7, 1] == 0
    assert found[7, 7, 0] == read_image(raster(tmp_path / "b.tif", waves(3).astype(np.float32)))[7, 7, 0]


@pytest.mark.parametrize("photometric", ["ycbcr", "rgb"])
@pytest.mark.parametrize("tiles", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
def test_jpeg_in_tiff(tmp_path: Path, photometric: str, tiles: dict) -> None:
    bands = as_bytes(waves(3))
    path = raster(tmp_path / "a.tif", bands, compress="jpeg", jpeg_quality=100, photometric=photometric, **tiles)
    assert np.abs(read_image(path) - picture(bands)).max() <= 10


def test_webp_in_tiff(tmp_path: Path) -> None:
    bands = as_bytes(waves(3))
    found = read_image(raster(tmp_path / "a.tif", bands, compress="webp", webp_lossless=True))
    assert np.array_equal(found, bands.transpose(1, 2, 0))


@pytest.mark.parametrize("name", ["a.tif", "a.jpg"])
def test_cmyk(tmp_path: Path, name: str) -> None:
    rgb = Image.fromarray(as_bytes(waves(3)).transpose(1, 2, 0))
    rgb.convert("CMYK").save(tmp_path / name, **({"quality": 100, "subsampling": 0} if name == "a.jpg" else {}))
    assert np.abs(read_image(tmp_path / name).astype(int) - np.asarray(rgb)).max() <= 8


def test_cmyk_jpeg_as_adobe_inverts_it(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (255, 0, 0, 0)).save(tmp_path / "a.jpg", quality=100)
    assert b"Adobe" in (tmp_path / "a.jpg").read_bytes()
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - [0, 255, 255]).max() <= 4
    assert np.abs(read_image(tmp_path / "a.jpg", bands=(2, 1, 1)).astype(int) - [255, 0, 0]).max() <= 4


def test_deep_cmyk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="CMYK colours of more than 8 bits"):
        read_image(raster(tmp_path / "a.tif", (waves(4) * 60_000).astype(np.uint16), photometric="cmyk"))


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize(("name", "driver"), [("a.tif", "GTiff"), ("a.png", "PNG")])
@pytest.mark.parametrize("bands", [None, (1,)])
def test_few_bits_are_spread_from_black_to_white(
    tmp_path: Path, bits: int, name: str, driver: str, bands: tuple | None
) -> None:
    levels = np.round(waves(1) * (2**bits - 1)).astype(np.uint8)
    found = read_image(raster(tmp_path / name, levels, driver, nbits=bits), bands=bands)
    assert np.array_equal(found[..., 0], np.round(levels[0] * (255 / (2**bits - 1))))


@pytest.mark.parametrize(("kind", "bits"), [("uint8", 1), ("uint8", 4), ("uint8", 8), ("uint16", 16)])
def test_white_may_be_zero(tmp_path: Path, kind: str, bits: int) -> None:
    levels = np.round(waves(1) * (2**bits - 1)).astype(kind)
    found = read_image(raster(tmp_path / "a.tif", levels, photometric="miniswhite", nbits=bits))
    usual = read_image(raster(tmp_path / "b.tif", levels, nbits=bits))
    assert np.array_equal(found, 255 - usual)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_palette_raster_with_nodata(tmp_path: Path, kind: str) -> None:
    """A map of land cover."""
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


@pytest.mark.parametrize(
    ("name", "driver", "options"),
    [
        ("a.tif", "GTiff", {"photometric": "rgb", "alpha": "yes"}),
        ("a.png", "PNG", {}),
        ("a.jp2", "JP2OpenJPEG", {"photometric": "rgb", "alpha": "yes", "QUALITY": "100", "REVERSIBLE": "YES"}),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_half_transparency(tmp_path: Path, name: str, driver: str, options: dict, deep: bool) -> None:
    bands = np.round(waves(4) * (65535 if deep else 255)).astype(np.uint16 if deep else np.uint8)
    bands[3] = 65535 if deep else 255
    bands[3, 30:] = (65535 if deep else 255) * 2 // 5
    found = read_image(raster(tmp_path / name, bands, driver, **options))
    opaque = picture(bands[:3])
    assert np.abs(found[:30] - opaque[:30]).max() <= 1
    assert np.abs(found[30:] - (0.4 * opaque[30:] + 0.6 * 255)).max() <= 1.1


def test_colours_multiplied_by_their_transparency(tmp_path: Path) -> None:
    bands = as_bytes(waves(4))
    share = bands[3] / 255
    stored = np.concatenate([np.round(bands[:3] * share).astype(np.uint8), bands[3:]])
    found = read_image(raster(tmp_path / "a.tif", stored, photometric="rgb", alpha="premultiplied"))
    expected = picture(bands[:3]) * share[..., None] + 255 * (1 - share[..., None])
    assert np.abs(found - expected).max() <= 1.1


@pytest.mark.parametrize(("name", "mode"), [("a.webp", "RGBA"), ("a.bmp", "L"), ("a.bmp", "1"), ("a.gif", "P")])
def test_other_kinds(tmp_path: Path, name: str, mode: str) -> None:
    stored = Image.fromarray(as_bytes(waves(4)).transpose(1, 2, 0), "RGBA")
    stored = stored if mode == "RGBA" else stored.convert("RGB").convert(mode)
    stored.save(tmp_path / name, **({"lossless": True, "exact": True} if name == "a.webp" else {}))
    layer = stored.convert("RGBA")
    expected = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    assert np.array_equal(read_image(tmp_path / name), expected)


@pytest.mark.parametrize("value", range(1, 9))
def test_every_orientation(tmp_path: Path, value: int) -> None:
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


def test_a_png_that_tells_its_orientation_last(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    (tmp_path / "b.png").write_bytes(data[:start] + data[end:-12] + data[start:end] + data[-12:])
    assert np.array_equal(read_image(tmp_path / "b.png"), read_image(tmp_path / "a.png"))


def test_large_images_are_read_in_strips(tmp_path: Path) -> None:
    """Of more pixels than the percentiles' sample and than one strip; they meet without a seam."""
    band = np.arange(2500 * 2400, dtype=np.uint32).reshape(1, 2500, 2400)
    found = read_image(raster(tmp_path / "a.tif", band, tiled=True, compress="deflate", zlevel=1))
    low, high = np.percentile(band[0, ::2, ::2], (2, 98))
    assert np.abs(found[..., 0] - np.clip((band[0] - low) / (high - low), 0, 1) * 255).max() <= 0.51
    rgb = (band[0, :, :, None] // np.array([1, 256, 65536]) % 256).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png", compress_level=1)
    assert np.array_equal(read_image(tmp_path / "a.png"), rgb)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp", "a.jp2"])
def test_chosen_bands_of_ordinary_images(tmp_path: Path, name: str) -> None:
    options = {"a.webp": {"lossless": True}, "a.jp2": {"irreversible": False}}.get(name, {})
    Image.fromarray(RGB).save(tmp_path / name, **options)
    assert np.array_equal(read_image(tmp_path / name, bands=(3, 2, 1)), RGB[..., ::-1])
    assert np.array_equal(read_image(tmp_path / name, bands=[2]), RGB[..., [1, 1, 1]])


def test_chosen_bands_of_a_jpeg(tmp_path: Path) -> None:
    Image.fromarray(as_bytes(waves(3)).transpose(1, 2, 0)).save(tmp_path / "a.jpg")
    usual = read_image(tmp_path / "a.jpg")
    assert np.array_equal(read_image(tmp_path / "a.jpg", bands=(3, 2, 1)), usual[..., ::-1])
    assert np.array_equal(read_image(tmp_path / "a.jpg", bands=(2,)), usual[..., [1, 1, 1]])
    with pytest.raises(BadInputError, match=r"band 4 cannot be chosen; it has 1 \(red\), 2 \(green\), 3 \(blue\)$"):
        read_image(tmp_path / "a.jpg", bands=(4,))


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_chosen_bands_of_many(tmp_path: Path, kind: str) -> None:
    bands = (waves(6) * 250).astype(kind)
    path = raster(tmp_path / "a.tif", bands, photometric="minisblack")
    assert np.abs(read_image(path, bands=(5, 4, 1)) - picture(bands[[4, 3, 0]])).max() <= 0.51
    assert np.abs(read_image(path, bands=(6,)) - picture(bands[5:])).max() <= 0.51


def test_near_infrared_that_is_marked_as_transparency(tmp_path: Path) -> None:
    """As rasterio writes four 8-bit bands unless told otherwise."""
    bands = np.maximum(as_bytes(waves(4)), 1)
    bands[3, :2] = 0
    path = raster(tmp_path / "a.tif", bands)
    assert describe_image(path).band_names == ("red", "green", "blue", "alpha")
    assert np.array_equal(read_image(path, bands=(4, 1, 2)), bands[[3, 0, 1]].transpose(1, 2, 0))
    chosen = read_image(path, bands=(1, 2, 3))
    assert np.array_equal(chosen[3:], bands[:3, 3:].transpose(1, 2, 0))
    assert chosen[:2].min() == 255
    assert read_image(path)[3:].mean() > chosen[3:].mean()  # laid over white


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        ((4, 3, 7), "bands 4,3,7 cannot be chosen; it has 1 (B2), 2 (B3), band 3, band 4, band 5, band 6$"),
        ((0, 1, 2), "bands 0,1,2 cannot be chosen"),
        ((1, 2), "choose three bands (red, green, blue) or one (grey), not 2$"),
        ((), "or one (grey), not 0$"),
    ],
)
def test_bands_that_cannot_be_chosen(tmp_path: Path, bands: tuple, words: str) -> None:
    with rasterio.open(raster(tmp_path / "a.tif", waves(6)), "r+") as file:
        file.descriptions = ("B2", "B3", None, None, None, None)
    with pytest.raises(BadInputError, match=f"^here: .*{re.escape(words[:-1])}"):
        read_image(tmp_path / "a.tif", "here", bands)


def test_description_of_a_raster(tmp_path: Path) -> None:
    bands = (waves(5) * 4000).astype(np.uint16)
    place = {"crs": "EPSG:32650", "transform": rasterio.Affine(2, 0, 500_000, 0, -2, 3_400_000)}
    path = raster(tmp_path / "a.tif", bands, **place)
    with rasterio.open(path, "r+") as file:
        file.set_band_description(5, "near infrared")
    names = ("band 1", "band 2", "band 3", "band 4", "near infrared")
    assert describe_image(path) == ImageFile(80, 64, 5, names, "uint16", True, 1)
    path = raster(tmp_path / "b.jp2", bands[:1], "JP2OpenJPEG", **place)
    assert describe_image(path) == ImageFile(80, 64, 1, ("grey",), "uint16", True, 1)


def test_description_of_pictures(tmp_path: Path) -> None:
    rgb = ("red", "green", "blue")
    pages = [Image.fromarray(RGB), Image.new("RGB", (50, 40), "red")]
    for name, bands, names, count in (
        ("a.png", 3, rgb, 1),
        ("a.jpg", 3, rgb, 1),
        ("b.tif", 3, rgb, 2),
        ("b.gif", 1, ("palette",), 2),
        ("b.webp", 3, rgb, 2),
    ):
        more = {"save_all": True, "append_images": pages[1:]} if count > 1 else {}
        pages[0].save(tmp_path / name, **more)
        assert describe_image(tmp_path / name) == ImageFile(50, 40, bands, names, "uint8", False, count)


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")


def encoded(tmp_path: Path, name: str, **options: object) -> bytes:
    Image.fromarray(RGB).save(tmp_path / f"whole{name}", **options)
    return (tmp_path / f"whole{name}").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.png", b"", "empty"),
        ("text.tif", b"these are words, not pixels", "not an image"),
        ("magic.tif", b"II*\0" + b"\xff" * 60, "damaged"),
        ("bomb.png", png(30_000, 30_000), "more than 100,000,000 pixels"),
        ("large.png", png(12_000, 12_000), "12,000 x 12,000"),
        ("point.png", png(1, 1), "1 x 1"),
        ("strip.png", png(8_000, 40), "too narrow"),
    ],
)
def test_unusable_files_are_refused_in_words(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=reason) as refusal:
        read_image(tmp_path / name)
    assert str(refusal.value).startswith(f"{tmp_path / name}: ")
    with pytest.raises(BadInputError, match=r"^my picture: "):
        read_image(tmp_path / name, name="my picture")
    with pytest.raises(BadInputError, match=reason):
        describe_image(tmp_path / name)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {}),
        ("a.png", {}),
        ("a.webp", {}),
        ("a.tif", {"compression": "packbits"}),
        ("a.tif", {"compression": "raw"}),
        ("a.tif", {"compression": "jpeg"}),
        ("a.tif", {"compression": "tiff_lzw"}),
        ("a.jp2", {}),
        ("a.gif", {}),
        ("a.bmp", {}),
    ],
)
def test_truncated_files_are_refused(tmp_path: Path, name: str, options: dict) -> None:
    whole = encoded(tmp_path, name, **options)
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match="damaged or cut short"):
        read_image(tmp_path / name)


def test_truncated_16_bit_tiff_is_refused(tmp_path: Path) -> None:
    whole = raster(tmp_path / "whole.tif", DEEP).read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match="damaged or cut short"):
        read_image(tmp_path / "a.tif")


def test_raster_without_a_valid_pixel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no valid pixel"):
        read_image(raster(tmp_path / "a.tif", np.full((1, 20, 20), np.nan, dtype=np.float32)))


def test_complex_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="complex"):
        read_image(raster(tmp_path / "a.tif", np.ones((1, 20, 20), dtype=np.complex64)))


def test_many_bands_in_one_block_are_refused(tmp_path: Path) -> None:
    bands = np.broadcast_to(np.uint16(7), (300, 1400, 1400))
    path = raster(tmp_path / "a.tif", bands, interleave="pixel", tiled=True, blockxsize=1408, blockysize=1408,
                  compress="deflate", zlevel=1)  # fmt: skip
    with pytest.raises(BadInputError, match="300 bands in one large block"):
        read_image(path)


def test_a_name_longer_than_the_system_allows(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        read_image(tmp_path / ("n" * 300 + ".tif"))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.tif", "no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(BadInputError, match=words):
            read_image(path)
