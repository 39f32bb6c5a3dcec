"""The server, most of it in a process of its own."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Ended, texture


@pytest.fixture
def used_port() -> Iterator[int]:
    """A port that is in use."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_port_in_use_is_one_line_and_status_2(command: Callable[..., Ended], used_port: int, pair_folder: Path) -> None:
    ended = command("app", "--port", used_port, "--checkpoints", pair_folder.parent)
    assert ended.status == 2
    assert ended.err.startswith(f"error: cannot listen on 127.0.0.1:{used_port}")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("--port", 70_000, "cannot listen"), ("--device", "x", "device"), ("--host", "127.0.0..1", "cannot listen")],
)
def test_invalid_arguments_are_rejected(
    command: Callable[..., Ended], tmp_path: Path, option: str, value: object, message: str
) -> None:
    port = () if option == "--port" else ("--port", 0)
    ended = command("app", "--checkpoints", tmp_path, option, value, *port)
    assert ended.status == 2
    assert message in ended.err


def test_server_answers_once_models_are_loaded_and_deletes_its_files_on_shutdown(
    pair_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = pair_folder.with_name("broken")
    broken.mkdir()
    (broken / "report.json").write_text("{}")
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with running("--checkpoints", pair_folder.parent) as (address, process):
        assert read(f"{address}/healthz") == {"status": "ok", "pairs": ["broken", "tiny"]}
        assert list(temporary.glob("scff-lens-batch-*"))
    assert "skipped: broken is not a complete model pair" in process.stderr.read()
    assert not list(temporary.glob("scff-lens-batch-*"))


def test_folder_without_pairs_is_reported_at_start(tmp_path: Path) -> None:
    with running("--checkpoints", tmp_path) as (_, process):
        pass
    assert f"no model pair in {tmp_path} yet" in process.stderr.read()


def test_server_file_path_is_rejected_as_upload(url: str, tmp_path: Path) -> None:
    """A forged request for a picture that was not uploaded."""
    secret = tmp_path / "secret.png"
    Image.fromarray(texture(0, 0)).save(secret)
    config = read(f"{url}/config")
    upload = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "upload")
    function = next(d for d in config["dependencies"] if [upload, "upload"] in d["targets"])
    defaults = {component["id"]: component["props"].get("value") for component in config["components"]}
    forged = {upload: {"path": str(secret), "meta": {"_type": "gradio.FileData"}}}
    values = [forged.get(component, defaults[component]) for component in function["inputs"]]
    event = {"fn_index": function["id"], "session_hash": "forged", "data": values}
    post(f"{url}/gradio_api/queue/join", event)
    with urllib.request.urlopen(f"{url}/gradio_api/queue/data?session_hash=forged", timeout=60) as stream:
        event_line = next(line for line in stream if b"process_completed" in line)
    answer = json.loads(event_line.removeprefix(b"data: "))
    assert answer["success"] is False
    assert "secret" not in event_line.decode()


@contextmanager
def running(*arguments: object) -> Iterator[tuple[str, subprocess.Popen]]:
    """The app in a process of its own, on a free port."""
    command = [sys.executable, "-m", "app", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()  # once networks are loaded
        assert line.startswith("SCFF Lens on http://127.0.0.1:"), process.stderr.read()
        yield line.split()[-1], process
    finally:
        process.terminate()
        process.wait(timeout=20)


def read(url: str) -> dict:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                return json.load(response)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def post(url: str, content: dict) -> None:
    request = urllib.request.Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).close()
