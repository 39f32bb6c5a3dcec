"""ONNX Runtime without telemetry."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.essential


def test_import_writes_nothing_into_the_home_folder(tmp_path: Path) -> None:
    """Without the variables that switch its telemetry off in any case."""
    switches = ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in switches} | {"HOME": str(tmp_path)}
    command = [sys.executable, "-c", "from core.onnx_runtime import onnxruntime; onnxruntime.get_device()"]
    subprocess.run(command, check=True, env=environment)
    assert list(tmp_path.rglob("*")) == []
