"""Reading of rasters in strips, and opacity."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from imagery.reading import read_image
from imagery.windows import opacity, strips
from tests.imagery.rasters import raster


def test_large_images_are_read_in_strips(tmp_path: Path) -> None:
    """More pixels than the percentiles' sample and than one strip; strips join seamlessly."""
    band = np.arange(2500 * 2400, dtype=np.uint32).reshape(1, 2500, 2400)
    found = read_image(raster(tmp_path / "a.tif", band, tiled=True, compress="deflate", zlevel=1))
    low, high = np.percentile(band[0, ::2, ::2], (2, 98))
    assert np.abs(found[..., 0] - np.clip((band[0] - low) / (high - low), 0, 1) * 255).max() <= 0.51
    rgb = (band[0, :, :, None] // np.array([1, 256, 65536]) % 256).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png", compress_level=1)
    assert np.array_equal(read_image(tmp_path / "a.png"), rgb)


@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 512, "blockysize": 512}])
def test_strips_are_whole_rows_of_blocks(tmp_path: Path, layout: dict) -> None:
    path = raster(tmp_path / "a.tif", np.zeros((1, 5000, 4000), dtype=np.uint16), compress="deflate", **layout)
    with rasterio.open(path) as file:
        windows = list(strips(file, 1))
        assert len(windows) > 1
        assert [window.row_off for window in windows] == [0, *np.cumsum([w.height for w in windows])[:-1]]
        assert sum(window.height for window in windows) == 5000
        assert {window.width for window in windows} == {4000}
        assert all(window.row_off % file.block_shapes[0][0] == 0 for window in windows)
        assert all(window.height * 4000 * 2 <= 2**24 for window in windows)


def test_nodata_and_nan_are_transparent(tmp_path: Path) -> None:
    bands = np.arange(2 * 9 * 9, dtype=np.float32).reshape(2, 9, 9)
    bands[0, 1, 1], bands[1, 2, 2] = np.nan, -1
    with rasterio.open(raster(tmp_path / "a.tif", bands, nodata=-1)) as file:
        (window,) = strips(file, 2)
        found = opacity(file, (1, 2), window, file.read())
    assert found.shape == (2, 9, 9)
    assert np.argwhere(found == 0).tolist() == [[0, 1, 1], [1, 2, 2]]
    assert set(np.unique(found)) == {0, 255}
