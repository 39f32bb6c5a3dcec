"""Callback of the Layers and fusion tab."""

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


def test_without_an_image_it_says_what_to_do(inside: Inside) -> None:
    assert "choose an image again" in inside.show(None, Settings())
    assert "nothing has been analysed yet" in inside.show(SessionState(STATE.source), Settings())


def test_it_needs_what_the_compare_tab_keeps_and_no_more(inside: Inside) -> None:
    assert "Y4 fuses Y3 and X4" in inside.show(STATE, Settings(layer="X1"))
    words = inside.show(STATE, Settings("nonsense"))
    assert "role='alert'" in words
    assert "nonsense" in words


def test_what_is_not_the_visitor_s_doing_is_said_without_its_reasons(inside: Inside) -> None:
    unread = SessionState(SourceImage("b.tif", lambda: np.zeros(1) @ np.zeros(2), "b"), pairs=("tiny",))
    words = inside.show(unread, Settings())
    assert "Internal server error" in words
    assert "matmul" not in words
