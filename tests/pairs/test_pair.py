"""Loading of pairs, and rejection of networks that do not form one."""

import shutil
from pathlib import Path

import pytest

from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from models.preprocessing import Preprocessing
from pairs.checkpoint import save_network
from pairs.pair import load_pair
from tests.conftest import CLASSES, header


def rewrite(folder: Path, role: str, fusion: FusionSettings | None, **changes: object) -> None:
    """Replaces one network of a pair by one whose header differs."""
    changed = header(fusion, **changes)
    save_network(folder / f"{role}.safetensors", changed.build(), changed)


@pytest.mark.essential
def test_pair_is_ready_for_inference(pair_folder: Path) -> None:
    pair = load_pair(pair_folder)
    assert pair.name == "tiny"
    assert pair.classes == CLASSES
    assert pair.baseline.network.scff is None
    assert pair.scff.network.scff is not None
    assert not pair.scff.network.training
    assert pair.class_index("water") == 2
    with pytest.raises(BadInputError, match="unknown class 'lake'; tiny has the classes field, roof, water"):
        pair.class_index("lake")


@pytest.mark.parametrize("name", ["baseline.safetensors", "scff.safetensors", "report.json"])
def test_missing_file_is_named(pair_folder: Path, name: str) -> None:
    (pair_folder / name).unlink()
    with pytest.raises(BadInputError, match=rf"not a complete model pair: {name} missing"):
        load_pair(pair_folder)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="none: no such folder"):
        load_pair(tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("roof", "field", "water")}, r"different classes or class order \(field, .* and roof, field"),
        ({"arch": "resnet34"}, r"different backbones \(resnet18 and resnet34\)"),
        ({"preprocessing": Preprocessing((96, 96), (0.4,) * 3, (0.2,) * 3)}, "different preprocessing"),
        ({"split_fingerprint": "other"}, "different splits"),
        ({"data_fingerprint": "other"}, "different scenes"),
        ({"small_stem": True}, "one of the two networks has the small-image stem"),
    ],
)
def test_networks_trained_differently_are_rejected(pair_folder: Path, changes: dict, message: str) -> None:
    rewrite(pair_folder, "scff", FusionSettings(), **changes)
    with pytest.raises(BadInputError, match=message):
        load_pair(pair_folder)


@pytest.mark.essential
def test_swapped_files_are_rejected(pair_folder: Path) -> None:
    first, second = pair_folder / "baseline.safetensors", pair_folder / "scff.safetensors"
    shutil.move(first, pair_folder / "x")
    shutil.move(second, first)
    shutil.move(pair_folder / "x", second)
    with pytest.raises(BadInputError, match="swapped"):
        load_pair(pair_folder)
