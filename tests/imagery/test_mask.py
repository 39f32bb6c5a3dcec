"""Reading of masks."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from core.errors import BadInputError
from imagery.mask import read_mask

MARKED = np.zeros((30, 40), dtype=bool)
MARKED[4:11, 20:33] = True


def save_tiff(path: Path, array: np.ndarray, **options: object) -> Path:
    size = {"height": 30, "width": 40, "count": 1, "dtype": array.dtype}
    with rasterio.open(path, "w", driver="GTiff", **size, **options) as raster:
        raster.write(array, 1)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_nonzero_labels_of_any_type_are_marked(tmp_path: Path, dtype: str) -> None:
    labels = np.where(MARKED, 2, 0).astype(dtype)
    labels[5, 22] = 1
    assert np.array_equal(read_mask(save_tiff(tmp_path / "m.tif", labels)), MARKED)


@pytest.mark.essential
def test_nodata_is_not_marked(tmp_path: Path) -> None:
    zero = save_tiff(tmp_path / "zero.tif", np.where(MARKED, 9, 0).astype(np.uint16), nodata=0)
    other = save_tiff(tmp_path / "other.tif", np.where(MARKED, 9, 255).astype(np.uint8), nodata=255)
    nan = save_tiff(tmp_path / "nan.tif", np.where(MARKED, 1, np.nan).astype(np.float32))
    for path in (zero, other, nan):
        assert np.array_equal(read_mask(path), MARKED), path.name


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_image_masks_of_every_mode_are_read(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(np.where(MARKED, 255, 0).astype(np.uint8))
    picture = grey.convert(mode.removesuffix("A"))
    if mode.endswith("A"):
        picture.putalpha(grey)
    picture.save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png"), MARKED)


@pytest.mark.essential
def test_transparent_pixels_are_not_marked(tmp_path: Path) -> None:
    rgba = np.full((30, 40, 4), 255, dtype=np.uint8)
    rgba[~MARKED, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png"), MARKED)


def test_invalid_mask_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        read_mask(tmp_path / "m.png")
    (tmp_path / "m.png").write_text("no picture")
    with pytest.raises(BadInputError, match="cannot be read as a mask; save it as TIFF or PNG"):
        read_mask(tmp_path / "m.png")
