"""Training from the command line on tiny scenes."""

from collections.abc import Callable
from pathlib import Path

from tests.conftest import Ended

Command = Callable[..., Ended]
ARGUMENTS = ("--arch", "resnet18", "--image-size", "32", "--batch-size", "4", "--device", "cpu")


def train(command: Command, scenes: Path, out: Path, *more: object) -> Ended:
    """Runs `python -m training train` on tiny images."""
    return command("training", "train", "--data", scenes, "--out", out, *ARGUMENTS, *more)


def rejected(ended: Ended, message: str) -> None:
    """Exit status 2, and the error as the last line on standard error."""
    assert ended.status == 2
    last = ended.err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert "Traceback" not in ended.err
