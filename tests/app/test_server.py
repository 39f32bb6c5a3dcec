"""The server, from outside: a process and its address."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Ended


@pytest.fixture
def address() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_port_in_use_is_one_line_and_status_2(command: Callable[..., Ended], address: int, pair_folder: Path) -> None:
    ended = command("app", "--port", address, "--checkpoints", pair_folder.parent)
    assert ended.status == 2
    assert ended.err.startswith(f"error: cannot listen on 127.0.0.1:{address}")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value", "words"), [("--port", 70_000, "cannot listen"), ("--device", "x", "device")]
)
def test_bad_arguments(command: Callable[..., Ended], tmp_path: Path, option: str, value: object, words: str) -> None:
    port = () if option == "--port" else ("--port", 0)
    ended = command("app", "--checkpoints", tmp_path, option, value, *port)
    assert ended.status == 2
    assert words in ended.err


def test_healthz_answers_once_models_are_loaded(pair_folder: Path) -> None:
    broken = pair_folder.with_name("broken")
    broken.mkdir()
    (broken / "report.json").write_text("{}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [sys.executable, "-m", "app", "--port", str(port), "--checkpoints", str(pair_folder.parent)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        found = answer(f"http://127.0.0.1:{port}/healthz", process)
        assert found == {"status": "ok", "pairs": ["broken", "tiny"]}
    finally:
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert f"http://127.0.0.1:{port}" in out
    assert "left out: broken is not a complete checkpoint pair" in err


def answer(url: str, process: subprocess.Popen) -> dict:
    for _ in range(600):
        assert process.poll() is None, process.communicate()
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                return json.load(response)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
