"""World files: the six numbers, their suffixes, and invalid ones."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from imagery.reading import describe_image
from imagery.world_file import world_transform
from tests.imagery.rasters import image


@pytest.mark.essential
@pytest.mark.parametrize("suffix", ["tfw", "TFW", "tifw", "wld", "WLD"])
def test_world_file_gives_the_transform(tmp_path: Path, suffix: str) -> None:
    path = image(tmp_path / "a.tif")
    assert world_transform(path) is None
    (tmp_path / f"a.{suffix}").write_text("0,5\r\n0.25\r\n-0.125\r\n-2\r\n1000\r\n2000\r\nits author\r\n")
    found = world_transform(path)
    assert found is not None
    # The six numbers are a, d, b, e, c and f; they hold for pixels' middles.
    assert found @ (0.5, 0.5) == (1000, 2000)
    assert found @ (1.5, 0.5) == (1000.5, 2000.25)
    assert found @ (0.5, 1.5) == (1000 - 0.125, 1998)
    with rasterio.open(path) as file:  # GDAL, of those that it knows
        if suffix not in ("tifw",) and not file.transform.is_identity:
            assert np.allclose(tuple(file.transform), tuple(found))
    assert describe_image(path).georeferenced


@pytest.mark.parametrize(
    "text",
    ["", "1\n0\n0\n-1\n0", "1\n0\n0\n-1\nnan\n0", "0\n0\n0\n0\n0\n0", "one\n0\n0\n-1\n0\n0", "1\n0\n0\n-1\n0\n0" * 400],
)
def test_invalid_world_file_gives_no_georeference(tmp_path: Path, text: str) -> None:
    path = image(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text(text)
    assert world_transform(path) is None
    assert not describe_image(path).georeferenced
