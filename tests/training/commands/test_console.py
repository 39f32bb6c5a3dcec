"""Notes and progress on standard error."""

from pathlib import Path

import pytest

from core.errors import BadInputError
from training.commands.console import notify, read_with_progress


def test_notes_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    notify("a note")
    assert capsys.readouterr() == ("", "a note\n")


def test_unreadable_files_are_listed_and_counted(scenes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scenes / "roof" / "broken.png").write_text("not pixels")
    found = read_with_progress(scenes)
    assert list(found.unreadable) == [scenes / "roof" / "broken.png"]
    out, err = capsys.readouterr()
    assert out == ""
    assert "skipped: roof/broken.png" in err
    assert err.endswith("1 unreadable file(s) skipped\n")


def test_readable_scenes_need_no_note(scenes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_with_progress(scenes)
    assert "skipped" not in capsys.readouterr().err


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="missing"):
        read_with_progress(tmp_path / "missing")
