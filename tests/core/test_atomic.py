"""Atomic replacement of files and folders."""

from pathlib import Path

import pytest

from core.atomic import replace_folder, write_file

pytestmark = pytest.mark.essential


def test_a_file_is_replaced(tmp_path: Path) -> None:
    write_file(tmp_path / "a.txt", b"first")
    write_file(tmp_path / "a.txt", b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"second")]


def test_a_failed_write_leaves_the_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "a.txt", b"first")

    def no_space(path: Path, data: bytes) -> int:
        path.open("wb").write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(OSError, match="No space"):
        write_file(tmp_path / "a.txt", b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"first")]


def test_a_new_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "more" / "pair"
    with replace_folder(folder) as staging:
        (staging / "a.txt").write_text("1")
        assert not folder.exists()
    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    assert [path.name for path in folder.parent.iterdir()] == ["pair"]


def test_a_replaced_folder_keeps_its_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    folder.mkdir()
    (folder / "a.txt").write_text("old")
    (folder / "b.txt").write_text("old")
    with replace_folder(folder) as staging:
        (staging / "a.txt").write_text("new")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.txt": "new", "b.txt": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["pair"]


def test_an_error_leaves_the_former_folder(tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    folder.mkdir()
    (folder / "a.txt").write_text("old")

    def interrupted() -> None:
        with replace_folder(folder) as staging:
            (staging / "a.txt").write_text("new")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert (folder / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["pair"]


def test_interrupt_between_the_renames_keeps_the_former_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pair"
    with replace_folder(path) as staging:
        (staging / "kept").write_text("a")
    rename = Path.rename

    def stop(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise KeyboardInterrupt
        return rename(self, target)

    def add() -> None:
        with replace_folder(path) as staging:
            (staging / "added").write_text("b")

    monkeypatch.setattr(Path, "rename", stop)
    with pytest.raises(KeyboardInterrupt):
        add()
    assert [child.name for child in path.iterdir()] == ["kept"]
