"""Progress log of a folder run: claiming, resuming and logged rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from explain.batch.folder_run import FolderRun
from explain.batch.progress_log import ProgressLog, claim, logged_rows, state_of
from explain.batch.rows import ImageRow, NetworkResult
from explain.cam.question import Question
from pairs.pair import Pair

RESULT = NetworkResult("field", 0.5, "field", "", 0.5, False)


@pytest.fixture
def work(pair: Pair, folder: Path, tmp_path: Path) -> FolderRun:
    return FolderRun(folder, ["a.tif", "b.png", "bad.tif"], tmp_path / "out", pair, Question())


def log(work: FolderRun, *rows: ImageRow) -> dict[str, list[int]]:
    """Writes the rows, and returns the state of all images."""
    assert claim(work) is None
    states = {name: state_of(work.folder / name) for name in work.names}
    with ProgressLog(work, 0, states) as file:
        file.append(rows)
    return states


def test_same_settings_resume_and_changed_settings_are_named(work: FolderRun) -> None:
    assert claim(work) is None
    assert claim(work) is None
    other = claim(replace(work, question=Question(method="gradcam"), batch=3))
    assert other is not None
    assert "different settings (batch size, method)" in other


def test_files_of_other_programs_are_not_claimed(work: FolderRun) -> None:
    work.out.mkdir()
    (work.out / "results.csv").write_text("mine")
    assert "was not written by this program" in str(claim(work))
    assert not work.progress.exists()


def test_logged_rows_are_read_back_with_failures_apart(work: FolderRun) -> None:
    explained = ImageRow("a.tif", networks={"baseline": RESULT, "scff": RESULT})
    states = log(work, explained, ImageRow("bad.tif", "bad.tif: not an image"))
    assert logged_rows(work, states) == ({"a.tif": explained}, {"bad.tif"})


def test_changed_image_has_no_logged_row(work: FolderRun) -> None:
    log(work, ImageRow("a.tif", networks={"baseline": RESULT, "scff": RESULT}))
    with (work.folder / "a.tif").open("ab") as file:
        file.write(b"more")
    states = {name: state_of(work.folder / name) for name in work.names}
    assert logged_rows(work, states) == ({}, set())


def test_truncated_line_is_skipped(work: FolderRun) -> None:
    rows = [ImageRow(name, networks={"baseline": RESULT, "scff": RESULT}) for name in ("a.tif", "b.png")]
    states = log(work, *rows)
    (file,) = work.progress.glob("*.jsonl")
    file.write_text(file.read_text()[:-20])
    with ProgressLog(work, 0, states) as again:
        again.append([ImageRow("bad.tif", "bad.tif: not an image")])
    assert logged_rows(work, states) == ({"a.tif": rows[0]}, {"bad.tif"})


def test_broken_symbolic_link_has_no_state(work: FolderRun) -> None:
    (work.folder / "lost.png").symlink_to(work.folder / "gone.png")
    assert state_of(work.folder / "lost.png") == []
