"""Shared fixture: a folder of images."""

from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import texture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images and one file that is not an image, in two folders."""
    root = tmp_path / "images"
    (root / "more").mkdir(parents=True)
    for number, name in enumerate(("a.tif", "b.png", "more/c.jpg", "more/a.tif")):
        Image.fromarray(texture(number % 3, number, side=60)).save(root / name)
    (root / "bad.tif").write_text("not pixels")
    return root
