"""Folder of pairs: listing, loading and errors."""

import shutil
from pathlib import Path

import pytest
import torch

from core.errors import BadInputError
from pairs.folder import FIRST, PairFolder
from tests.conftest import write_pair

CPU = torch.device("cpu")


def test_pairs_appear_and_vanish_without_a_restart(pair_folder: Path) -> None:
    pairs = PairFolder(pair_folder.parent, CPU)
    assert pairs.names() == ["tiny"]
    shutil.copytree(pair_folder, pair_folder.with_name("another"))
    assert pairs.names() == ["another", "tiny"]
    assert pairs.load("another").name == "another"
    shutil.rmtree(pair_folder.with_name("another"))
    assert pairs.names() == ["tiny"]
    with pytest.raises(BadInputError, match="no pair 'another' in checkpoints; there are: tiny"):
        pairs.load("another")


def test_the_better_of_the_shipped_pairs_comes_first(pair_folder: Path) -> None:
    for name in ("another", FIRST):
        shutil.copytree(pair_folder, pair_folder.with_name(name))
    assert PairFolder(pair_folder.parent, CPU).names() == [FIRST, "another", "tiny"]


def test_unfinished_and_unrelated_folders_are_not_offered(pair_folder: Path) -> None:
    checkpoints = pair_folder.parent
    shutil.copytree(pair_folder, checkpoints / ".next.training")
    (checkpoints / "notes").mkdir()
    (checkpoints / "readme.txt").write_text("words")
    assert PairFolder(checkpoints, CPU).names() == ["tiny"]
    assert PairFolder(checkpoints / "none", CPU).names() == []


def test_a_pair_is_loaded_once_and_again_when_it_changes(pair_folder: Path, tmp_path: Path) -> None:
    pairs = PairFolder(pair_folder.parent, CPU)
    first = pairs.load("tiny")
    assert pairs.load("tiny") is first
    other = write_pair(tmp_path / "elsewhere" / "tiny", seed=1)
    for path in other.iterdir():
        path.replace(pair_folder / path.name)
    second = pairs.load("tiny")
    assert second is not first
    assert not torch.equal(first.baseline.network.backbone.conv1.weight, second.baseline.network.backbone.conv1.weight)


def test_names_cannot_leave_the_folder(pair_folder: Path) -> None:
    pairs = PairFolder(pair_folder.parent / "inner", CPU)
    pairs.path.mkdir()
    with pytest.raises(BadInputError, match=r"no pair '\.\./tiny'"):
        pairs.load("../tiny")


def test_broken_pair_is_listed_and_rejected_with_its_reason(pair_folder: Path) -> None:
    (pair_folder / "scff.safetensors").unlink()
    pairs = PairFolder(pair_folder.parent, CPU)
    assert pairs.names() == ["tiny"]
    with pytest.raises(BadInputError, match=r"scff\.safetensors missing"):
        pairs.load("tiny")


def test_first_usable_pair_skips_broken_pairs(tmp_path: Path) -> None:
    pairs = PairFolder(tmp_path, torch.device("cpu"))
    assert pairs.first_usable() is None
    for name in ("a", "b"):
        write_pair(tmp_path / name)
    path = tmp_path / "a" / "scff.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    first = pairs.first_usable()
    assert first is not None
    assert first.name == "b"
