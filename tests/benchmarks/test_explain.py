"""Heatmap benchmark: command line. Timings are not asserted."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import Ended


@pytest.mark.exhaustive
def test_json_output_holds_the_results(command: Callable[..., Ended]) -> None:
    ended = command("benchmarks.explain", "--arch", "resnet18", "--image-size", 64, "--batch", "1", "--json")
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)
    assert (found["arch"], found["batch"]) == ("resnet18", 1)
    assert found["forward_ms"] > 0
    assert found["ours_ms"] > 0
    for result in (found, found["peers"]["pytorch-grad-cam"]):
        assert result["ratio_to_forward"] > 0
        assert result["memory_ratio"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--arch", "resnet_18"), "unknown architecture 'resnet_18'"),
        (("--batch", "1,x"), "batch '1,x'"),
        (("--batch", "0"), "batch '0'"),
        (("--image-size", "4"), "image size 4"),
        (("--device", "tpu"), "unknown device 'tpu'"),
        (("--arch", "inception_v3", "--image-size", "40"), "cannot take images of 40 x 40"),
    ],
)
def test_invalid_arguments_are_rejected(
    command: Callable[..., Ended], arguments: tuple[str, ...], message: str
) -> None:
    ended = command("benchmarks.explain", *arguments)
    assert ended.status == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1
