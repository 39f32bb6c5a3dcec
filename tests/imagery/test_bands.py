"""Choice and names of the bands of a raster."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from core.errors import BadInputError
from imagery.reading import describe_image, read_image
from tests.imagery.rasters import RANDOM, RGB, as_bytes, picture, raster, stretched, waves


def test_many_bands_are_read_as_their_first_three(tmp_path: Path) -> None:
    bands = RANDOM.integers(0, 4000, (6, 20, 20), dtype=np.uint16)
    found = read_image(raster(tmp_path / "a.tif", bands))
    assert np.abs(found[..., 2] - stretched(bands[2])).max() <= 0.51


def test_deep_cmyk_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="CMYK colours of more than 8 bits"):
        read_image(raster(tmp_path / "a.tif", (waves(4) * 60_000).astype(np.uint16), photometric="cmyk"))


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


@pytest.mark.essential
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_chosen_bands_of_many(tmp_path: Path, kind: str) -> None:
    bands = (waves(6) * 250).astype(kind)
    path = raster(tmp_path / "a.tif", bands, photometric="minisblack")
    assert np.abs(read_image(path, bands=(5, 4, 1)) - picture(bands[[4, 3, 0]])).max() <= 0.51
    assert np.abs(read_image(path, bands=(6,)) - picture(bands[5:])).max() <= 0.51


def test_near_infrared_marked_as_alpha_can_be_chosen(tmp_path: Path) -> None:
    """As rasterio writes four 8-bit bands by default."""
    bands = np.maximum(as_bytes(waves(4)), 1)
    bands[3, :2] = 0
    path = raster(tmp_path / "a.tif", bands)
    assert describe_image(path).band_names == ("red", "green", "blue", "alpha")
    assert np.array_equal(read_image(path, bands=(4, 1, 2)), bands[[3, 0, 1]].transpose(1, 2, 0))
    chosen = read_image(path, bands=(1, 2, 3))
    assert np.array_equal(chosen[3:], bands[:3, 3:].transpose(1, 2, 0))
    assert chosen[:2].min() == 255
    assert read_image(path)[3:].mean() > chosen[3:].mean()  # laid over white


@pytest.mark.essential
@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ((4, 3, 7), "bands 4,3,7 cannot be chosen; it has 1 (B2), 2 (B3), band 3, band 4, band 5, band 6$"),
        ((0, 1, 2), "bands 0,1,2 cannot be chosen"),
        ((1, 2), "choose three bands (red, green, blue) or one (greyscale), not 2$"),
        ((), "or one (greyscale), not 0$"),
    ],
)
def test_invalid_band_choice_is_rejected(tmp_path: Path, bands: tuple, message: str) -> None:
    with rasterio.open(raster(tmp_path / "a.tif", waves(6)), "r+") as file:
        file.descriptions = ("B2", "B3", None, None, None, None)
    with pytest.raises(BadInputError, match=f"^here: .*{re.escape(message[:-1])}"):
        read_image(tmp_path / "a.tif", "here", bands)


def test_complex_samples_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="complex"):
        read_image(raster(tmp_path / "a.tif", np.ones((1, 20, 20), dtype=np.complex64)))


def test_many_bands_in_one_block_are_rejected(tmp_path: Path) -> None:
    block = {"interleave": "pixel", "tiled": True, "blockxsize": 1408, "blockysize": 1408}
    profile = {"driver": "GTiff", "width": 1400, "height": 1400, "count": 300, "dtype": "uint16", "sparse_ok": True}
    rasterio.open(tmp_path / "a.tif", "w", **profile, **block).close()  # 1.2 GB once decoded
    with pytest.raises(BadInputError, match="300 bands are stored in one block that is too large"):
        read_image(tmp_path / "a.tif")
