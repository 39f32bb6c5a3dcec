"""Web benchmark: command line. Timings are not asserted."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import Ended


@pytest.mark.exhaustive
def test_json_output_holds_the_results(command: Callable[..., Ended]) -> None:
    arguments = ("--arch", "resnet18", "--image-size", 64, "--rounds", 1, "--no-browser", "--json")
    ended = command("benchmarks.app", *arguments)
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)
    assert (found["arch"], found["image_size"], found["visitors"]) == ("resnet18", 64, 16)
    for name in ("forward_ms", "tiff_ratio", "jpeg_ratio", "throughput_ratio", "start_seconds"):
        assert found[name] > 0
    assert (found["failed"], found["of_another"]) == (0, 0)
    assert found["answers"] >= 16
    assert found["page"] is None
    assert found["page_skipped"] == "left out by --no-browser"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--arch", "resnet_18"), "unknown architecture 'resnet_18'"),
        (("--rounds", "0"), "rounds 0"),
        (("--image-size", "4"), "image size 4"),
    ],
)
def test_invalid_arguments_are_rejected(
    command: Callable[..., Ended], arguments: tuple[str, ...], message: str
) -> None:
    ended = command("benchmarks.app", *arguments)
    assert ended.status == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1
