"""What the tests of explain share: a folder of images."""

from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import texture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images at two depths, one of them no image."""
    root = tmp_path / "images"
    (root / "more").mkdir(parents=True)
    for number, name in enumerate(("a.tif", "b.png", "more/c.jpg", "more/a.tif")):
        Image.fromarray(texture(number % 3, number, side=60)).save(root / name)
    (root / "bad.tif").write_text("not pixels")
    return root
