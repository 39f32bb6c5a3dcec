"""Explanation of single images: files and their names."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from explain.cam.question import Question
from explain.output.single_image import ImageRun, explain_image, result_stems
from pairs.pair import Pair


def test_result_names_existing_files(pair: Pair, folder: Path, tmp_path: Path) -> None:
    found = explain_image(folder / "a.tif", tmp_path / "a", ImageRun(pair))
    assert json.loads((tmp_path / "a.json").read_text()) == found
    with np.load(found["maps"]) as maps:
        assert sorted(maps) == ["baseline", "scff"]
    assert Image.open(found["figure"]).format == "PNG"
    assert found["geotiff"] is None  # the image is not georeferenced


def test_images_with_equal_names_have_distinct_stems(pair: Pair, folder: Path, tmp_path: Path) -> None:
    images = [folder / "a.tif", folder / "more" / "a.tif"]
    assert result_stems(images, tmp_path, ImageRun(pair)) == ["a", "a-2"]


def test_repeated_request_reuses_its_stem_and_another_does_not(pair: Pair, folder: Path, tmp_path: Path) -> None:
    run = ImageRun(pair)
    explain_image(folder / "a.tif", tmp_path / "a", run)
    assert result_stems([folder / "a.tif"], tmp_path, run) == ["a"]
    assert result_stems([folder / "a.tif"], tmp_path, ImageRun(pair, Question(target=1))) == ["a-2"]
