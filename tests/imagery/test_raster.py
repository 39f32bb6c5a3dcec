"""Rasters are opened without sidecar files, except for the six numbers of a world file."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from core.errors import BadInputError
from imagery.mask import read_mask
from imagery.raster import DRIVERS
from imagery.reading import describe_image, open_image, read_image
from tests.imagery.rasters import image

FORMATS = {"tif": "TIFF", "png": "PNG", "jpg": "JPEG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "jp2": "JPEG2000"}


SIDE = 40


PLACED = "<PAMDataset><SRS>EPSG:32650</SRS><GeoTransform>1000, 0.5, 0, 2000, 0, -0.5</GeoTransform></PAMDataset>"


def with_sidecar_files(path: Path) -> None:
    """Writes a mask that hides the lower half, overviews of another picture, and metadata with a georeference."""
    mask = np.zeros((1, SIDE, SIDE), dtype=np.uint8)
    mask[:, : SIDE // 2] = 255
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "dtype": "uint8"}
    with rasterio.open(f"{path}.msk", "w", count=1, **profile) as file:
        file.write(mask)
        file.update_tags(**{f"INTERNAL_MASK_FLAGS_{band}": 2 for band in (1, 2, 3)})
    with rasterio.open(f"{path}.ovr", "w", count=3, **profile | {"width": SIDE // 2, "height": SIDE // 2}) as file:
        file.write(np.full((3, SIDE // 2, SIDE // 2), 255, dtype=np.uint8))
    Path(f"{path}.aux.xml").write_text(PLACED)


def opened(action: Callable[[], object], folder: Path) -> set[str]:
    """Names of a folder's files that Python opens, and the folder itself as "." where it is listed.

    Files that GDAL opens are not among them.
    """
    names: set[str] = set()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | Path):
            path = Path(arguments[0])
            if path == folder or path.parent == folder:
                names.add(path.name if path != folder else ".")

    watching = True
    sys.addaudithook(hook)  # cannot be removed; inactive after this call
    action()
    watching = False
    return names


@pytest.mark.essential
@pytest.mark.parametrize("suffix", FORMATS)
def test_sidecar_files_change_nothing(tmp_path: Path, suffix: str) -> None:
    path = image(tmp_path / f"a.{suffix}")
    with rasterio.open(path) as file:
        bands = (1, 1, 1) if file.count < 3 else (3, 2, 1)
    before = read_image(path), read_image(path, bands=bands), describe_image(path), read_mask(path)
    with_sidecar_files(path)
    with rasterio.open(path, driver=DRIVERS[FORMATS[suffix]]) as file:  # as GDAL reads it with them
        assert file.crs is not None
        assert file.overviews(1)
        assert not file.read_masks(1).all()
    after = read_image(path), read_image(path, bands=bands), describe_image(path), read_mask(path)
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one, other)
    assert not after[2].georeferenced
    with open_image(path) as file:
        assert file.crs is None
        assert file.overviews(1) == []
        assert file.read_masks(1).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_file_beside_an_image_is_opened_nor_its_folder_listed(tmp_path: Path, suffix: str) -> None:
    path = image(tmp_path / f"a.{suffix}")
    with_sidecar_files(path)
    world = path.with_suffix(".wld")
    world.write_text("1\n0\n0\n-1\n0\n0\n")
    assert opened(lambda: (read_image(path), read_image(path, bands=(1,))), tmp_path) <= {path.name}
    assert opened(lambda: describe_image(path), tmp_path) <= {path.name, world.name}


@pytest.mark.essential
@pytest.mark.parametrize(
    "text",
    ["<VRTDataset rasterXSize='40' rasterYSize='40'/>", "ncols 40\nnrows 40\nxllcorner 0\nyllcorner 0\ncellsize 1\n"],
)
@pytest.mark.parametrize("suffix", [".vrt", ".tif", ".msk"])
def test_virtual_and_text_formats_are_rejected(tmp_path: Path, suffix: str, text: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text(text)
    with pytest.raises(BadInputError, match="not an image of a supported format"):
        read_image(path)
    with pytest.raises(BadInputError, match="cannot be read as a mask"):
        read_mask(path)


@pytest.mark.essential
def test_reference_to_another_file_is_rejected(tmp_path: Path) -> None:
    path = image(tmp_path / "a.tif")
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(tmp_path / "not-there.tif"))
    for read in (read_image, describe_image):
        with pytest.raises(BadInputError, match=r"a\.tif: refers to another file for its overviews; save the image"):
            read(path)
    with pytest.raises(BadInputError, match="cannot be read as a mask"):
        read_mask(path)


@pytest.mark.essential
def test_mask_is_read_without_its_sidecar_files(tmp_path: Path) -> None:
    marked = np.zeros((SIDE, SIDE), dtype=np.uint8)
    marked[30:] = 255
    path = tmp_path / "mask.tif"
    Image.fromarray(marked).save(path)
    with_sidecar_files(path)
    assert np.array_equal(read_mask(path), marked > 0)
