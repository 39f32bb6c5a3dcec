"""Tags of TIFF and BigTIFF files in both byte orders."""

from pathlib import Path

import numpy as np
import pytest

from imagery.tiff_tags import TIFF_MAGIC, tiff_tags
from tests.imagery.rasters import raster

pytestmark = pytest.mark.essential
_BANDS = np.zeros((4, 30, 50), dtype=np.uint16)


@pytest.mark.parametrize(
    "options", [{}, {"BIGTIFF": "YES"}, {"ENDIANNESS": "BIG"}, {"BIGTIFF": "YES", "ENDIANNESS": "BIG"}]
)
def test_tags_are_read_in_both_byte_orders_and_bigtiff(tmp_path: Path, options: dict) -> None:
    path = raster(tmp_path / "a.tif", _BANDS, photometric="rgb", alpha="premultiplied", **options)
    assert path.read_bytes()[:4] in TIFF_MAGIC
    tags = tiff_tags(path)
    assert (tags[256], tags[257]) == (50, 30)  # ImageWidth and ImageLength
    assert tags[338] == (1,)  # ExtraSamples: associated alpha


def test_other_and_damaged_files_have_no_tags(tmp_path: Path) -> None:
    assert tiff_tags(tmp_path / "missing.tif") == {}
    for content in (b"", b"II*\0", b"\x89PNG\r\n\x1a\n" + bytes(40), b"II*\0" + b"\xff" * 60):
        (tmp_path / "a.tif").write_bytes(content)
        assert tiff_tags(tmp_path / "a.tif") == {}
