"""Image files of every format, valid and damaged."""

import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from core.errors import BadInputError
from imagery.reading import ImageFile, describe_image, read_image
from tests.imagery.rasters import DEEP, RANDOM, RGB, as_bytes, picture, raster, stretched, waves


@pytest.mark.essential
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp", "a.jp2", "a.gif"])
def test_lossless_formats_are_read_exactly(tmp_path: Path, name: str) -> None:
    options = {"a.webp": {"lossless": True}, "a.jp2": {"irreversible": False}}.get(name, {})
    picture = RGB // 128 * 128  # few enough colours for GIF
    Image.fromarray(picture).save(tmp_path / name, **options)
    assert np.array_equal(read_image(tmp_path / name), picture)


@pytest.mark.parametrize("bands", [1, 3, 6])
@pytest.mark.parametrize("deep", [False, True])
def test_jpeg_2000_of_gis_software_is_read(tmp_path: Path, bands: int, deep: bool) -> None:
    pixels = RANDOM.integers(0, 4000, (bands, 64, 80), dtype=np.uint16)
    pixels = pixels if deep else (pixels // 16).astype(np.uint8)
    found = read_image(raster(tmp_path / "a.jp2", pixels, "JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES"))
    expected = stretched(pixels[0]) if deep else pixels[0]
    assert np.abs(found[..., 0] - expected).max() <= 0.51


@pytest.mark.parametrize("compression", ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate"])
def test_compressed_tiff_is_read_exactly(tmp_path: Path, compression: str) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.tif", compression=compression)
    assert np.array_equal(read_image(tmp_path / "a.tif"), RGB)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGB", (20, 10), (255, 255, 255)).convert(mode)
    picture.save(tmp_path / "a.tif")
    found = read_image(tmp_path / "a.tif")
    assert found.shape == (10, 20, 3)
    assert found.min() >= 254


def test_first_page_of_several_is_read(tmp_path: Path) -> None:
    pages = [Image.fromarray(RGB), Image.new("RGB", (30, 30), "red")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert np.array_equal(read_image(tmp_path / "a.tif"), RGB)


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
def test_tiff_of_every_sample_type_and_layout_is_read(
    tmp_path: Path, kind: str, least: float, most: float, layout: dict
) -> None:
    for count in (1, 2, 3, 4, 7):
        bands = (waves(count) * (most - least) + least).astype(kind)
        found = read_image(raster(tmp_path / "a.tif", bands, photometric="minisblack", **layout))
        assert np.abs(found - picture(bands)).max() <= 0.51


@pytest.mark.parametrize("photometric", ["ycbcr", "rgb"])
@pytest.mark.parametrize("tiles", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
def test_jpeg_compressed_tiff_is_read(tmp_path: Path, photometric: str, tiles: dict) -> None:
    bands = as_bytes(waves(3))
    path = raster(tmp_path / "a.tif", bands, compress="jpeg", jpeg_quality=100, photometric=photometric, **tiles)
    assert np.abs(read_image(path) - picture(bands)).max() <= 10


def test_webp_compressed_tiff_is_read_exactly(tmp_path: Path) -> None:
    bands = as_bytes(waves(3))
    found = read_image(raster(tmp_path / "a.tif", bands, compress="webp", webp_lossless=True))
    assert np.array_equal(found, bands.transpose(1, 2, 0))


@pytest.mark.parametrize("name", ["a.tif", "a.jpg"])
def test_cmyk_is_converted_to_rgb(tmp_path: Path, name: str) -> None:
    rgb = Image.fromarray(as_bytes(waves(3)).transpose(1, 2, 0))
    rgb.convert("CMYK").save(tmp_path / name, **({"quality": 100, "subsampling": 0} if name == "a.jpg" else {}))
    assert np.abs(read_image(tmp_path / name).astype(int) - np.asarray(rgb)).max() <= 8


def test_inverted_cmyk_jpeg_of_adobe_is_converted(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (255, 0, 0, 0)).save(tmp_path / "a.jpg", quality=100)
    assert b"Adobe" in (tmp_path / "a.jpg").read_bytes()
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - [0, 255, 255]).max() <= 4
    assert np.abs(read_image(tmp_path / "a.jpg", bands=(2, 1, 1)).astype(int) - [255, 0, 0]).max() <= 4


@pytest.mark.parametrize(("name", "mode"), [("a.webp", "RGBA"), ("a.bmp", "L"), ("a.bmp", "1"), ("a.gif", "P")])
def test_other_formats_and_modes_match_pillow(tmp_path: Path, name: str, mode: str) -> None:
    stored = Image.fromarray(as_bytes(waves(4)).transpose(1, 2, 0), "RGBA")
    stored = stored if mode == "RGBA" else stored.convert("RGB").convert(mode)
    stored.save(tmp_path / name, **({"lossless": True, "exact": True} if name == "a.webp" else {}))
    layer = stored.convert("RGBA")
    expected = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    assert np.array_equal(read_image(tmp_path / name), expected)


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


@pytest.mark.essential
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.png", b"", "empty"),
        ("text.tif", b"these are words, not pixels", "not an image"),
        ("magic.tif", b"II*\0" + b"\xff" * 60, "damaged"),
        ("bomb.png", png(30_000, 30_000), "more than 100,000,000 pixels"),
        ("large.png", png(12_000, 12_000), "12,000 x 12,000"),
        ("point.png", png(1, 1), "1 x 1"),
        ("strip.png", png(8_000, 40), "exceeds the maximum aspect ratio of 16 : 1"),
    ],
)
def test_unusable_file_is_rejected_with_its_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=reason) as caught:
        read_image(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    with pytest.raises(BadInputError, match=r"^my picture: "):
        read_image(tmp_path / name, name="my picture")
    with pytest.raises(BadInputError, match=reason):
        describe_image(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.essential
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
def test_truncated_files_are_rejected(tmp_path: Path, name: str, options: dict) -> None:
    whole = encoded(tmp_path, name, **options)
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match="damaged or truncated"):
        read_image(tmp_path / name)


def test_truncated_16_bit_tiff_is_rejected(tmp_path: Path) -> None:
    whole = raster(tmp_path / "whole.tif", DEEP).read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match="damaged or truncated"):
        read_image(tmp_path / "a.tif")


def test_too_long_file_name_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        read_image(tmp_path / ("n" * 300 + ".tif"))


def test_missing_file_and_folder_are_rejected(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "none.tif", "no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(BadInputError, match=message):
            read_image(path)


def test_zip_file_is_rejected_as_such(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "images.tif", "w") as archive:
        archive.writestr("a.png", b"")
    with pytest.raises(BadInputError, match=r"images\.tif: a ZIP file, not an image; unpack it"):
        read_image(tmp_path / "images.tif")
