"""Stratified and fixed splits."""

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from core.errors import BadInputError
from pairs.layout import SUBSETS
from tests.conftest import CLASSES, texture
from training.scenes import SceneFolder, read_scenes
from training.splits import read_split, stratified_split


@pytest.fixture
def larger(tmp_path: Path) -> SceneFolder:
    """Three classes of 20 images, three of each with identical pixels."""
    for label, name in enumerate(CLASSES):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(20):
            image = texture(label, 0 if number < 3 else number, side=16)
            Image.fromarray(image).save(tmp_path / "set" / name / f"{number:04}.png")
    return read_scenes(tmp_path / "set")


def test_every_class_is_split_60_20_20(larger: SceneFolder) -> None:
    for seed in range(10):
        split = stratified_split(larger, seed)
        assert sorted(name for subset in SUBSETS for name in split.subsets[subset]) == [s.name for s in larger.scenes]
        for subset, share in (("train", 12), ("val", 4), ("test", 4)):
            for count in Counter(name.split("/")[0] for name in split.subsets[subset]).values():
                assert abs(count - share) <= 2  # three duplicates stay together


def test_duplicates_stay_in_one_subset(larger: SceneFolder) -> None:
    for seed in range(10):
        split = stratified_split(larger, seed)
        for name in CLASSES:
            same = {f"{name}/{number:04}" for number in range(3)}
            assert sum(bool(same & set(split.subsets[subset])) for subset in SUBSETS) == 1


def test_duplicates_across_classes_stay_in_one_subset(larger: SceneFolder) -> None:
    source = larger.root / "field" / "0007.png"
    Image.open(source).save(larger.root / "water" / "same.png")
    folder = read_scenes(larger.root)
    for seed in range(10):
        subsets = stratified_split(folder, seed).subsets
        assert sum("field/0007" in subsets[subset] and "water/same" in subsets[subset] for subset in SUBSETS) == 1


def test_split_depends_on_the_seed(larger: SceneFolder) -> None:
    assert stratified_split(larger, 1) == stratified_split(larger, 1)
    assert stratified_split(larger, 1).fingerprint != stratified_split(larger, 2).fingerprint


def test_three_distinct_images_are_enough_however_many_duplicates(scenes: Path) -> None:
    for number in range(12):
        Image.fromarray(texture(1, min(number, 2))).save(scenes / "roof" / f"{number:04}.tif")
    folder = read_scenes(scenes)
    for seed in range(10):
        split = stratified_split(folder, seed)
        roofs = [sum(name.startswith("roof/") for name in split.subsets[subset]) for subset in SUBSETS]
        assert roofs == [10, 1, 1]
        assert not split.leaked_duplicates(folder.scenes)


def test_class_with_one_image_is_rejected(scenes: Path) -> None:
    for path in sorted((scenes / "roof").iterdir())[1:]:
        path.unlink()
    with pytest.raises(BadInputError, match=r"class 'roof' has 1 distinct image\(s\)"):
        stratified_split(read_scenes(scenes), 0)


def test_class_of_duplicates_is_rejected(scenes: Path) -> None:
    for number in range(6):
        Image.fromarray(texture(1, 0)).save(scenes / "roof" / f"{number:04}.tif")
    with pytest.raises(BadInputError, match=r"class 'roof' has 1 distinct image\(s\)"):
        stratified_split(read_scenes(scenes), 0)


def write_split(folder: Path, **rows: str) -> Path:
    folder.mkdir(exist_ok=True)
    for subset in SUBSETS:
        (folder / f"set_{subset}.csv").write_text(rows[subset])
    return folder


GOOD = {
    "train": "field/0000.tif,field\nroof/0001.jpg,roof\nwater/0404.tif,water\n",
    "val": "data/12class_tif/field/0002.tif,field\n\n",
    "test": "water\\0003.tif, water\n",
}


def test_files_are_matched_by_class_and_name(scenes: Path, tmp_path: Path) -> None:
    folder = read_scenes(scenes)
    split = read_split(write_split(tmp_path / "fixed", **GOOD), folder)
    assert split.subsets == {"train": ("field/0000", "roof/0001"), "val": ("field/0002",), "test": ("water/0003",)}
    assert split.missing == ("water/0404",)
    assert [scene.path.name for scene in split.select("train", folder.scenes)] == ["0000.tif", "0001.tif"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"val": "field/0000.tif,field\n"}, "field/0000 is in both train and val"),
        ({"val": "field/0002.tif,roof\n"}, "listed as roof, but is in folder field"),
        ({"val": "field/0002.tif\n"}, "row 1 is not of the form"),
        ({"val": "0002.tif,field\n"}, "row 1 is not of the form"),
        ({"test": "water/9999.tif,water\n"}, "no scene of its test set"),
    ],
)
def test_unusable_split_files_are_rejected(scenes: Path, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_split(write_split(tmp_path / "fixed", **{**GOOD, **changes}), read_scenes(scenes))


def test_missing_or_ambiguous_files_are_named(scenes: Path, tmp_path: Path) -> None:
    folder = read_scenes(scenes)
    fixed = write_split(tmp_path / "fixed", **GOOD)
    (fixed / "other_val.csv").write_text(GOOD["val"])
    with pytest.raises(BadInputError, match=r"found other_val\.csv, set_val\.csv"):
        read_split(fixed, folder)
    for path in fixed.glob("*val*"):
        path.unlink()
    with pytest.raises(BadInputError, match=r"one file named \*val\*.csv is needed, found none"):
        read_split(fixed, folder)
    with pytest.raises(BadInputError, match="no such folder of split files"):
        read_split(tmp_path / "none", folder)


def test_duplicates_of_siri_whu_stay_together(siri_whu: Path) -> None:
    folder = read_scenes(siri_whu)
    split = stratified_split(folder, 0)
    subset_of = {name: subset for subset in SUBSETS for name in split.subsets[subset]}
    subset_by_digest = {(scene.digest, subset_of[scene.name]) for scene in folder.scenes}
    assert len(subset_by_digest) == len({scene.digest for scene in folder.scenes})
    assert [len(split.subsets[subset]) for subset in SUBSETS] == [1438, 480, 480]
