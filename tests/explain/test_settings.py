"""Settings of `python -m explain`."""

from pathlib import Path

import pytest

from core.errors import BadInputError
from explain.cam.question import Question, Smoothing
from explain.region_option import RegionOption
from explain.settings import Figure9Settings, QuestionSettings, RunSettings
from pairs.pair import Pair

pytestmark = pytest.mark.essential


def test_classes_by_name_become_indices(pair: Pair) -> None:
    settings = QuestionSettings("roof", "water", "Y3", "hirescam", Smoothing(2))
    assert settings.question(pair) == Question(1, 2, "Y3", "hirescam", Smoothing(2))
    assert QuestionSettings().question(pair) == Question()
    with pytest.raises(BadInputError, match="unknown class 'lake'; tiny has the classes field, roof, water"):
        QuestionSettings("lake").question(pair)


def test_faithfulness_is_quick_for_a_folder_and_off_otherwise(tmp_path: Path) -> None:
    (image := tmp_path / "a.tif").touch()
    assert RunSettings((tmp_path,), tmp_path, tmp_path / "out").level == "quick"
    assert RunSettings((image,), tmp_path, tmp_path / "out").level == "none"
    assert RunSettings((image,), tmp_path, tmp_path / "out", faithfulness="full").level == "full"


def test_invalid_arguments_are_rejected_before_any_network_is_loaded(tmp_path: Path) -> None:
    image, out = tmp_path / "a.tif", tmp_path / "out"
    with pytest.raises(BadInputError, match=r"a\.tif: no such file or folder"):
        RunSettings((image,), tmp_path, out)
    image.touch()
    with pytest.raises(BadInputError, match="none: no such folder of a model pair"):
        RunSettings((image,), tmp_path / "none", out)
    for text, values in (
        ("unknown faithfulness level 'all'; known: none, quick, full", {"faithfulness": "all"}),
        ("batch size must be at least 1, got 0", {"batch_size": 0}),
    ):
        with pytest.raises(BadInputError, match=text):
            RunSettings((image,), tmp_path, out, **values)
    with pytest.raises(BadInputError, match="mark a region of a single image"):
        RunSettings((image, image), tmp_path, out, region=RegionOption("0,0,5,5"))
    with pytest.raises(BadInputError, match="is a file; give a folder for the results"):
        RunSettings((image,), tmp_path, image)
    with pytest.raises(BadInputError, match="add --target"):
        QuestionSettings(against="roof")
    with pytest.raises(BadInputError, match="unknown method 'lime'"):
        QuestionSettings(method="lime")


def test_invalid_figure_path_is_rejected(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    for text, out in (
        ("give a file name that ends in .pdf, .svg, .png", tmp_path / "a.doc"),
        ("none: no such folder", tmp_path / "none" / "a.pdf"),
        ("would be overwritten", image),
    ):
        with pytest.raises(BadInputError, match=text):
            Figure9Settings((tmp_path,), (image,), out)
    with pytest.raises(BadInputError, match="none: no such folder of a model pair"):
        Figure9Settings((tmp_path / "none",), (image,), tmp_path / "a.pdf")
