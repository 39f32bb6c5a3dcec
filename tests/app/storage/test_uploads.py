"""Registry of uploads."""

from pathlib import Path

import pytest

from app.storage.uploads import Uploads

pytestmark = pytest.mark.essential


def test_uploads_are_found_until_they_expire_or_are_deleted(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    file.write_bytes(b"x")
    uploads = Uploads(seconds=60)
    key = uploads.keep(file, "a.tif")
    assert uploads.find(key) == (file, "a.tif")
    assert uploads.find("guessed") is None
    file.unlink()
    assert uploads.find(key) is None
    expired = Uploads(seconds=0)
    file.write_bytes(b"x")
    assert expired.find(expired.keep(file, "a.tif")) is None
