"""Forward benchmark: command line. Timings are not asserted."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import Ended


def test_json_output_holds_the_results(command: Callable[..., Ended]) -> None:
    ended = command(
        "benchmarks.forward", "--arch", "resnet18,regnety_002", "--image-size", "64x48", "--batch", "2", "--json"
    )
    assert ended.status == 0, ended.err
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["arch"] for line in found] == ["resnet18", "regnety_002"]
    for line in found:
        assert line["image_size"] == [64, 48]
        assert line["forward_ratio"] > 0
        assert line["forward_backward_ratio"] > 0
        assert line["mac_ratio"] > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--arch", "resnet18,resnet_18"), "unknown architecture 'resnet_18'"),
        (("--batch", "1"), "batch must be at least 2"),
        (("--image-size", "64x48x3"), "'64x48x3' is not an image size"),
        (("--fusion-variant", "x"), "unknown fusion 'x'"),
        (("--device", "tpu"), "unknown device 'tpu'"),
    ],
)
def test_invalid_arguments_are_rejected(
    command: Callable[..., Ended], arguments: tuple[str, ...], message: str
) -> None:
    ended = command("benchmarks.forward", *arguments)
    assert ended.status == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1
