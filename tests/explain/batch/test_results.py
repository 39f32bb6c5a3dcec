"""Table, contact sheets and figures of a folder."""

import csv
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadInputError
from explain.batch.folder import explain_folder
from explain.batch.folder_run import FolderRun
from explain.batch.results import figure, sheets, strip, table
from explain.batch.rows import ImageRow, NetworkResult
from explain.cam.question import Question
from pairs.pair import Pair

RESULT = NetworkResult("field", 1 / 3, "field", "", 1 / 3, False)


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode(errors="surrogateescape"))))


def test_numbers_have_six_decimals_and_the_error_comes_last() -> None:
    rows = [ImageRow("a.png", networks={"baseline": RESULT, "scff": RESULT}), ImageRow("b.png", "b.png: not an image")]
    data = table(rows)
    assert data.splitlines()[0].endswith(b",error")
    first, second = read(data)
    assert first["scff_confidence"] == "0.333333"
    assert first["error"] == ""
    assert second == dict.fromkeys(first, "") | {"image": "b.png", "error": "b.png: not an image"}


@pytest.mark.parametrize("start", "=+-@")
def test_formula_like_name_is_written_as_a_path(start: str) -> None:
    (row,) = read(table([ImageRow(f"{start}1.png", f"{start}1.png: empty")]))
    assert row == {"image": f"./{start}1.png", "error": f"./{start}1.png: empty"}


def test_figures_and_sheets_are_rendered_from_stored_results(pair: Pair, folder: Path, tmp_path: Path) -> None:
    work = FolderRun(folder, ["a.tif", "bad.tif"], tmp_path / "out", pair, Question())
    rows = explain_folder(work)
    assert rows is not None
    assert Image.open(BytesIO(figure(work, rows[0]))).format == "PNG"
    assert strip(work, "bad.tif") is None
    (sheet,) = sheets(work, [(row, strip(work, row.image)) for row in rows])
    assert np.array_equal(Image.open(BytesIO(sheet)), Image.open(work.out / "contact-1.png"))
    (folder / "a.tif").unlink()
    with pytest.raises(BadInputError, match=r"a\.tif"):
        figure(work, rows[0])
