"""Runs of `python -m explain`, as function calls."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from core.errors import BadInputError
from explain.run import draw_figure9, explain
from explain.settings import Figure9Settings, QuestionSettings, RunSettings
from tests.conftest import texture


@pytest.fixture
def settings(pair_folder: Path, folder: Path, tmp_path: Path) -> RunSettings:
    """A run over one image."""
    return RunSettings((folder / "a.tif",), pair_folder, tmp_path / "out", device="cpu")


def test_unreadable_image_leaves_the_others_explained(
    settings: RunSettings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(replace(settings, images=(folder / "bad.tif", folder / "a.tif")), as_json=True) == 2
    out, err = capsys.readouterr()
    assert [json.loads(line)["image"] for line in out.splitlines()] == [str(folder / "a.tif")]
    assert err.startswith(f"error: {folder / 'bad.tif'}: ")
    assert (settings.out / "a.png").is_file()


def test_folder_prints_one_line_for_each_explained_image(
    settings: RunSettings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(replace(settings, images=(folder,)), as_json=True) == 2
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["image"] for row in rows] == [
        str(folder / name) for name in ("a.tif", "b.png", "more/a.tif", "more/c.jpg")
    ]
    assert all(Path(row[file]).is_file() for row in rows for file in ("maps", "figure"))
    assert "error: bad.tif: " in err


def test_unknown_layer_is_an_error_before_anything_is_written(settings: RunSettings) -> None:
    with pytest.raises(BadInputError, match="Y9"):
        explain(replace(settings, question=QuestionSettings(layer="Y9")), as_json=False)
    assert not settings.out.exists()


def test_figure9_has_a_row_for_each_image(
    pair_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = []
    for count in (1, 2):
        images = tuple(tmp_path / f"{number}.png" for number in range(count))
        for number, image in enumerate(images):
            Image.fromarray(texture(number, 0)).save(image)
        draw_figure9(Figure9Settings((pair_folder,), images, tmp_path / "figure.png", device="cpu"))
        sizes.append(Image.open(tmp_path / "figure.png").size)
        assert f"{count} image(s) by 1 pair(s)" in capsys.readouterr().out
    assert sizes[1][1] > 1.5 * sizes[0][1]
