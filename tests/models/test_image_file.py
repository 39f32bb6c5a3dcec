"""Files as users send them, good and bad."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from models.errors import BadInputError
from models.image_file import read_image

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
        read_image(tmp_path / name, called="my picture")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {}),
        ("a.png", {}),
        ("a.webp", {}),
        ("a.tif", {"compression": "packbits"}),
        ("a.tif", {"compression": "raw"}),
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
