"""Reading of scene folders."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from core.errors import BadInputError
from tests.conftest import CLASSES, texture
from training.scenes import read_scenes


def test_counts_classes_and_sizes(scenes: Path) -> None:
    Image.fromarray(texture(0, 9, side=30)).save(scenes / "field" / "small.png")
    found = read_scenes(scenes)
    assert found.classes == CLASSES
    assert found.counts == {"field": 7, "roof": 6, "water": 6}
    assert found.sizes == {(40, 40): 18, (30, 30): 1}
    assert [scene.name for scene in found.scenes][:2] == ["field/0000", "field/0001"]
    assert {scene.label for scene in found.scenes if scene.name.startswith("water/")} == {2}


@pytest.mark.parametrize("inner", ["Published set/12class_tif", "x"])
def test_class_level_is_found_below(scenes: Path, tmp_path: Path, inner: str) -> None:
    target = tmp_path / "outer" / inner
    shutil.copytree(scenes, target)
    (tmp_path / "outer" / "readme.txt").write_text("message")
    (tmp_path / "outer" / "__MACOSX" / "junk").mkdir(parents=True)
    Image.new("RGB", (40, 40)).save(tmp_path / "outer" / "__MACOSX" / "junk" / "a.png")
    found = read_scenes(tmp_path / "outer")
    assert found.root == target
    assert found.classes == CLASSES


def test_every_listed_suffix_is_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for suffix in (".tif", ".tiff", ".png", ".jpg", ".JPEG", ".webp", ".bmp"):
            Image.fromarray(texture(1, len(suffix))).save(tmp_path / name / f"{suffix[1:]}{suffix}")
        (tmp_path / name / "notes.txt").write_text("message")
        (tmp_path / name / "._a.png").write_text("left by a file manager")
    assert read_scenes(tmp_path).counts == {"a": 7, "b": 7}


def test_same_name_in_two_formats_stays_two_scenes(scenes: Path) -> None:
    Image.fromarray(texture(0, 77)).save(scenes / "field" / "0000.png")
    names = [scene.name for scene in read_scenes(scenes).scenes]
    assert len(set(names)) == len(names)
    assert {"field/0000.png", "field/0000.tif"} <= set(names)


def test_unreadable_files_are_named_and_left_out(scenes: Path) -> None:
    (scenes / "roof" / "0003.tif").write_text("not pixels")
    Image.new("RGB", (1, 1)).save(scenes / "roof" / "dot.png")
    found = read_scenes(scenes)
    assert found.counts["roof"] == 5
    assert {path.name for path in found.unreadable} == {"0003.tif", "dot.png"}
    assert "not an image" in found.unreadable[scenes / "roof" / "0003.tif"]


def test_equal_pictures_are_found_whatever_their_format(scenes: Path) -> None:
    Image.open(scenes / "water" / "0001.tif").save(scenes / "water" / "copy.png")
    assert read_scenes(scenes).duplicates == [[scenes / "water" / "0001.tif", scenes / "water" / "copy.png"]]


def test_fingerprint_depends_on_pixels_and_names_not_on_format(scenes: Path) -> None:
    before = read_scenes(scenes).fingerprint
    path = scenes / "water" / "0001.tif"
    Image.open(path).save(path.with_suffix(".png"))
    path.unlink()
    assert read_scenes(scenes).fingerprint == before
    path.with_suffix(".png").rename(path.with_name("0099.png"))
    assert read_scenes(scenes).fingerprint != before


def test_unusable_folder_is_rejected(scenes: Path, tmp_path: Path) -> None:
    def rejected(folder: Path, message: str) -> None:
        with pytest.raises(BadInputError, match=message):
            read_scenes(folder)

    rejected(tmp_path / "none", "no such folder")
    (tmp_path / "bare").mkdir()
    rejected(tmp_path / "bare", "one folder per class is needed")
    Image.new("RGB", (40, 40)).save(tmp_path / "bare" / "a.png")
    rejected(tmp_path / "bare", "one folder per class is needed")
    rejected(scenes / "field", "one folder per class is needed")
    (tmp_path / "one").mkdir()
    shutil.copytree(scenes / "field", tmp_path / "one" / "field")
    rejected(tmp_path / "one", r"only one class found \(field\)")
    for subset in ("train", "val"):
        shutil.copytree(scenes, tmp_path / "subsets" / subset)
    rejected(tmp_path / "subsets", "train, val hold folders of images")


def test_empty_classes_are_named(scenes: Path) -> None:
    (scenes / "bridge").mkdir()
    with pytest.raises(BadInputError, match="without an image: bridge"):
        read_scenes(scenes)
    (scenes / "bridge" / "a.tif").write_text("not pixels")
    with pytest.raises(BadInputError, match=r"without a readable image: bridge \(bridge/a.tif: not an image"):
        read_scenes(scenes)


def test_siri_whu_as_described(siri_whu: Path) -> None:
    found = read_scenes(siri_whu)
    assert len(found.scenes) == 2398
    assert len(found.classes) == 12
    assert found.sizes == {(200, 200): 2398}
    assert not found.unreadable
    pairs = {tuple(path.stem for path in group) for group in found.duplicates}
    assert pairs == {("0032", "0100"), ("0002", "0106"), ("0008", "0112"), ("0101", "0103"), ("0109", "0114")}
