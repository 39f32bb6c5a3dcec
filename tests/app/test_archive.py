"""What becomes of the files that a visitor sends for a batch."""

import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.batch import archive
from app.batch.archive import Gathered, gather
from models.errors import BadInputError
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


def test_loose_files_and_zips_together(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "notes.txt").write_text("hello")
    more = packed(tmp_path / "more.zip", ("a.png", png(1)), ("deep/场景.png", png(2)), ("deep/a.png", png(3)))
    found = gathered(folder, tmp_path / "a.png", tmp_path / "notes.txt", more)
    assert found.names == ["a.png", "notes.txt", "a-2.png", "deep/场景.png", "deep/a.png"]
    assert (folder / "a-2.png").read_bytes() == png(1)
    assert not found.refused


def test_several_zips_are_folders(folder: Path, tmp_path: Path) -> None:
    june, july = (packed(tmp_path / f"{name}.zip", ("a.png", png())) for name in ("june", "july"))
    assert gathered(folder, june, july).names == ["june/a.png", "july/a.png"]


def test_loose_files_of_one_name(folder: Path, tmp_path: Path) -> None:
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


def test_names_lead_nowhere_but_down(folder: Path, tmp_path: Path) -> None:
    names = ("../../up.png", "/etc/root.png", "C:\\windows\\w.png", "a//./b.png", "bad\nname.png", f"{'长' * 200}.png")
    found = gathered(folder, packed(tmp_path / "x.zip", *((name, png()) for name in names)))
    assert found.names[:5] == ["up.png", "etc/root.png", "windows/w.png", "a/b.png", "bad_name.png"]
    assert found.names[5].endswith("长.png")
    assert len(found.names[5].encode()) <= 150
    assert not list(tmp_path.glob("up.png"))


def test_a_file_where_a_folder_would_be(folder: Path, tmp_path: Path) -> None:
    found = gathered(folder, packed(tmp_path / "x.zip", ("a.png", png()), ("a.png/b.png", png())))
    assert found.names == ["a.png", "a.png_b.png"]


def test_names_in_utf8_that_do_not_say_so(folder: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("ü.png", png()))
    data = bytearray(path.read_bytes())
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + at + 1] &= ~0x08
    path.write_bytes(data)
    assert gathered(folder, path).names == ["ü.png"]


def test_what_is_no_image_is_passed_over(folder: Path, tmp_path: Path) -> None:
    names = ("readme.txt", "__MACOSX/a.png", ".hidden.png", ".git/b.png")
    found = gathered(folder, packed(tmp_path / "x.zip", *((name, b"x") for name in names), ("a.png", png())))
    assert (found.names, found.passed_over, found.refused) == (["a.png"], 4, {})


def test_world_files_go_with_their_images(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(png())
    (tmp_path / "b.pgw").write_text("2")
    found = gathered(
        folder,
        tmp_path / "b.png",
        tmp_path / "b.pgw",
        packed(tmp_path / "x.zip", ("d/a.png", png()), ("d/a.pgw", b"1")),
    )
    assert found.names == ["b.png", "d/a.png"]
    assert (folder / "b.pgw").read_text() == "2"
    assert (folder / "d" / "a.pgw").read_text() == "1"


def test_links_are_rows(folder: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    found = gathered(folder, packed(tmp_path / "x.zip", (link, b"/etc/passwd"), ("a.png", png())))
    assert found.refused == {"link.png": "link.png: a link to another file; pack the image itself"}
    assert found.names == ["a.png"]


def test_encrypted_images_are_rows(folder: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("a.png", png()))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    data[data.index(b"PK\3\4") + 6] |= 1
    path.write_bytes(data)
    assert "a.png: encrypted; unpack the ZIP" in gathered(folder, path).refused["a.png"]


def test_damaged_images_in_a_zip_are_rows(folder: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("a.png", png()), ("b.png", png(1)))
    data = bytearray(path.read_bytes())
    data[60:80] = bytes(20)
    path.write_bytes(data)
    found = gathered(folder, path)
    assert found.refused == {"a.png": "a.png: damaged in its ZIP, or packed in a way that cannot be read"}
    assert found.names == ["b.png"]
    assert not (folder / "a.png").exists()


@pytest.mark.parametrize("content", [b"", b"not a zip", png() + b"PK\1\2", packed])
def test_damaged_zips_are_rows(folder: Path, tmp_path: Path, content: object) -> None:
    path = tmp_path / "x.zip"
    if content is packed:
        content = packed(path, ("a.png", png())).read_bytes()[:-40]
    path.write_bytes(content)
    found = gathered(folder, path)
    assert found.refused == {"x.zip": "x.zip: this ZIP is damaged, cut short, or none; pack the images again"}


def test_a_zip_without_an_image_is_a_row(folder: Path, tmp_path: Path) -> None:
    assert gathered(folder, packed(tmp_path / "x.zip", ("a.txt", b"x"))).refused == {
        "x.zip": "x.zip: no image in this ZIP"
    }


def test_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(BadInputError, match="no files yet; choose images or a ZIP"):
        gather([], folder)


def test_too_many_images(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_IMAGES", 3)
    path = packed(tmp_path / "x.zip", *((f"{i}.png", b"") for i in range(4)))
    with pytest.raises(BadInputError, match="more than 3 images; send fewer at once"):
        gather([path], folder)


def test_too_many_entries_are_not_read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_ENTRIES", 3)
    with pytest.raises(BadInputError, match="more than 3 files in this ZIP"):
        gather([packed(tmp_path / "x.zip", *((f"{i}.txt", b"") for i in range(4)))], folder)


def test_a_bomb_that_says_so(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_OF_ONE", 2**20)
    path = packed(tmp_path / "x.zip", ("a.png", bytes(2**21)), ("b.png", png()))
    found = gathered(folder, path)
    assert list(found.refused) == ["a.png"]
    assert found.names == ["b.png"]


def test_a_bomb_that_lies(folder: Path, tmp_path: Path) -> None:
    """What comes out ends where the directory says that it ends."""
    path = packed(tmp_path / "x.zip", ("a.png", bytes(2**24)))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, 100)
    path.write_bytes(data)
    assert list(gathered(folder, path).refused) == ["a.png"]
    assert sum(file.stat().st_size for file in folder.rglob("*")) == 0


def test_too_much_in_all(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    (tmp_path / "a.png").write_bytes(png())
    for path in (tmp_path / "a.png", packed(tmp_path / "x.zip", ("a.png", png()))):
        with pytest.raises(BadInputError, match="of images, unpacked; send fewer at once"):
            gather([path], folder)
