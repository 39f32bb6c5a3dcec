"""Comparison of exact Grad-CAM++ with pytorch-grad-cam: command line. Its numbers are not asserted."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Ended


def test_output_as_json_and_text_and_unknown_split_is_rejected(
    command: Callable[..., Ended], scenes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "pair"
    small = ("--epochs", 1, "--image-size", 32, "--batch-size", 4)
    command("training", "train", "--data", scenes, "--arch", "resnet18", "--out", out, *small)
    ended = command("benchmarks.exactness", out, "--data", scenes, "--json")
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)
    assert (found["pair"], found["split"], found["images"]) == ("pair", "test", 3)
    for role in ("baseline", "scff"):
        assert 0 <= found[role]["median_difference"] <= found[role]["max_difference"] <= 1
        assert 0 <= found[role]["min_overlap"] <= found[role]["mean_overlap"] <= 1
    as_text = command("benchmarks.exactness", out, "--data", scenes)
    assert "pair, scff, 3 images: a map differs by " in as_text.out
    rejected = command("benchmarks.exactness", out, "--data", scenes, "--split", "all")
    assert (rejected.status, rejected.err) == (2, "error: unknown split 'all'; known: train, val, test\n")
