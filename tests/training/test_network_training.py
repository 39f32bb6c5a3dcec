"""Training of one network."""

from pathlib import Path

import timm
import torch

from tests.training.conftest import Command, rejected, train


def test_weights_too_large_to_be_stored_are_rejected(command: Command, scenes: Path, tmp_path: Path) -> None:
    """Normalisation makes them harmless in float32; a weights file keeps kernels in float16."""
    state, weights = timm.create_model("resnet18").state_dict(), tmp_path / "weights.pth"
    state["conv1.weight"] *= 1e7
    torch.save(state, weights)
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--weights", weights, "--freeze-backbone")
    rejected(ended, "baseline: backbone.conv1.weight has values too large for the weights file")
    assert not list(tmp_path.glob("*pair*"))


def test_untrained_tensors_are_not_frozen(command: Command, scenes: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    torch.save(timm.create_model("resnet18").state_dict(), weights)
    more = ("--weights", weights, "--freeze-backbone", "--small-stem")
    ended = train(command, scenes, tmp_path / "pair", *more)
    rejected(ended, "1 tensor(s) of the backbone would be frozen untrained, the first is conv1.weight")
    assert not list(tmp_path.glob(".pair*"))
