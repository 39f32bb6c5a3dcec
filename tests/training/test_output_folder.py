"""Output folder of a run: accepted and rejected contents."""

from pathlib import Path

import torch

from pairs.pair import load_pair
from pairs.report_reading import read_report
from tests.training.conftest import Command, rejected, train


def test_incomplete_pair_is_completed(command: Command, scenes: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "pair", tmp_path / "whole"
    half = train(command, scenes, out, "--epochs", 1, "--fusion", "none")
    assert "an incomplete model pair: train scff into the same folder" in half.out
    again = train(command, scenes, out, "--epochs", 1, "--fusion", "none")
    assert again.status == 2
    assert "already holds baseline" in again.err
    other = train(command, scenes, out, "--epochs", 2, "--fusion", "scff")
    assert other.status == 2
    assert "the two would not make a pair" in other.err
    assert train(command, scenes, out, "--epochs", 1, "--fusion", "scff").status == 0
    train(command, scenes, whole, "--epochs", 1)
    for role in ("baseline", "scff"):
        first, second = (load_pair(path).networks[role].network.state_dict() for path in (out, whole))
        assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_baseline_is_paired_with_any_variant(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    train(command, scenes, out, "--epochs", 1, "--fusion", "none")
    ended = train(command, scenes, out, "--epochs", 1, "--fusion", "scff", "--fusion-variant", "add")
    assert ended.status == 0, ended.err
    assert load_pair(out).scff.header.fusion.fusion == "add"
    networks = read_report(out).networks
    assert networks["baseline"].settings.fusion is None
    assert networks["scff"].settings.fusion.fusion == "add"
    assert "from the same initial backbone weights" in (out / "README.md").read_text()


def test_empty_folder_is_accepted(command: Command, scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / ".gitkeep").touch()
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--resume")
    assert ended.status == 0
    assert "there is no interrupted run of pair to resume; starting a new one" in ended.err
    load_pair(tmp_path / "pair")


def test_folder_of_other_files_is_rejected(command: Command, scenes: Path) -> None:
    rejected(train(command, scenes, scenes / "roof"), "roof is not empty, and holds no pair; choose another --out")
    assert len(list((scenes / "roof").iterdir())) == 6
