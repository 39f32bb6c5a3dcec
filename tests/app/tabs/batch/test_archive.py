"""Uploaded files and ZIP archives of a batch: gathering, validation and limits."""

import struct
import warnings
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import rasterio
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning

from app.tabs.batch import archive
from app.tabs.batch.archive import Gathered, gather
from core.errors import BadInputError
from tests.conftest import texture


def png(number: int = 0) -> bytes:
    data = BytesIO()
    Image.fromarray(texture(0, number)).save(data, "PNG")
    return data.getvalue()


def packed(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files:
            file.writestr(name, data)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (found := tmp_path / "images").mkdir()
    return found


def gathered(folder: Path, *files: Path) -> Gathered:
    found = gather(files, folder)
    inside = folder.resolve()
    assert all((folder / name).resolve().is_relative_to(inside) for name in found.names)
    assert all((folder / name).is_file() for name in found.names)
    return found


def test_loose_files_and_zips_are_gathered_together(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "notes.txt").write_text("hello")
    more = packed(tmp_path / "more.zip", ("a.png", png(1)), ("deep/场景.png", png(2)), ("deep/a.png", png(3)))
    found = gathered(folder, tmp_path / "a.png", tmp_path / "notes.txt", more)
    assert found.names == ["a.png", "notes.txt", "a-2.png", "deep/场景.png", "deep/a.png"]
    assert (folder / "a-2.png").read_bytes() == png(1)
    assert not found.refused


def test_each_of_several_zips_becomes_a_folder(folder: Path, tmp_path: Path) -> None:
    june, july = (packed(tmp_path / f"{name}.zip", ("a.png", png())) for name in ("june", "july"))
    assert gathered(folder, june, july).names == ["june/a.png", "july/a.png"]


def test_loose_files_with_equal_names_are_numbered(folder: Path, tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        paths.append(tmp_path / str(number) / "a.png")
        paths[-1].write_bytes(png(number))
    found = gathered(folder, *paths)
    assert found.names == ["a.png", "a-2.png", "a-3.png"]
    assert [(folder / name).read_bytes() for name in found.names] == [png(0), png(1), png(2)]
    paths[0].unlink()  # as the server does after an hour
    assert (folder / "a.png").read_bytes() == png(0)


def test_path_traversal_in_names_is_removed(folder: Path, tmp_path: Path) -> None:
    names = ("../../up.png", "/etc/root.png", "C:\\windows\\w.png", "a//./b.png", "bad\nname.png", f"{'长' * 200}.png")
    found = gathered(folder, packed(tmp_path / "x.zip", *((name, png()) for name in names)))
    assert found.names[:5] == ["up.png", "etc/root.png", "windows/w.png", "a/b.png", "bad_name.png"]
    assert found.names[5].endswith("长.png")
    assert len(found.names[5].encode()) <= 150
    assert not list(tmp_path.glob("up.png"))


def test_name_collision_of_file_and_folder_is_resolved(folder: Path, tmp_path: Path) -> None:
    found = gathered(folder, packed(tmp_path / "x.zip", ("a.png", png()), ("a.png/b.png", png())))
    assert found.names == ["a.png", "a.png_b.png"]


def test_unflagged_utf8_names_are_decoded(folder: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("ü.png", png()))
    data = bytearray(path.read_bytes())
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + at + 1] &= ~0x08
    path.write_bytes(data)
    assert gathered(folder, path).names == ["ü.png"]


def test_entries_that_are_no_images_are_skipped(folder: Path, tmp_path: Path) -> None:
    names = ("readme.txt", "__MACOSX/a.png", ".hidden.png", ".git/b.png")
    found = gathered(folder, packed(tmp_path / "x.zip", *((name, b"x") for name in names), ("a.png", png())))
    assert (found.names, found.skipped, found.refused) == (["a.png"], 4, {})


def world(east: int) -> bytes:
    """A world file with this easting of the upper left pixel."""
    return f"1\n0\n0\n-1\n{east}\n0\n".encode()


def eastings(folder: Path, found: Gathered) -> dict[str, float | None]:
    """Easting of each image as GDAL reads it; None without georeference."""
    east = {}
    for name in found.names:
        with (
            warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
            rasterio.open(folder / name) as file,
        ):
            east[name] = None if file.transform.is_identity else file.transform.c + 0.5
    return east


def in_format(kind: str) -> bytes:
    data = BytesIO()
    Image.fromarray(texture(0, 0)).save(data, kind)
    return data.getvalue()


def test_world_files_georeference_their_images(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(png())
    (tmp_path / "b.pgw").write_bytes(world(20))
    (tmp_path / "c.JPG").write_bytes(in_format("JPEG"))
    (tmp_path / "c.wld").write_bytes(world(30))
    more = packed(tmp_path / "x.zip", ("d/a.pgw", world(10)), ("d/a.png", png()), ("e.tif", in_format("TIFF")))
    found = gathered(folder, *(tmp_path / name for name in ("b.pgw", "b.png", "c.JPG", "c.wld")), more)
    assert eastings(folder, found) == {"b.png": 20, "c.JPG": 30, "d/a.png": 10, "e.tif": None}


def test_world_files_apply_only_to_images_they_come_with(folder: Path, tmp_path: Path) -> None:
    """Independently of the images' final names and of other files with equal names."""
    (tmp_path / "a.png").write_bytes(png())
    june = packed(tmp_path / "june.zip", ("a.png", png()), ("a.pgw", world(10)))
    assert eastings(folder, gathered(folder, tmp_path / "a.png", june)) == {"a.png": None, "a-2.png": 10}
    (other := tmp_path / "other").mkdir()
    (tmp_path / "a.tif").write_bytes(in_format("TIFF"))
    (tmp_path / "a.PNG").write_bytes(png())
    may = packed(tmp_path / "may.zip", ("a.png", png()), ("a.wld", world(10)))
    found = gathered(other, tmp_path / "a.tif", may, tmp_path / "a.PNG")
    assert eastings(other, found) == {"a.tif": None, "a.png": 10, "a-2.PNG": None}


def test_ambiguous_world_files_are_ignored(folder: Path, tmp_path: Path) -> None:
    mixed = packed(
        tmp_path / "x.zip",
        *(("a.png", png()), ("a.tif", in_format("TIFF")), ("a.wld", world(10))),
        *(("b.png", png()), ("b.tif", in_format("TIFF")), ("b.pgw", world(20)), ("b.tfw", world(30))),
    )
    loose = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        for name, data in (("c.png", png()), ("c.pgw", world(40 + number))):
            loose.append(tmp_path / str(number) / name)
            loose[-1].write_bytes(data)
    found = gathered(folder, mixed, *loose)
    expected = {"a.png": None, "a.tif": None, "b.png": 20, "b.tif": 30, "c.png": None, "c-2.png": None}
    assert eastings(folder, found) == expected


def test_world_files_are_limited_and_count_towards_the_total_size(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.png").write_bytes(png())
    (tmp_path / "b.pgw").write_bytes(world(10) + b" " * 2**12)
    large = packed(tmp_path / "x.zip", ("a.png", png()), ("a.pgw", world(10) + b" " * 2**12))
    assert eastings(folder, gathered(folder, large, tmp_path / "b.png", tmp_path / "b.pgw")) == {
        "a.png": None,
        "b.png": None,
    }
    (tmp_path / "b.pgw").write_bytes(world(10))
    small = packed(tmp_path / "y.zip", ("a.png", png()), ("a.pgw", world(10)))
    monkeypatch.setattr(archive, "MOST_BYTES", len(png()) + 10)
    for number, files in enumerate(([small], [tmp_path / "b.png", tmp_path / "b.pgw"])):
        (other := tmp_path / str(number)).mkdir()
        with pytest.raises(BadInputError, match="of images, unpacked; upload fewer at once"):
            gather(files, other)


def test_name_collision_of_world_file_and_folder_is_resolved(folder: Path, tmp_path: Path) -> None:
    june = packed(tmp_path / "june.zip", ("a.pngw/b.png", png()), ("a.png", png()), ("a.pgw", world(10)))
    assert gathered(folder, june).names == ["a.pngw/b.png", "a.png"]
    (other := tmp_path / "other").mkdir()
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "a.pgw").write_bytes(world(10))
    (tmp_path / "x.zip").write_bytes(june.read_bytes())
    assert gathered(other, june, tmp_path / "a.png", tmp_path / "a.pgw").names == ["a.pngw/b.png", "a.png", "a-2.png"]


def test_zip_name_cannot_leave_the_folder(folder: Path, tmp_path: Path) -> None:
    up = packed(tmp_path / "...zip", ("up.png", png()), ("up.pgw", world(10)))
    found = gathered(folder, packed(tmp_path / "june.zip", ("a.png", png())), up)
    assert found.names == ["june/a.png", "up.png"]
    assert not list(tmp_path.glob("up.*"))


def test_symbolic_link_is_rejected(folder: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    found = gathered(folder, packed(tmp_path / "x.zip", (link, b"/etc/passwd"), ("a.png", png())))
    assert found.refused == {"link.png": "link.png: a symbolic link; pack the image itself"}
    assert found.names == ["a.png"]


def test_encrypted_image_is_rejected(folder: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("a.png", png()))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    data[data.index(b"PK\3\4") + 6] |= 1
    path.write_bytes(data)
    assert "a.png: encrypted; unpack the ZIP" in gathered(folder, path).refused["a.png"]


def test_damaged_image_in_a_zip_is_rejected_and_the_others_kept(folder: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("a.png", png()), ("b.png", png(1)))
    data = bytearray(path.read_bytes())
    data[60:80] = bytes(20)
    path.write_bytes(data)
    found = gathered(folder, path)
    assert found.refused == {"a.png": "a.png: damaged in the ZIP file, or packed with an unsupported method"}
    assert found.names == ["b.png"]
    assert not (folder / "a.png").exists()


@pytest.mark.parametrize("kind", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_damaged_image_is_rejected_with_every_compression(folder: Path, tmp_path: Path, kind: int) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", kind) as file:
        file.writestr("a.png", png())
        file.writestr("b.png", png(1))
    data = bytearray(path.read_bytes())
    data[60:160] = bytes(range(155, 255))
    path.write_bytes(data)
    found = gathered(folder, path)
    assert (list(found.refused), found.names) == (["a.png"], ["b.png"])


@pytest.mark.usefixtures("full_disk")
def test_full_disk_is_an_os_error(folder: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("a.png", bytes(200_000)))
    with pytest.raises(OSError, match="File too large"):
        gather([path], folder)


@pytest.mark.parametrize("content", [b"", b"not a zip", png() + b"PK\1\2", packed])
def test_damaged_zip_is_rejected(folder: Path, tmp_path: Path, content: object) -> None:
    path = tmp_path / "x.zip"
    if content is packed:
        content = packed(path, ("a.png", png())).read_bytes()[:-40]
    path.write_bytes(content)
    found = gathered(folder, path)
    assert found.refused == {"x.zip": "x.zip: the file is damaged, truncated or not a ZIP archive; create it again"}


def test_zip_without_an_image_is_rejected(folder: Path, tmp_path: Path) -> None:
    assert gathered(folder, packed(tmp_path / "x.zip", ("a.txt", b"x"))).refused == {
        "x.zip": "x.zip: no image in this ZIP file"
    }


def test_empty_upload_is_rejected(folder: Path) -> None:
    with pytest.raises(BadInputError, match="no files chosen; choose images or a ZIP"):
        gather([], folder)


def test_too_many_images_are_rejected(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_IMAGES", 3)
    path = packed(tmp_path / "x.zip", *((f"{i}.png", b"") for i in range(4)))
    with pytest.raises(BadInputError, match="more than 3 images; upload fewer at once"):
        gather([path], folder)


def test_too_many_zip_entries_are_rejected(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_ENTRIES", 3)
    with pytest.raises(BadInputError, match="more than 3 files in this ZIP"):
        gather([packed(tmp_path / "x.zip", *((f"{i}.txt", b"") for i in range(4)))], folder)


def test_entry_with_oversized_declared_size_is_rejected(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_MOST_IMAGE_BYTES", 2**20)
    path = packed(tmp_path / "x.zip", ("a.png", bytes(2**21)), ("b.png", png()))
    found = gathered(folder, path)
    assert list(found.refused) == ["a.png"]
    assert found.names == ["b.png"]


def test_entry_larger_than_its_declared_size_is_rejected(folder: Path, tmp_path: Path) -> None:
    """Extraction stops at the size declared in the central directory."""
    path = packed(tmp_path / "x.zip", ("a.png", bytes(2**24)))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, 100)
    path.write_bytes(data)
    assert list(gathered(folder, path).refused) == ["a.png"]
    assert sum(file.stat().st_size for file in folder.rglob("*")) == 0


def test_total_size_above_the_limit_is_rejected(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    (tmp_path / "a.png").write_bytes(png())
    for path in (tmp_path / "a.png", packed(tmp_path / "x.zip", ("a.png", png()))):
        with pytest.raises(BadInputError, match="of images, unpacked; upload fewer at once"):
            gather([path], folder)
