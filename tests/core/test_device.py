"""Choice of the device."""

import pytest
import torch

from core.device import choose_device
from core.errors import BadInputError

pytestmark = pytest.mark.essential


@pytest.mark.parametrize(
    ("cuda", "mps", "auto"), [(False, False, "cpu"), (True, False, "cuda"), (False, True, "mps"), (True, True, "cuda")]
)
def test_auto_is_the_fastest_available(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, auto: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto") == torch.device(auto)
    assert choose_device("cpu") == torch.device("cpu")
    if not cuda:
        with pytest.raises(BadInputError, match="no CUDA device is available; use --device cpu or auto"):
            choose_device("cuda")


def test_unknown_devices_are_rejected() -> None:
    with pytest.raises(BadInputError, match="unknown device 'tpu'; known: auto, cpu, cuda, mps"):
        choose_device("tpu")
