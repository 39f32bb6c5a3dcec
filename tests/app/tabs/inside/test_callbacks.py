"""Layers and fusion tab: callback."""

from pathlib import Path

import numpy as np
import pytest
import torch

from app.session.analysis import SessionAnalyses
from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.downloads import DownloadStore
from app.storage.source_image import SourceImage
from app.tabs.inside.callbacks import Inside
from pairs.folder import PairFolder
from tests.conftest import texture, write_pair

STATE = SessionState(SourceImage("a.tif", lambda: texture(1, 0, side=80), "k"), (80, 80), "/kept/x/a.png", ("tiny",))


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    write_pair(tmp_path / "tiny")
    return Inside(SessionAnalyses(PairFolder(tmp_path, torch.device("cpu")), DownloadStore()))


def test_missing_image_or_analysis_shows_a_message(inside: Inside) -> None:
    assert "choose an image again" in inside.show(None, Settings())
    assert "nothing has been analysed yet" in inside.show(SessionState(STATE.source), Settings())


def test_session_state_suffices_and_invalid_settings_show_an_error(inside: Inside) -> None:
    assert "Y4 fuses Y3 and X4" in inside.show(STATE, Settings(layer="X1"))
    html = inside.show(STATE, Settings("nonsense"))
    assert "role='alert'" in html
    assert "nonsense" in html


def test_internal_error_is_not_disclosed(inside: Inside) -> None:
    failing = SessionState(SourceImage("b.tif", lambda: np.zeros(1) @ np.zeros(2), "b"), pairs=("tiny",))
    html = inside.show(failing, Settings())
    assert "Internal server error" in html
    assert "matmul" not in html
