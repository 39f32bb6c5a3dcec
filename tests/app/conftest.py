"""What tests of the running app share: a real server over an untrained pair."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import uvicorn

from app.address import bind
from app.pairs import PairFolder
from app.server import build_server
from tests.conftest import write_pair


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pair(tmp_path_factory.mktemp("page") / "checkpoints" / "tiny").parent


@pytest.fixture(scope="module")
def url(checkpoints: Path) -> Iterator[str]:
    """A real server over one untrained pair."""
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(
        uvicorn.Config(
            build_server(PairFolder(checkpoints, torch.device("cpu"))), log_level="error", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
